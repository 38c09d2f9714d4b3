"""Sessions: live clients, and which instance each one is.

Identity is the session, never the checkout. One live session occupies an
instance; a sub-agent is a child of its session and works as the same instance.
The row of the instance repeats its session's signs of life for the readers of
the status. Every function runs in the caller's transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.coordination.bells import hang
from orchestrator.coordination.liveness import TTL_MS, alive, host, started
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "Client",
    "NoSession",
    "NotYou",
    "Occupied",
    "add_agent",
    "agent_session",
    "children",
    "heartbeat",
    "instance_of",
    "made_on_the_spot",
    "occupant",
    "open_session",
    "register",
    "session_liveness",
]


#: Names of instances that sessions made for themselves.
_ON_THE_SPOT = re.compile(r"claude-\d{8}-\d{6}-[0-9a-f]{8}")


class NotYou(OrchestrateError):
    """This session is another instance.

    A session is one instance for as long as it lives. Call without
    ``--instance`` to act as yourself, or check out first.
    """

    code = "E312"


class Occupied(NotYou):
    """Another live session is this instance.

    One live session occupies one instance. Check in without ``--instance`` to
    get one of your own. When the other is gone, ``orchestrate cleanup`` frees
    the instance; one whose process cannot be asked is believed gone after 5
    minutes without a heartbeat.
    """

    code = "E353"
    exit_status = EXIT["held"]


class NoSession(OrchestrateError):
    """There is no such session, or it has ended.

    Sessions that were known dead are cleaned away, with their leases. ``orchestrate
    check-in`` starts it again.
    """

    code = "E354"
    exit_status = EXIT["stale"]


#: The columns that name a client's process.
_PROCESS = ("pid", "pid_started", "host")


@dataclass(frozen=True, slots=True)
class Client:
    """A client process as it registers. ``pid`` is the client's own, None when unknown.

    ``kind`` is ``claude``, ``terminal`` or the like; ``cwd`` is absolute; ``socket``
    is where the client takes messages, None when it says nothing of it.
    """

    session: str
    pid: int | None = None
    kind: str = "claude"
    cwd: str | None = None
    socket: str | None = None

    def signs(self, now: int, before: Row | None = None) -> Row:
        """The columns that say where the client runs and that it does.

        A call that does not know the pid keeps the one known ``before``, while
        that process still runs.
        """
        if self.pid is None and before and _runs(before):
            return {**{key: before[key] for key in _PROCESS}, "heartbeat_at": now}
        start = started(self.pid) if self.pid else None
        return {"pid": self.pid, "pid_started": start, "host": host(), "heartbeat_at": now}


def session_liveness(row: Row, now: int) -> bool | None:
    """Whether a session's client runs: True, False, or None when it cannot be told.

    Its process decides where it can be asked. On another host its heartbeat
    does. Without a process on this host a fresh heartbeat proves nothing
    either way; none for 5 minutes means gone. ``row`` is of ``sessions`` or
    ``instances``.
    """
    if row.get("ended_at") is not None:
        return False
    known = alive(row["pid"], row["pid_started"], row["host"])
    if known is not None or row["heartbeat_at"] is None:
        return known
    if now - row["heartbeat_at"] > TTL_MS:
        return False
    return None if row["host"] in (None, host()) else True


def _runs(row: Row) -> bool:
    return row["ended_at"] is None and alive(row["pid"], row["pid_started"], row["host"]) is True


def made_on_the_spot(instance: str) -> bool:
    """True for the name of an instance that a session made for itself."""
    return _ON_THE_SPOT.fullmatch(instance) is not None


def open_session(reader: Reader, session: str) -> Row:
    """The row of a session that has not ended. Raises ``NoSession``."""
    row = reader.get("sessions", id=session)
    if row is None:
        raise NoSession(f"no session {session!r} is registered")
    if row["ended_at"] is not None:
        raise NoSession(f"session {session!r} has ended", hint="check in again")
    return row


def instance_of(reader: Reader, session: str) -> str | None:
    """The instance a session is, while it has not ended."""
    row = reader.get("sessions", id=session)
    if row is not None:
        return None if row["ended_at"] is not None else str(row["instance"])
    known = reader.find("instances", {"session": session}, limit=1)
    return str(known[0]["id"]) if known else None


def occupant(reader: Reader, instance: Row) -> Row | None:
    """The session that occupies an instance and is not known to be dead, or None.

    Gives the row of ``sessions``; the instance's own for one that never checked in.
    """
    name = instance["session"]
    if name is None:
        return None
    row = reader.get("sessions", id=name)
    if row is not None and row["instance"] != instance["id"]:
        return None
    held: Row = instance if row is None else row
    return None if session_liveness(held, reader.now) is False else held


def register(tx: Transaction, client: Client, instance: Row, token: str | None) -> Row:
    """Start a session as ``instance``, or resume it; the session's row.

    ``token`` is the digest to keep, None to keep what is there. Raises
    ``Occupied`` and ``NotYou``.
    """
    mine = instance_of(tx, client.session)
    if mine not in (None, instance["id"]):
        raise NotYou(f"this session is instance {mine}, not {instance['id']}")
    if instance["session"] != client.session and occupant(tx, instance) is not None:
        raise Occupied(f"{instance['id']} is occupied by another live session")
    old = tx.get("sessions", id=client.session)
    row = _started(tx, client, instance, token, old)
    signs = {key: row[key] for key in (*_PROCESS, "heartbeat_at")}
    tx.update("instances", {"id": instance["id"]}, {"session": client.session, **signs})
    return row


def _started(
    tx: Transaction, client: Client, instance: Row, token: str | None, old: Row | None
) -> Row:
    """Write the row of ``sessions``, and the event unless it only goes on."""
    changes: Row = {
        "instance": instance["id"],
        "client": client.kind,
        "cwd": client.cwd or (old["cwd"] if old else None),
        "ended_at": None,
        **client.signs(tx.now, old),
    }
    if token is not None:
        changes["token"] = token
    if old is None:
        new = {"id": client.session, "started_at": tx.now, **changes}
        tx.insert("sessions", new)
    else:
        tx.update("sessions", {"id": client.session}, changes)
    if old is None or old["ended_at"] is not None:
        verb = "start" if old is None else "resume"
        _tell(tx, verb, instance["id"], client.session, host=changes["host"], pid=client.pid)
    hang(tx, client.session, client.socket)
    row = tx.get("sessions", id=client.session)
    assert row is not None
    return row


def agent_session(session: str, agent: str) -> str:
    """The id of a sub-agent's row."""
    return f"{session}/{agent}"


