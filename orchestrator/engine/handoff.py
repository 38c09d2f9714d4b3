"""What an instance does with its work: take a task, mark it ready, take it back, give it up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.coordination import leases, tasks
from orchestrator.coordination.callers import Caller, occupy
from orchestrator.coordination.dropped import in_history
from orchestrator.coordination.liveness import is_live
from orchestrator.coordination.paths import file_target, folds_case
from orchestrator.coordination.unchecked import notice
from orchestrator.engine.closing import close
from orchestrator.engine.fencing import pass_on, ready_problems, renames
from orchestrator.engine.notes import missing
from orchestrator.engine.ownership import Ownership, touched
from orchestrator.engine.permission import Foreign, request, sentences
from orchestrator.engine.project import Project
from orchestrator.engine.transition import NoSuchRow, change_handoff, move, row_of
from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event, State
from orchestrator.store.port import Row, Transaction

__all__ = [
    "NO_BRANCH",
    "NoIntegrationBranch",
    "Ready",
    "RefNotFound",
    "assign",
    "ready",
    "release",
    "withdraw",
]


class RefNotFound(OrchestrateError):
    """The ref names no commit.

    Commit your work first, and name a branch, tag or commit that exists.
    """

    code = "E411"


class NoIntegrationBranch(OrchestrateError):
    """The integration branch does not exist.

    ``coordinator.integration_branch`` in the configuration names it; a new
    repository needs its first commit there.
    """

    code = "E412"


#: What to do where the integration branch does not exist.
NO_BRANCH = "make it, or change coordinator.integration_branch: orchestrate doctor"


@dataclass(frozen=True, slots=True)
class Ready:
    """What marking ready gave.

    ``remarks`` are for the caller's eyes; ``again``: it was marked already.
    """

    handoff: Row
    remarks: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """The commit to hand off and how it relates to the integration branch."""

    head: str
    ref: str
    landed: bool
    files: tuple[str, ...]
    ownership: Ownership
    unrelated: bool = False
    renamed: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()


def assign(project: Project, who: Caller, instance: str, task: str) -> Row:
    """STANDBY → ACTIVE with ``task``. ``task`` is free text or a task id."""

    def body(tx: Transaction) -> Row:
        row = row_of(tx, "instances", instance)
        if tx.get("tasks", id=task):
            tasks.claim(tx, task, instance, actor=who.actor)
        facts = Facts(actor=who.actor, producer=instance, live=live(row, tx.now), task=task.strip())
        changes = {"task": task, "attempt": 0}
        return move(tx, row, Event.ASSIGN, facts, changes=changes, data={"task": task})

    return project.store.write(body, durable=True)


def ready(
    project: Project,
    who: Caller,
    instance: str,
    *,
    ref: str,
    notes: Mapping[str, str],
    target: str | None = None,
) -> Ready:
    """ACTIVE or REMEDIATION → HANDOFF_READY with the commit ``ref`` names.

    Marking the same commit ready twice is harmless. Raises ``RefNotFound``,
    ``NoIntegrationBranch``, ``GuardRefused`` with every reason, ``Moved``.
    """
    work = examine(project, instance, ref)
    if target is not None and target not in project.config.instances:
        known = ", ".join(project.config.instances)
        raise NoSuchRow(f"there is no instance {target!r} to hand off to", hint=f"known: {known}")

    notice(project.store, project.repository.common)
    foreign = _foreign(project, work)
    if foreign:
        # A write of its own: what refuses below undoes what it wrote.
        project.store.write(lambda tx: request(project, tx, instance, foreign, None), durable=True)

    def body(tx: Transaction) -> Ready:
        row = occupy(tx, row_of(tx, "instances", instance), who)
        current = tx.get("handoffs", id=row["handoff"]) if row["handoff"] else None
        if row["state"] == State.HANDOFF_READY and current and current["head"] == work.head:
            return Ready(current, ("this commit is already marked ready",), again=True)
        problems = _problems(project, instance, work, notes)
        problems += ready_problems(project, tx, instance, work.files)
        problems += [sentence for _, _, sentence in sentences(tx, instance, foreign)]
        if work.head in _rejected(tx, instance, current):
            problems.append(f"{work.head[:12]} is a commit that failed: commit a fix first")
        facts = Facts(
            actor=who.acting_for(instance),
            producer=instance,
            human=who.human,
            problems=tuple(problems),
        )
        return _mark(tx, project, row, current, work, notes, target, facts)

    return project.store.write(body, durable=True)


def examine(project: Project, instance: str, ref: str) -> Work:
    """Find out what ``ref`` would hand off."""
    git = project.repository.git
    head = git.commit(ref)
    if head is None:
        raise RefNotFound(
            f"{ref!r} names no commit", hint="commit first; then name a branch or commit"
        )
    base = project.integration_head()
    if base is None:
        name = project.config.coordinator.integration_branch
        raise NoIntegrationBranch(f"the integration branch {name!r} does not exist", hint=NO_BRANCH)
    fork = git.merge_base(base, head)
    files = git.changed(fork, head) if fork else ()
    ownership = touched(project.config, instance, files)
    moved = tuple(renames(git, fork, head)) if fork else ()
    lost = [f"the merge {merge[:12]} lost content: {drop}"
            for merge, drop in in_history(git, base, head) if drop and not drop.choice]  # fmt: skip
    landed = git.is_ancestor(head, base)
    return Work(head, ref, landed, files, ownership, fork is None, moved, tuple(lost))


def _problems(project: Project, instance: str, work: Work, notes: Mapping[str, str]) -> list[str]:
    """Every reason why this work cannot be marked ready, as sentences."""
    found: list[str] = []
    branch = project.config.coordinator.integration_branch
    if work.landed:
        found.append(f"{work.head[:12]} is on {branch} already: commit your work first")
    elif work.unrelated:
        found.append(f"{work.head[:12]} shares no history with {branch}")
    elif not work.files:
        found.append(f"{work.head[:12]} changes no file")
    if project.config.approval.ownership == "deny":
        found += [f"{p} belongs to {owner}" for p, owner in sorted(work.ownership.foreign.items())]
    lacking = missing(notes)
    if lacking:
        headings = "orchestrate ready --template prints the headings"
        found.append(f"the notes lack: {', '.join(lacking)} ({headings})")
    if instance == project.verifier:
        found.append(
            f"{instance} is the instance that verifies, and nobody verifies their own work: "
            "set coordinator.instance to another one"
        )
    return found


def _foreign(project: Project, work: Work) -> Foreign:
    """The changed files that only their owner allows to be changed, where it has to be asked."""
    if project.config.approval.ownership != "ask":
        return ()
    fold = folds_case(str(project.repository.main))
    found = sorted(work.ownership.foreign.items())
    return [(file_target(path, fold=fold), owner) for path, owner in found]


def _rejected(tx: Transaction, instance: str, current: Row | None) -> set[str]:
    """The commits of the work at hand that failed; withdrawing it does not make them new."""
    rows = tx.find("handoffs", {"producer": instance, "status": "withdrawn"})
    rows += [current] if current else []
    return {head for row in rows for head in _failed_heads(row)}


def _failed_heads(handoff: Row) -> list[str]:
    """Each commit of ``handoff`` that was rejected, the current one included."""
    before: list[str] = json.loads(handoff["data"] or "{}").get("rejected", [])
    return [*before, handoff["head"]] if handoff["verdict"] == "rejected" else before


def _mark(
    tx: Transaction,
    project: Project,
    row: Row,
    current: Row | None,
    work: Work,
    notes: Mapping[str, str],
    target: str | None,
    facts: Facts,
) -> Ready:
    """The write of ``ready``: a new handoff, or the next attempt of the open one."""
    settings = {
        "ref": work.ref,
        "head": work.head,
        "notes": json.dumps(dict(notes)),
        "target": target or _target(project, row["id"]),
        "verdict": None,
        "run": None,
        "candidate": None,
        "approved_by": None,
    }
    if current is None:
        handoff = _new_handoff(tx, row, settings)
    else:
        data = {**json.loads(current["data"] or "{}"), "rejected": _failed_heads(current)}
        attempt = current["attempt"] + 1
        handoff = change_handoff(tx, current, **settings, attempt=attempt, data=json.dumps(data))
    told = {"head": work.head, "attempt": handoff["attempt"], "target": handoff["target"]}
    name = handoff["id"]
    move(tx, row, Event.READY, facts, handoff=name, changes={"handoff": name}, data=told)
    pass_on(project, tx, handoff, work.files, work.renamed)
    # Pinned before the commit: whatever happens to the branch, the commit stays.
    project.git.point(f"refs/orchestrate/handoffs/{handoff['id']}", work.head)
    return Ready(handoff, tuple(_remarks(project, work)))


def _new_handoff(tx: Transaction, row: Row, settings: Row) -> Row:
    handoff: Row = {
        "id": f"H-{tx.number('handoff')}",
        "producer": row["id"],
        "task": row["task"],
        "status": "open",
        "version": 1,
        "attempt": row["attempt"] + 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        **settings,
    }
    tx.insert("handoffs", handoff)
    return handoff


def _target(project: Project, producer: str) -> str:
    instance = project.config.instances.get(producer)
    return (instance.hands_off_to if instance else None) or project.config.coordinator.instance


def _remarks(project: Project, work: Work) -> list[str]:
    """What the caller should know although it does not stand in the way."""
    remarks = [*work.lost]
    if project.config.approval.ownership == "warn":
        remarks += [f"{p} belongs to {o}" for p, o in sorted(work.ownership.foreign.items())]
    if project.repository.git.out("status", "--porcelain", "--untracked-files=no"):
        remarks.append("uncommitted changes in this worktree are not part of the handoff")
    return remarks


def withdraw(project: Project, who: Caller, instance: str) -> Row:
    """HANDOFF_READY → ACTIVE; the handoff is closed as withdrawn. Failed attempts stay counted."""

    def body(tx: Transaction) -> Row:
        row = occupy(tx, row_of(tx, "instances", instance), who)
        facts = Facts(actor=who.acting_for(instance), producer=instance, human=who.human)
        handoff = tx.get("handoffs", id=row["handoff"]) if row["handoff"] else None
        failed = handoff["attempt"] - 1 if handoff else 0
        changes = {"handoff": None, "attempt": failed}
        new = move(tx, row, Event.WITHDRAW, facts, changes=changes)
        close(tx, row["handoff"], "withdrawn")
        return new

    return project.store.write(body, durable=True)


def release(
    project: Project,
    who: Caller,
    instance: str,
    *,
    reason: str | None = None,
    coordinates: bool = False,
) -> Row:
    """Back to STANDBY from ACTIVE, HANDOFF_READY, FAILED or REMEDIATION; the task is returned."""

    def body(tx: Transaction) -> Row:
        row = row_of(tx, "instances", instance)
        facts = Facts(
            actor=who.actor,
            producer=instance,
            human=who.human,
            coordinates=coordinates,
            live=live(row, tx.now),
        )
        given_up = {"task": row["task"]}
        new = move(tx, row, Event.RELEASE, facts, reason=reason,
                   changes={"handoff": None, "task": None}, data=given_up)  # fmt: skip
        tasks.give_back(tx, instance, row["task"], actor=who.actor, reason=reason)
        close(tx, row["handoff"], "released")
        leases.release(tx, None, instance=instance, actor=who.actor, reason=reason or "released")
        return new

    return project.store.write(body, durable=True)


def live(row: Row, now: int) -> bool | None:
    """Whether an instance's client runs; None when it cannot be told."""
    return is_live(row["pid"], row["pid_started"], row["host"], row["heartbeat_at"], now)
