"""Tasks: who does what, after what, and what has to exist when it is done.

A task is one row. Whoever claims it first has it; the instance's lifecycle is
moved with it by ``engine.tasking``, in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.model import Config
from orchestrator.coordination import dependencies, messages
from orchestrator.coordination.deliverables import rooted
from orchestrator.coordination.expertise import WORKING
from orchestrator.coordination.lookup import NoSuchName, named
from orchestrator.coordination.messages import PRIORITIES
from orchestrator.coordination.steps import (
    STATUSES,
    STEPS,
    ImpossibleStep,
    NotYourTask,
    TaskTaken,
    require_free,
    step,
    tell,
)
from orchestrator.coordination.suggestions import suggest
from orchestrator.coordination.texts import body, line, one_of
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "STATUSES",
    "STEPS",
    "WORKING",
    "Draft",
    "ImpossibleStep",
    "NotYourTask",
    "TaskTaken",
    "accept",
    "add",
    "block",
    "cancel",
    "carried",
    "claim",
    "complete",
    "decline",
    "depend",
    "finish",
    "give_back",
    "listed",
    "offer",
    "propose",
    "start",
    "task_of",
    "unblock",
]


@dataclass(frozen=True, slots=True)
class Draft:
    """A task to be. Paths and globs are repository-rooted; ``due_at`` is ms since the epoch."""

    title: str
    description: str = ""
    priority: str = "medium"
    due_at: int | None = None
    dependencies: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    expertise: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def task_of(reader: Reader, name: str) -> Row:
    """The task with this id, or with this name where it was imported from."""
    return named(reader, "tasks", name)


def add(tx: Transaction, config: Config, draft: Draft, *, by: str, actor: str) -> Row:
    """Keep a new task; it is ready unless it depends on unfinished ones.

    ``suggested`` becomes the instance whose subject it is, if there is one.
    Raises ``BadText``, ``BadPath``, ``NoSuchName`` for a dependency.
    """
    name = f"T-{tx.number('task')}"
    row: Row = {
        "id": name,
        "title": line(draft.title, "title"),
        "description": body(draft.description, "description"),
        "priority": one_of(draft.priority, PRIORITIES, "priority"),
        "due_at": draft.due_at,
        "dependencies": json.dumps(dependencies.check(tx, name, draft.dependencies)),
        "deliverables": _list(rooted(path) for path in draft.deliverables),
        "required_expertise": _list(line(word, "expertise") for word in draft.expertise),
        "files": _list(rooted(path) for path in draft.files),
        "created_by": by,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }
    row["status"] = "open" if dependencies.waits_for(tx, row) else "ready"
    best = next(iter(suggest(tx, config, row)), None)
    row["suggested"] = best.instance if best and best.fits else None
    tx.insert("tasks", row)
    tell(tx, row, "add", actor, title=row["title"], suggested=row["suggested"])
    return row


def _list(values: Any) -> str:
    return json.dumps(list(dict.fromkeys(values)))


def claim(tx: Transaction, name: str, instance: str, *, actor: str) -> Row:
    """Take a ready task; claiming one's own again changes nothing.

    Raises ``TaskTaken`` when somebody was faster, ``ImpossibleStep`` while it waits.
    """
    task = task_of(tx, name)
    holder = task["assigned_to"] if task["status"] in WORKING else None
    if holder == instance:
        return task
    if holder is not None:
        raise TaskTaken(f"{task['id']} is {holder}'s")
    if task["status"] == "proposed" and task["proposed_to"] == instance:
        return accept(tx, name, instance, actor=actor)
    if task["status"] == "proposed":
        raise TaskTaken(f"{task['id']} is proposed to {task['proposed_to']}")
    require_free(tx, task)
    return step(tx, task, "claim", actor, assigned_to=instance)


def propose(tx: Transaction, config: Config, name: str, to: str, *, by: str, actor: str) -> Row:
    """Ask one instance to take the task; it is told in a message."""
    after = offer(tx, name, to, actor=actor)
    text = (
        f"orchestrate task accept {after['id']}\norchestrate task decline {after['id']} --reason …"
    )
    _write(tx, config, by, to, after, f"{after['id']} is proposed to you: ", text, actor)
    return after


def offer(tx: Transaction, name: str, to: str, *, actor: str) -> Row:
    """Propose without a message. Raises ``TaskTaken``, ``NoSuchName``, ``ImpossibleStep``."""
    task = task_of(tx, name)
    if task["status"] in WORKING:
        raise TaskTaken(f"{task['id']} is {task['assigned_to']}'s")
    if tx.get("instances", id=to) is None:
        raise NoSuchName(f"there is no instance {to!r}", hint="orchestrate instance list")
    return step(tx, task, "propose", actor, proposed_to=to)


def _write(
    tx: Transaction, config: Config, by: str, to: str | None, task: Row, subject: str, text: str,
    actor: str,
) -> None:  # fmt: skip
    """Send a message about a task, unless it would go to its own sender or to nobody."""
    if to is None or to == by:
        return
    draft = messages.Draft(
        (subject + task["title"])[:200], text, priority=task["priority"], task=task["id"]
    )
    messages.send(tx, config, by, to, draft, actor=actor)


def accept(tx: Transaction, name: str, instance: str, *, actor: str) -> Row:
    """Take a task that was proposed to ``instance``; its dependencies must be done."""
    task = _proposed(tx, name, instance, "accept")
    if task["status"] in WORKING:
        return task
    require_free(tx, task)
    return step(tx, task, "accept", actor, assigned_to=instance, proposed_to=None)


def decline(
    tx: Transaction, config: Config, name: str, instance: str, reason: str | None, *, actor: str
) -> Row:
    """Give a proposed task back; its author is told why."""
    task = _proposed(tx, name, instance, "decline")
    status = "open" if dependencies.waits_for(tx, task) else "ready"
    after = step(tx, task, "decline", actor, reason, proposed_to=None, status=status)
    text = reason or "no reason was given"
    _write(tx, config, instance, task["created_by"], after, f"{task['id']} declined: ", text, actor)
    return after


def _proposed(reader: Reader, name: str, instance: str, verb: str) -> Row:
    task = task_of(reader, name)
    mine = task["proposed_to"] == instance
    again = verb == "accept" and task["status"] in WORKING and task["assigned_to"] == instance
    if task["status"] == "proposed" and not mine:
        raise NotYourTask(f"{task['id']} is proposed to {task['proposed_to']}, not {instance}")
    if task["status"] != "proposed" and not again:
        raise ImpossibleStep(f"{task['id']} is {task['status']}, not proposed")
    return task


def _mine(reader: Reader, name: str, instance: str) -> Row:
    task = task_of(reader, name)
    holder = task["assigned_to"]
    if holder is not None and holder != instance:
        raise NotYourTask(f"{task['id']} is {holder}'s, not {instance}'s")
    return task


def start(tx: Transaction, name: str, instance: str, *, actor: str) -> Row:
    """Say that work on an assigned task has begun; harmless twice."""
    task = _mine(tx, name, instance)
    if task["status"] == "in_progress":
        return task
    return step(tx, task, "start", actor, started_at=tx.now)


def block(
    tx: Transaction, config: Config, name: str, instance: str, reason: str, *, actor: str
) -> Row:
    """Say what stands in the way; the author is told."""
    task = _mine(tx, name, instance)
    why = body(line(reason, "reason"))
    after = step(tx, task, "block", actor, why, blocked_reason=why)
    _write(tx, config, instance, task["created_by"], after, f"{task['id']} blocked: ", why, actor)
    return after


def unblock(tx: Transaction, name: str, instance: str, *, actor: str) -> Row:
    """Go on with a blocked task."""
    task = _mine(tx, name, instance)
    begun = task["started_at"] or tx.now
    return step(tx, task, "unblock", actor, blocked_reason=None, started_at=begun)


def complete(tx: Transaction, config: Config, name: str, instance: str, *, actor: str) -> Row:
    """The task is done; what waited for it may become ready. Harmless twice."""
    task = _mine(tx, name, instance)
    return task if task["status"] == "done" else finish(tx, config, task, by=instance, actor=actor)


def finish(
    tx: Transaction, config: Config, task: Row, *, by: str, actor: str, reason: str | None = None
) -> Row:
    """Mark ``task`` done and free the tasks that waited only for it."""
    after = step(tx, task, "complete", actor, reason, closed_at=tx.now)
    for waiting in dependencies.dependents(tx, task["id"]):
        if waiting["status"] == "open" and not dependencies.waits_for(tx, waiting):
            _ready(tx, config, waiting, after, by, actor)
    return after


def _ready(tx: Transaction, config: Config, task: Row, because: Row, by: str, actor: str) -> None:
    new = {"status": "ready", "version": task["version"] + 1, "updated_at": tx.now}
    tx.update("tasks", {"id": task["id"]}, new)
    after = {**task, **new}
    tell(tx, after, "ready", actor, because=because["id"])
    text = f"{because['id']} is done.\norchestrate task claim {task['id']}"
    to = task["assigned_to"] or task["suggested"]
    _write(tx, config, by, to, after, f"{task['id']} is ready: ", text, actor)


def carried(tx: Transaction, task: Row, handoff: str) -> Row:
    """Note which handoff carries the task: it is done when that has landed."""
    new: Row = {"status": "in_progress", "handoff": handoff, "version": task["version"] + 1}
    tx.update("tasks", {"id": task["id"]}, {**new, "updated_at": tx.now})
    after = {**task, **new, "updated_at": tx.now}
    tell(tx, after, "hand_off", actor=task["assigned_to"])
    return after


def give_back(
    tx: Transaction, instance: str, task: str | None, *, actor: str, reason: str | None = None
) -> Row | None:
    """Return the task ``instance`` gives up, for others to take; None when it is no task's id."""
    row = tx.get("tasks", id=task) if task else None
    if row is None or row["assigned_to"] != instance or row["status"] not in WORKING:
        return None
    gone: Row = {"assigned_to": None, "handoff": None, "blocked_reason": None, "started_at": None}
    return step(tx, row, "return", actor, reason, **gone)