def add_agent(tx: Transaction, session: str, agent: str) -> Row:
    """Register a sub-agent of a session as its child; harmless twice. Raises ``NoSession``."""
    parent = open_session(tx, session)
    name = agent_session(session, agent)
    old = tx.get("sessions", id=name)
    copied = ("instance", "client", "cwd", *_PROCESS)
    changes: Row = {**{key: parent[key] for key in copied}, "heartbeat_at": tx.now}
    if old is None:
        more: Row = {"id": name, "parent": session, "agent": agent, "started_at": tx.now}
        tx.insert("sessions", {**changes, **more})
    else:
        tx.update("sessions", {"id": name}, {**changes, "ended_at": None})
    if old is None or old["ended_at"] is not None:
        _tell(tx, "agent", parent["instance"], name, agent=agent)
    row = tx.get("sessions", id=name)
    assert row is not None
    return row


def children(reader: Reader, session: str) -> list[Row]:
    """The sub-agents of a session that have not ended."""
    of_instance = reader.get("sessions", id=session)
    if of_instance is None:
        return []
    rows = reader.find("sessions", {"instance": of_instance["instance"], "ended_at": None})
    return [row for row in rows if row["parent"] == session]


def heartbeat(tx: Transaction, session: str) -> Row:
    """A sign of life of a session, or of a sub-agent and with it of its session. No event.

    Raises ``NoSession``.
    """
    row = open_session(tx, session)
    root = open_session(tx, row["parent"]) if row["parent"] else row
    now: Row = {"heartbeat_at": tx.now}
    for name in {row["id"], root["id"]}:
        tx.update("sessions", {"id": name}, now)
    tx.update("instances", {"id": root["instance"]}, now, expect={"session": root["id"]})
    return {**row, **now}


def _tell(tx: Transaction, verb: str, instance: str, session: str, **data: object) -> None:
    told = {"session": session, **data}
    tx.record(NewEvent(f"session.{verb}", instance, instance, data=told))
