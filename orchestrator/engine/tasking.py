"""Tasks together with the instances that do them: one transaction moves both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.coordination import messages, tasks
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.deliverables import (
    DeliverablesMissing,
    lacking_in_commit,
    lacking_in_folder,
)
from orchestrator.coordination.suggestions import Suggestion, suggest
from orchestrator.engine.acting import act
from orchestrator.engine.handoff import RefNotFound, live, ready
from orchestrator.engine.project import Project
from orchestrator.engine.transition import move, row_of
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event, State
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "Completed",
    "accept",
    "add",
    "block",
    "cancel",
    "claim",
    "complete",
    "decline",
    "depend",
    "hand_over",
    "propose",
    "start",
    "suggestions",
    "unblock",
]


@dataclass(frozen=True, slots=True)
class Completed:
    """``handoff`` is set when the task is done only once that handoff has landed."""

    task: Row
    handoff: Row | None = None
    remarks: tuple[str, ...] = ()


def add(
    project: Project,
    who: Caller,
    by: str,
    draft: tasks.Draft,
    *,
    assign: str | None = None,
    key: str | None = None,
) -> Row:
    """Keep a new task. ``assign``: to oneself, or by a human, it is assigned at once;
    to another instance it is proposed; while it waits for others, only suggested.
    """

    def body(tx: Transaction, actor: str) -> Row:
        task = tasks.add(tx, project.config, draft, by=by, actor=actor)
        return task if assign is None else _assigned(tx, project, who, by, task, assign, actor)

    return act(project, who, by, body, key)


def _assigned(
    tx: Transaction, project: Project, who: Caller, by: str, task: Row, to: str, actor: str
) -> Row:
    row = row_of(tx, "instances", to)
    if task["status"] == "open":
        tx.update("tasks", {"id": task["id"]}, {"suggested": to})
        return {**task, "suggested": to}
    if by != to and not who.human:
        return tasks.propose(tx, project.config, task["id"], to, by=by, actor=actor)
    return _confirm(tx, row, tasks.claim(tx, task["id"], to, actor=actor), actor)


def _confirm(tx: Transaction, row: Row, task: Row, actor: str) -> Row:
    """Confirm the assignment in the registry: STANDBY → ACTIVE. Harmless twice.

    Raises ``ImpossibleEvent`` with what is possible when the instance is at work.
    """
    if row["task"] == task["id"] and row["state"] != State.STANDBY:
        return task
    facts = Facts(actor=actor, producer=row["id"], live=live(row, tx.now), task=task["id"])
    told = {"task": task["id"]}
    move(tx, row, Event.ASSIGN, facts, changes=dict(told), data={**told, "title": task["title"]})
    return task


def claim(project: Project, who: Caller, instance: str, name: str) -> Row:
    """Take a task, and with it STANDBY → ACTIVE. Of several at once exactly one gets it.

    Raises ``TaskTaken``, ``ImpossibleStep``, ``ImpossibleEvent``; then nothing was changed.
    """

    def body(tx: Transaction, actor: str) -> Row:
        task = tasks.claim(tx, name, instance, actor=actor)
        return _confirm(tx, row_of(tx, "instances", instance), task, actor)

    return act(project, who, instance, body)


def propose(project: Project, who: Caller, by: str, name: str, to: str) -> Row:
    """Offer a task to another instance; it is told."""
    return act(
        project,
        who,
        by,
        lambda tx, actor: tasks.propose(tx, project.config, name, to, by=by, actor=actor),
    )


def accept(project: Project, who: Caller, instance: str, name: str) -> Row:
    """Take what was proposed, and with it STANDBY → ACTIVE."""

    def body(tx: Transaction, actor: str) -> Row:
        task = tasks.accept(tx, name, instance, actor=actor)
        return _confirm(tx, row_of(tx, "instances", instance), task, actor)

    return act(project, who, instance, body)


def decline(project: Project, who: Caller, instance: str, name: str, reason: str | None) -> Row:
    """Refuse what was proposed; its author is told."""
    return act(
        project,
        who,
        instance,
        lambda tx, actor: tasks.decline(tx, project.config, name, instance, reason, actor=actor),
    )


def start(project: Project, who: Caller, instance: str, name: str) -> Row:
    """Begin an assigned task."""
    return act(
        project, who, instance, lambda tx, actor: tasks.start(tx, name, instance, actor=actor)
    )


def block(project: Project, who: Caller, instance: str, name: str, reason: str) -> Row:
    """Say what stands in the way."""
    return act(
        project,
        who,
        instance,
        lambda tx, actor: tasks.block(tx, project.config, name, instance, reason, actor=actor),
    )


def unblock(project: Project, who: Caller, instance: str, name: str) -> Row:
    """Go on with a blocked task."""
    return act(
        project, who, instance, lambda tx, actor: tasks.unblock(tx, name, instance, actor=actor)
    )


def depend(
    project: Project, who: Caller, by: str, name: str, on: tuple[str, ...], drop: tuple[str, ...]
) -> Row:
    """Change what a task waits for."""
    return act(
        project, who, by, lambda tx, actor: tasks.depend(tx, name, on=on, drop=drop, actor=actor)
    )


def cancel(project: Project, who: Caller, by: str, name: str, reason: str | None) -> Row:
    """Give a task up; its holder stands by again where the caller may say so."""

    def body(tx: Transaction, actor: str) -> Row:
        task = tasks.cancel(
            tx, project.config, name, by=by, human=who.human, reason=reason, actor=actor
        )
        if task["assigned_to"] and (who.human or by == task["assigned_to"]):
            _stand_by(tx, who, task, actor, f"{task['id']} was cancelled")
        return task

    return act(project, who, by, body)


def _stand_by(tx: Transaction, who: Caller, task: Row, actor: str, reason: str) -> None:
    """ACTIVE → STANDBY for the holder of a task that needs no handoff."""
    row = row_of(tx, "instances", task["assigned_to"])
    if row["task"] != task["id"] or row["state"] != State.ACTIVE or row["handoff"]:
        return
    facts = Facts(actor=actor, producer=row["id"], human=who.human, live=live(row, tx.now))
    told = {"task": task["id"]}
    move(tx, row, Event.RELEASE, facts, reason=reason, changes={"task": None}, data=told)


def complete(
    project: Project,
    who: Caller,
    instance: str,
    name: str,
    *,
    notes: Mapping[str, str] | None = None,
    ref: str = "HEAD",
) -> Completed:
    """Finish a task whose deliverables exist.

    Without ``notes`` it is done at once and the instance stands by. With them
    the work is marked ready, and the task is done when the handoff has landed:
    nothing counts as done that was not verified. Raises ``DeliverablesMissing``,
    ``NotYourTask``, ``ImpossibleStep`` and what ``engine.handoff.ready`` raises.
    """
    task = project.store.read(lambda reader: _completable(reader, name, instance))
    if task["status"] == "done":
        return Completed(task)
    if notes is None:
        _deliver(task, _missing_here(project, instance, task))
        return Completed(_complete(project, who, instance, task["id"]))
    project.store.read(lambda reader: _at_work_on(reader, instance, task))
    _deliver(task, _missing_in(project, ref, task))
    result = ready(project, who, instance, ref=ref, notes=notes)
    linked = project.store.write(
        lambda tx: _link(tx, task["id"], result.handoff["id"]), durable=True
    )
    return Completed(linked, result.handoff, result.remarks)


def _completable(reader: Reader, name: str, instance: str) -> Row:
    task = tasks.task_of(reader, name)
    if task["assigned_to"] not in (None, instance):
        raise tasks.NotYourTask(f"{task['id']} is {task['assigned_to']}'s, not {instance}'s")
    if task["status"] not in (*tasks.STEPS["complete"].sources, "done"):
        raise tasks.ImpossibleStep(f"{task['id']} is {task['status']}: it cannot be completed")
    return task


def _at_work_on(reader: Reader, instance: str, task: Row) -> None:
    """A handoff carries the task its instance is at work on, and no other."""
    current = row_of(reader, "instances", instance)["task"]
    if current != task["id"]:
        raise tasks.ImpossibleStep(
            f"{instance} is at work on {current or 'nothing'}, not on {task['id']}",
            hint="complete it without --ready, or claim it first",
        )


def _deliver(task: Row, lacking: list[str]) -> None:
    if lacking:
        raise DeliverablesMissing(f"{task['id']} promises what is not there: {', '.join(lacking)}")


def _paths(task: Row) -> list[str]:
    return list(json.loads(task["deliverables"] or "[]"))


def _missing_here(project: Project, instance: str, task: Row) -> list[str]:
    """Looked for in the instance's worktree, or where the caller is."""
    row = project.store.read(lambda reader: row_of(reader, "instances", instance))
    named = Path(row["worktree"]) if row["worktree"] else None
    top = named if named and named.is_dir() else project.repository.worktree
    return lacking_in_folder(top, _paths(task))


