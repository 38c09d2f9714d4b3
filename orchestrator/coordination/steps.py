"""The verbs of a task as a table, one step of it in the store, and what it refuses."""

from __future__ import annotations

from typing import Any, NamedTuple

from orchestrator.coordination import dependencies
from orchestrator.coordination.expertise import WORKING
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "STATUSES",
    "STEPS",
    "ImpossibleStep",
    "NotYourTask",
    "Step",
    "TaskTaken",
    "require_free",
    "step",
    "tell",
]

#: Every status, in the order of a task's life. ``open`` waits for other tasks.
STATUSES = (
    "open", "ready", "proposed", "assigned", "in_progress", "blocked", "done", "cancelled",
)  # fmt: skip


class Step(NamedTuple):
    """One verb: the statuses it is possible in and the status after it."""

    sources: tuple[str, ...]
    target: str


STEPS: dict[str, Step] = {
    "propose": Step(("open", "ready", "proposed"), "proposed"),
    "accept": Step(("proposed",), "assigned"),
    "decline": Step(("proposed",), "ready"),
    "claim": Step(("open", "ready"), "assigned"),
    "start": Step(("assigned",), "in_progress"),
    "block": Step(("assigned", "in_progress"), "blocked"),
    "unblock": Step(("blocked",), "in_progress"),
    "complete": Step(WORKING, "done"),
    "return": Step(WORKING, "ready"),
    "cancel": Step(("open", "ready", "proposed", *WORKING), "cancelled"),
}


class NotYourTask(OrchestrateError):
    """The task is somebody else's.

    Only its assignee goes on with a task, only the one it was proposed to
    accepts or declines it, and only its author, its assignee or a human
    cancels it.
    """

    code = "E370"
    exit_status = EXIT["failed"]


class ImpossibleStep(OrchestrateError):
    """This cannot be done with a task in this status.

    The hint names what can. A task that waits for others becomes ready when
    they are done. Nothing was changed.
    """

    code = "E372"


class TaskTaken(OrchestrateError):
    """Somebody else has this task.

    Of several who claim a task at once exactly one gets it. Take another one:
    ``orchestrate task list --status ready``.
    """

    code = "E373"
    exit_status = EXIT["held"]


def tell(
    tx: Transaction, row: Row, verb: str, actor: str, reason: str | None = None, **data: Any
) -> None:
    """Record what happened to a task, under the instance that has it."""
    tx.record(
        NewEvent(
            f"task.{verb}",
            actor,
            row.get("assigned_to"),
            row.get("handoff"),
            reason,
            before=row["version"] - 1 if row["version"] > 1 else None,
            after=row["version"],
            data={"task": row["id"], **data},
        )
    )


def step(
    tx: Transaction, task: Row, verb: str, actor: str, reason: str | None = None, **changes: Any
) -> Row:
    """Do one verb of ``STEPS`` with its event. Raises ``ImpossibleStep``."""
    sources, target = STEPS[verb]
    if task["status"] not in sources:
        possible = ", ".join(v for v, s in STEPS.items() if task["status"] in s.sources)
        raise ImpossibleStep(
            f"{task['id']} is {task['status']}: no {verb}",
            hint=f"possible: {possible or 'nothing'}",
        )
    new = {"status": target, "version": task["version"] + 1, "updated_at": tx.now, **changes}
    tx.update("tasks", {"id": task["id"]}, new)
    after = {**task, **new}
    tell(tx, after, verb, actor, reason, was=task["status"], status=after["status"])
    return after


def require_free(reader: Reader, task: Row) -> None:
    """Raise unless nothing the task depends on is unfinished."""
    waiting = dependencies.waits_for(reader, task)
    if waiting:
        names = ", ".join(f"{row['id']} ({row['status']})" for row in waiting)
        raise ImpossibleStep(
            f"{task['id']} waits for {names}", hint="it becomes ready when they are done"
        )
