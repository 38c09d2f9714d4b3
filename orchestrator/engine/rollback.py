"""Undoing a landed handoff: a revert on the branch, and the work back to its producer."""

from __future__ import annotations

from orchestrator.engine.executor import LocalExecutor
from orchestrator.engine.project import Project
from orchestrator.engine.transfer import CannotUndo, fast_forward, revert_commit
from orchestrator.engine.transition import change_handoff, move, row_of
from orchestrator.lifecycle.machine import Facts, step
from orchestrator.lifecycle.states import Event, State
from orchestrator.report.words import sentence
from orchestrator.store.port import Row, Transaction
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.outcome import Verdict, overall
from orchestrator.verification.rules import rules_at
from orchestrator.verification.run import Request, verify

__all__ = ["undo", "undo_latest", "undone"]


def undo(project: Project, actor: str, name: str, reason: str) -> Row:
    """Undo handoff ``name``: the branch loses it, its producer is in REMEDIATION.

    The undoing commit is verified like everything else that lands, unless its
    tree is exactly that of the base it goes back to. Raises ``CannotUndo`` and
    what the lifecycle refuses; then nothing was changed.
    """
    handoff = project.store.read(lambda reader: row_of(reader, "handoffs", name))
    if handoff["status"] != "landed":
        raise CannotUndo(f"{name} is {handoff['status']}, not landed")
    _check_free(project, handoff, actor)
    head = str(project.integration_head())
    commit = handoff["rollback"]
    if not commit or not _undoes(project, commit, handoff["landed"], head):
        commit = _land_undo(project, handoff, head, reason)
    return project.store.write(lambda tx: _undone(tx, name, actor, reason, commit), durable=True)


def undone(project: Project, handoff: Row) -> str:
    """What the producer of an undone handoff has to know about git, as a sentence."""
    branch = project.config.coordinator.integration_branch
    return (
        f"to git the undone work is merged already, so a fix on top lands without it; "
        f"begin with: git merge {branch} && git revert {handoff['rollback'][:12]}"
    )


def _land_undo(project: Project, handoff: Row, head: str, reason: str) -> str:
    """Put the undoing commit on the branch; its id."""
    commit = revert_commit(project, handoff, reason)
    if head != handoff["landed"]:
        _verified(project, commit, head, handoff["id"])
    # The intent is kept before the branch moves: killed in between, the commit
    # is known as ours and a repeated call finds the branch already there.
    project.store.write(lambda tx: change_handoff(tx, handoff, rollback=commit), durable=True)
    landing = fast_forward(project, head, commit)
    if not landing.landed:
        raise CannotUndo(landing.waiting or "the integration branch moved meanwhile; try again")
    return commit


def _undoes(project: Project, commit: str, landed: str, head: str) -> bool:
    """Whether ``commit`` is on the branch, above ``landed``: not an earlier landing's undoing."""
    git = project.git
    return git.is_ancestor(landed, commit) and git.is_ancestor(commit, head)


def undo_latest(project: Project, actor: str, reason: str) -> str:
    """Undo what landed last; a sentence that says what was done."""
    rows = project.store.read(
        lambda reader: reader.find("handoffs", {"status": "landed"}, order="-closed_at", limit=1)
    )
    if not rows:
        return "nothing has landed yet"
    undo(project, actor, rows[0]["id"], reason)
    return f"undid {rows[0]['id']}"


def _check_free(project: Project, handoff: Row, actor: str) -> None:
    """Refuse before anything moves when the producer is busy with other work."""
    row = project.store.read(lambda reader: row_of(reader, "instances", handoff["producer"]))
    open_work = row["handoff"] if row["handoff"] != handoff["id"] else None
    facts = Facts(actor=actor, producer=row["id"], landed=True, handoff=open_work)
    step(State(row["state"]), Event.ROLLBACK, facts)


def _verified(project: Project, commit: str, head: str, name: str) -> None:
    """Verify the undoing commit under the rules of the branch. Raises ``CannotUndo``."""
    rules = rules_at(project.repository, head, project.config.source)
    if rules is None:
        raise CannotUndo("the integration branch has no configuration to verify it under")
    candidate = Candidate.of(project.git, commit, head)
    request = Request(project.repository, candidate, rules, f"undo-{name}", everything=True)
    with LocalExecutor(rules) as executor:
        report = verify(request, executor=executor)
    if overall(report) != Verdict.PASSED:
        raise CannotUndo(f"the branch without {name} does not pass: {sentence(report)}")


def _undone(tx: Transaction, name: str, actor: str, reason: str, commit: str) -> Row:
    handoff = row_of(tx, "handoffs", name)
    row = row_of(tx, "instances", handoff["producer"])
    open_work = row["handoff"] if row["handoff"] != name else None
    facts = Facts(actor=actor, producer=row["id"], landed=True, handoff=open_work)
    back = {"handoff": name, "task": handoff["task"]}
    told = {"undone": handoff["landed"], "commit": commit}
    move(tx, row, Event.ROLLBACK, facts, reason=reason, handoff=name, changes=back, data=told)
    return change_handoff(tx, handoff, status="open", verdict="rejected", closed_at=None, run=None)
