"""Ending sessions: by themselves, or because they are known to be dead.

Runs at registration, at acquisition of leases and in ``orchestrate cleanup``; no
watch is needed. Only what is *known* dead is cleaned away: a stopped process
lives, and unknown is not dead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.coordination.bells import remove
from orchestrator.coordination.sessions import children, made_on_the_spot, session_liveness
from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.machine import Facts, step
from orchestrator.lifecycle.states import Event, State
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = [
    "CLEANER",
    "Cleaned",
    "Ended",
    "clean",
    "end_session",
    "return_tasks",
    "take_leave",
]

#: Who events name when nobody's call but the passing of time ended something.
CLEANER = "cleanup"
#: Statuses of a task that somebody has begun or promised to do.
_UNFINISHED = ("assigned", "in_progress", "blocked")


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending one session gave back; ``leases`` is a number, ``tasks`` are ids."""

    session: str
    instance: str | None
    leases: int = 0
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean-up found and ended."""

    ended: tuple[Ended, ...] = ()

    @property
    def sessions(self) -> tuple[str, ...]:
        return tuple(one.session for one in self.ended)

    def to_json(self) -> dict[str, Any]:
        """``sessions``, each with its instance, number of leases and task ids."""
        return {"sessions": [{**asdict(one), "tasks": list(one.tasks)} for one in self.ended]}


def clean(tx: Transaction, now: int, only: Collection[str] | None = None) -> Cleaned:
    """End every session that is known dead; of the sessions ``only``, where given.

    ``now`` in ms. An instance keeps its last session's signs, so that the
    status can say that it stopped in the middle of its work.
    """
    where: dict[str, Any] = {"ended_at": None, "parent": None}
    if only is not None:
        where["id"] = tuple(only)
    rows = tx.find("sessions", where) if only is None or only else []
    dead = [row for row in rows if session_liveness(row, now) is False]
    return Cleaned(
        tuple(end_session(tx, row, reason="its client is gone", actor=CLEANER) for row in dead)
    )


def end_session(tx: Transaction, row: Row, *, reason: str, actor: str) -> Ended:
    """End a session with its sub-agents: leases freed, tasks returned, one event each.

    What an open handoff needs stays: its leases, its task, the lifecycle state.
    An instance made on the spot goes with its session, unless work of it is on record.
    """
    agents = children(tx, row["id"])
    freed = sum(_release_leases(tx, one["id"], reason) for one in (row, *agents))
    for one in (*agents, row):
        tx.update("sessions", {"id": one["id"]}, {"ended_at": tx.now})
        for trace in ("sightings", "calls"):
            tx.delete(trace, {"session": one["id"]})
    remove(tx, row["id"])
    instance = None if row["parent"] else tx.get("instances", id=row["instance"])
    mine = instance is not None and instance["session"] in (None, row["id"])
    tasks = return_tasks(tx, instance, reason=reason, actor=actor) if instance and mine else ()
    told = {"session": row["id"], "leases": freed, "tasks": list(tasks)}
    tx.record(NewEvent("session.end", actor, row["instance"], reason=reason, data=told))
    if mine and made_on_the_spot(row["instance"]):
        _dissolve(tx, row["instance"], reason, actor)
    return Ended(row["id"], row["instance"], freed, tasks)


def _release_leases(tx: Transaction, session: str, reason: str) -> int:
    # Imported late: acquiring a lease cleans up first, so that module needs this one.
    from orchestrator.coordination.leases import release_session

    return release_session(tx, session, reason)


def take_leave(tx: Transaction, name: str, actor: str) -> None:
    """An instance is gone for good: tell those who wrote to it, and drop what it still asks."""
    # Imported late: most sessions end without it.
    from orchestrator.coordination.permissions import drop
    from orchestrator.coordination.undelivered import give_up

    give_up(tx, name, actor=actor)
    drop(tx, name)


def return_tasks(tx: Transaction, instance: Row, *, reason: str, actor: str) -> tuple[str, ...]:
    """Give back the instance's unfinished tasks, except that of its open handoff; their ids."""
    handoff = tx.get("handoffs", id=instance["handoff"]) if instance["handoff"] else None
    kept = {instance["task"], handoff["task"]} if handoff else set()
    rows = tx.find("tasks", {"assigned_to": instance["id"], "status": _UNFINISHED})
    given = [row for row in rows if row["id"] not in kept and row["handoff"] is None]
    for row in given:
        _return(tx, row, reason, actor)
    own = instance["task"] and made_on_the_spot(instance["id"])
    if own or instance["task"] in {row["id"] for row in given}:
        _stand_by(tx, instance, reason, actor)
    return tuple(row["id"] for row in given)


def _return(tx: Transaction, row: Row, reason: str, actor: str) -> None:
    """One task, for others to take: what it depends on was done before it could be begun."""
    version = (row["version"] or 0) + 1
    new: Row = {
        "status": "ready",
        "assigned_to": None,
        "blocked_reason": None,
        "started_at": None,
        "updated_at": tx.now,
        "version": version,
    }
    tx.update("tasks", {"id": row["id"]}, new)
    told = {"task": row["id"], "from": row["status"], "to": new["status"]}
    tx.record(
        NewEvent(
            "task.return",
            actor,
            row["assigned_to"],
            reason=reason,
            before=row["version"],
            after=version,
            data=told,
        )
    )


def _stand_by(tx: Transaction, row: Row, reason: str, actor: str) -> None:
    """ACTIVE → STANDBY when the task it was active for is given back, so that it can be claimed.

    Any other state has a handoff, which goes on without the client.
    """
    if row["state"] != State.ACTIVE or row["handoff"]:
        return
    # The store itself acts here for the coordinator, about an instance without a client.
    facts = Facts(actor=actor, producer=row["id"], coordinates=True, live=False)
    try:
        after = step(State.ACTIVE, Event.RELEASE, facts)
    except OrchestrateError:  # pragma: no cover - the guard's facts are all given
        return
    version = row["version"] + 1
    new: Row = {"state": str(after), "version": version, "task": None}
    read = {"state": row["state"], "version": row["version"]}
    if tx.update("instances", {"id": row["id"]}, new, expect=read):
        told = {"from": row["state"], "to": str(after), "task": row["task"]}
        event = NewEvent("instance.release", actor, row["id"], reason=reason, data=told)
        tx.record(event)


def _dissolve(tx: Transaction, name: str, reason: str, actor: str) -> None:
    """No ghosts: remove an instance nobody can be any more. A resumed session makes it again."""
    row = tx.get("instances", id=name)
    if row and row["state"] == State.STANDBY and not tx.count("handoffs", {"producer": name}):
        tx.delete("instances", {"id": name})
        take_leave(tx, name, actor)
        tx.record(NewEvent("instance.retire", actor, name, reason=reason))