def cancel(
    tx: Transaction, config: Config, name: str, *, by: str, human: bool, reason: str | None,
    actor: str,
) -> Row:  # fmt: skip
    """Give a task up for good; its holder is told. Harmless twice."""
    task = task_of(tx, name)
    if not human and by not in (task["created_by"], task["assigned_to"]):
        raise NotYourTask(f"{task['id']} was made by {task['created_by']}, not {by}")
    if task["status"] == "cancelled":
        return task
    after = step(tx, task, "cancel", actor, reason, closed_at=tx.now)
    to = task["assigned_to"] or task["proposed_to"]
    _write(tx, config, by, to, after, f"{task['id']} cancelled: ", reason or "", actor)
    return after


def depend(
    tx: Transaction, name: str, *, on: Sequence[str] = (), drop: Sequence[str] = (), actor: str
) -> Row:
    """Change what a task that nobody has yet waits for.

    Raises ``DependencyCycle``, ``NoSuchName``, ``ImpossibleStep`` for a task at work.
    """
    task = task_of(tx, name)
    if task["status"] not in ("open", "ready", "proposed"):
        raise ImpossibleStep(f"{task['id']} is {task['status']}: its dependencies stay")
    more = dependencies.check(tx, task["id"], on)
    gone = {*drop, *(row["id"] for n in drop for row in tx.find("tasks", {"origin": n}))}
    kept = [n for n in dict.fromkeys([*dependencies.needs(task), *more]) if n not in gone]
    new: Row = {"dependencies": json.dumps(kept), "version": task["version"] + 1}
    after = {**task, **new, "updated_at": tx.now}
    if task["status"] != "proposed":
        after["status"] = "open" if dependencies.waits_for(tx, after) else "ready"
    tx.update("tasks", {"id": task["id"]}, {k: after[k] for k in (*new, "status", "updated_at")})
    tell(tx, after, "depend", actor, dependencies=kept)
    return after


_RANK = {name: place for place, name in enumerate(reversed(PRIORITIES))}


def listed(
    reader: Reader, *, statuses: Sequence[str] = (), instance: str | None = None
) -> list[Row]:
    """Tasks, the urgent first: by priority, due time, age. ``instance``: its and offered to it."""
    rows = reader.find("tasks", {"status": list(statuses)} if statuses else None)
    if instance is not None:
        rows = [r for r in rows if instance in (r["assigned_to"], r["proposed_to"])]
    return sorted(rows, key=_urgency)


def _urgency(row: Row) -> tuple[int, bool, int, int, str]:
    due = row["due_at"]
    place = _RANK.get(row["priority"], len(_RANK))
    return (place, due is None, due or 0, row["created_at"] or 0, row["id"])