def _missing_in(project: Project, ref: str, task: Row) -> list[str]:
    git = project.repository.git
    commit = git.commit(ref)
    if commit is None:
        raise RefNotFound(f"{ref!r} names no commit")
    return lacking_in_commit(git, commit, _paths(task))


def _complete(project: Project, who: Caller, instance: str, name: str) -> Row:
    def body(tx: Transaction, actor: str) -> Row:
        row = row_of(tx, "instances", instance)
        if row["task"] == name and row["handoff"]:
            raise tasks.ImpossibleStep(
                f"{row['handoff']} is on its way with it", hint=f"{name} is done when it has landed"
            )
        task = tasks.complete(tx, project.config, name, instance, actor=actor)
        _stand_by(tx, who, task, actor, f"{name} is done")
        return task

    return act(project, who, instance, body)


def _link(tx: Transaction, name: str, handoff: str) -> Row:
    """Note which handoff carries the task; recorded as an event only when it is news."""
    task = tasks.task_of(tx, name)
    return task if task["handoff"] == handoff else tasks.carried(tx, task, handoff)


def suggestions(project: Project, name: str) -> list[Suggestion]:
    """Who suits a task, the best first."""
    return project.store.read(
        lambda reader: suggest(reader, project.config, tasks.task_of(reader, name))
    )


def hand_over(tx: Transaction, project: Project, handoff: Row) -> None:
    """A handoff has landed: its task is done, and its target goes on with it.

    The target gets a message with the notes and the task to go on, which is
    proposed to it. Harmless twice.
    """
    done = tx.get("tasks", id=handoff["task"]) if handoff["task"] else None
    if done is not None and done["status"] in tasks.WORKING:
        reason = f"{handoff['id']} has landed"
        tasks.finish(
            tx, project.config, done, by=handoff["producer"], actor=project.verifier, reason=reason
        )
    target = handoff["target"]
    if not target or target == handoff["producer"] or tx.get("instances", id=target) is None:
        return
    task = _next_task(tx, project, handoff, done) if _goes_on(project, handoff) else None
    subject = f"{handoff['id']} has landed: {_subject(handoff, done)}"
    draft = messages.Draft(
        subject[:200], _notes(handoff), kind="handoff", task=task["id"] if task else None
    )
    messages.send(tx, project.config, handoff["producer"], target, draft, actor=project.verifier)


def _goes_on(project: Project, handoff: Row) -> bool:
    """Whether the target was meant: the verifier also stands in where nobody is named."""
    producer = project.config.instances.get(handoff["producer"])
    named = producer.hands_off_to if producer else None
    return bool(handoff["target"] == named or handoff["target"] != project.verifier)


def _next_task(tx: Transaction, project: Project, handoff: Row, done: Row | None) -> Row:
    origin = f"handoff:{handoff['id']}"
    again = tx.find("tasks", {"origin": origin, "status": ("open", "ready", "proposed")})
    if again:
        tx.update("tasks", {"id": again[0]["id"]}, {"description": _notes(handoff)})
        return again[0]
    draft = tasks.Draft(
        f"go on with {handoff['id']}: {_subject(handoff, done)}"[:200],
        _notes(handoff),
        priority=done["priority"] if done else "medium",
    )
    by, actor = handoff["producer"], project.verifier
    task = tasks.add(tx, project.config, draft, by=by, actor=actor)
    tx.update("tasks", {"id": task["id"]}, {"origin": origin, "handoff": handoff["id"]})
    return tasks.offer(tx, task["id"], handoff["target"], actor=actor)


def _subject(handoff: Row, done: Row | None) -> str:
    text = str(done["title"] if done else handoff["task"] or handoff["ref"] or "its work")
    return " ".join(text.split()) or "its work"


def _notes(handoff: Row) -> str:
    """The notes as Markdown, within the size of a body."""
    fields = json.loads(handoff["notes"] or "{}")
    text = "\n\n".join(f"## {name}\n\n{value.strip()}" for name, value in fields.items())
    return text.encode()[:60_000].decode(errors="ignore")
