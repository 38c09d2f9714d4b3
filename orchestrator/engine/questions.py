"""Escalations in the store: asking a human, and what an answer does.

An escalation is its own record: while it is open the instance stays where it
is. An answer is bound to the commit and the findings it was given for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.coordination import permissions, tasks
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.deciding import uphold
from orchestrator.engine.closing import close
from orchestrator.engine.project import Project
from orchestrator.engine.track_record import overrule_run
from orchestrator.engine.transition import change_handoff, move, row_of
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event, State
from orchestrator.policy.escalation import ANSWERS, Ladder, Level, dedupe_key, held_until
from orchestrator.policy.four_eyes import may_approve
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = ["NotEntitled", "NotOpen", "acknowledge", "answer", "ask", "moot", "open_about"]

OPEN = ("open", "acknowledged")


class NotOpen(OrchestrateError):
    """This escalation is answered already, or what it asked about has moved on.

    Nothing was changed. ``orchestrate escalation list`` shows what is open.
    """

    code = "E331"
    exit_status = EXIT["stale"]


class NotEntitled(OrchestrateError):
    """You may not answer this escalation.

    Nobody approves, rejects or waives their own work; another instance needs to
    be the coordinator's or be listed in ``approval.approvers``. A human may.
    """

    code = "E332"
    exit_status = EXIT["failed"]


class NotAnAnswer(OrchestrateError):
    """This kind of escalation cannot be answered that way.

    The hint lists the answers it takes.
    """

    code = "E333"


def ask(
    tx: Transaction,
    project: Project,
    kind: str,
    *,
    actor: str,
    instance: str,
    handoff: Row | None,
    question: str,
    reason: str,
    data: Mapping[str, Any] | None = None,
    about: str | None = None,
    before: tuple[Level, ...] = (),
) -> Row:
    """Open an escalation, or find the open one that asks the same.

    ``about`` is what makes it the same where neither handoff nor instance does;
    ``before`` are levels that come before those of the configuration.
    """
    about = about or (handoff["id"] if handoff else instance)
    dedupe = dedupe_key(kind, about, handoff["head"] if handoff else None)
    same = tx.find("escalations", {"dedupe": dedupe, "status": OPEN})
    if same:
        return same[0]
    ladder = _ladder(project, before)
    row: Row = {
        "id": f"ESC-{tx.number('escalation')}",
        "type": kind,
        "handoff": handoff["id"] if handoff else None,
        "instance": instance,
        "run": handoff["run"] if handoff else None,
        "status": "open",
        "question": question,
        "reason": reason,
        "dedupe": dedupe,
        "ladder": json.dumps(ladder.to_json()),
        "level": 0,
        "repeats": 0,
        "next_at": tx.now + ladder.levels[0].ack_within_ms,
        "opened_at": tx.now,
        "head": handoff["head"] if handoff else None,
        "fingerprint": (data or {}).get("fingerprint"),
        "data": json.dumps(dict(data or {})),
    }
    tx.insert("escalations", row)
    told = {"type": kind, "question": question, "notify": list(ladder.levels[0].notify)}
    _tell(tx, row, "open", actor, reason, **told)
    return row


def _tell(
    tx: Transaction, row: Row, verb: str, actor: str, reason: str | None, **data: Any
) -> None:
    """Record what happened to an escalation."""
    tx.record(
        NewEvent(
            f"escalation.{verb}",
            actor,
            row["instance"],
            row["handoff"],
            reason,
            data={"escalation": row["id"], **data},
        )
    )


def _ladder(project: Project, before: tuple[Level, ...]) -> Ladder:
    """The configuration's ladder, frozen into the escalation when it is opened."""
    levels = project.config.escalation.levels
    configured = (Level(x.name, x.notify, int(x.ack_within * 1000), x.repeat) for x in levels)
    return Ladder((*before, *configured))


def open_about(reader: Reader, handoff: str) -> Row | None:
    """The open escalation about a handoff, or None."""
    return next(iter(reader.find("escalations", {"handoff": handoff, "status": OPEN})), None)


def moot(tx: Transaction, kind: str, about: str) -> None:
    """Close the open question of this kind ``about`` something: it was decided another way."""
    for row in tx.find("escalations", {"dedupe": dedupe_key(kind, about), "status": OPEN}):
        tx.update("escalations", {"id": row["id"]}, {"status": "moot", "next_at": None})


def acknowledge(project: Project, who: Caller, name: str) -> Row:
    """Say that somebody looks at it; the ladder waits, and pages again if nothing follows."""

    def body(tx: Transaction) -> Row:
        row = _open(tx, name)
        new = {
            "status": "acknowledged",
            "acknowledged_by": who.actor,
            "acknowledged_at": tx.now,
            "next_at": held_until(row, tx.now),
        }
        tx.update("escalations", {"id": name}, new)
        _tell(tx, row, "acknowledge", who.actor, None)
        return {**row, **new}

    return project.store.write(body, durable=True)


def answer(project: Project, who: Caller, name: str, given: str, reason: str) -> Row:
    """Answer an escalation (approve, reject or retry) and carry the answer out.

    Raises ``NotOpen``, ``NotEntitled``, ``NotAnAnswer`` and what the lifecycle
    refuses; then nothing was changed.
    """

    def body(tx: Transaction) -> Row:
        row = _open(tx, name)
        if given not in ANSWERS[row["type"]]:
            choices = ", ".join(ANSWERS[row["type"]])
            raise NotAnAnswer(f"{row['type']} takes no {given!r}", hint=f"answers: {choices}")
        _entitled(tx, project, who, row)
        new = {
            "status": "answered",
            "answer": given,
            "answered_by": who.actor,
            "answered_at": tx.now,
            "answer_reason": reason,
            "next_at": None,
        }
        tx.update("escalations", {"id": name}, new)
        _tell(tx, row, "answer", who.actor, reason, answer=given)
        _carry_out(tx, project, who, row, given, reason)
        return {**row, **new}

    return project.store.write(body, durable=True)


def _open(tx: Transaction, name: str) -> Row:
    row = row_of(tx, "escalations", name)
    if row["status"] not in OPEN:
        raise NotOpen(f"{name} is {row['status']}", hint="orchestrate escalation list")
    return row


def _entitled(tx: Transaction, project: Project, who: Caller, row: Row) -> None:
    if row["type"] == "disagreement" and not who.human:
        raise NotEntitled("where instances disagree, a human decides")
    if row["type"] == permissions.KIND and not who.human:
        owner = permissions.owner_of(row)
        if who.actor == owner:
            return
        hint = "orchestrate check-in says who you are" if who.actor == "unregistered" else None
        raise NotEntitled(f"{owner} or a human answers this, not {who.actor}", hint=hint)
    handoff = tx.get("handoffs", id=row["handoff"]) if row["handoff"] else None
    producer = handoff["producer"] if handoff else row["instance"]
    why_not = may_approve(
        who.actor,
        producer,
        approvers=project.config.approval.approvers,
        coordinator=project.verifier,
    )
    if why_not:
        raise NotEntitled(why_not)


def _carry_out(
    tx: Transaction, project: Project, who: Caller, row: Row, given: str, reason: str
) -> None:
    """What an answer does to the instance, or the decision, it is about."""
    if row["type"] == "disagreement":
        uphold(tx, json.loads(row["data"])["about"], actor=who.actor, reason=reason,
               stands=given == "approve")  # fmt: skip
        return
    if row["type"] == permissions.KIND:
        permissions.tell(tx, row, given, reason, actor=who.actor)
        return
    handoff = tx.get("handoffs", id=row["handoff"]) if row["handoff"] else None
    if handoff is None:
        return
    instance = row_of(tx, "instances", row["instance"])
    state = State(instance["state"])
    if state is State.VERIFICATION and given == "approve":
        _approve(tx, project, who, row, handoff, instance, reason)
    elif state is State.VERIFICATION and given == "reject":
        _reject(tx, who, handoff, instance, reason)
    elif given == "retry" and handoff["run"]:
        tx.update("runs", {"id": handoff["run"]}, {"status": "superseded"})
    elif state is State.FAILED and given == "approve":
        _grant(tx, handoff)
    elif state is State.FAILED and given == "reject":
        _give_up(tx, who, handoff, instance, reason)


def _approve(
    tx: Transaction,
    project: Project,
    who: Caller,
    row: Row,
    handoff: Row,
    instance: Row,
    reason: str,
) -> None:
    current = row["head"] == handoff["head"] and row["run"] == handoff["run"]
    facts = Facts(
        actor=who.actor,
        producer=handoff["producer"],
        evidence=current,
        problems=_unlandable(tx, project, handoff),
    )
    move(tx, instance, Event.APPROVE, facts, reason=reason, handoff=handoff["id"])
    change_handoff(tx, handoff, verdict="approved", approved_by=who.actor)
    if handoff["run"]:
        overrule_run(tx, handoff["run"])


def _unlandable(tx: Transaction, project: Project, handoff: Row) -> tuple[str, ...]:
    """Why there is nothing that could land: no merge was made, or it conflicts."""
    run = tx.get("runs", id=handoff["run"])
    if run is None or not run["commit_id"]:
        return ("no merge of it was made that could land: retry or reject it",)
    if not project.git.is_ancestor(run["base"], run["commit_id"]):
        branch = project.config.coordinator.integration_branch
        return (f"it conflicts with {branch}, so there is no merge that could land: reject it",)
    return ()


def _reject(tx: Transaction, who: Caller, handoff: Row, instance: Row, reason: str) -> None:
    facts = Facts(actor=who.actor, producer=handoff["producer"], findings=bool(reason))
    move(tx, instance, Event.REJECT, facts, reason=reason, handoff=handoff["id"])
    change_handoff(tx, handoff, verdict="rejected")


def _grant(tx: Transaction, handoff: Row) -> None:
    """More attempts for a handoff whose budget was exhausted."""
    data = json.loads(handoff["data"] or "{}")
    change_handoff(tx, handoff, data=json.dumps({**data, "granted": handoff["attempt"]}))


def _give_up(tx: Transaction, who: Caller, handoff: Row, instance: Row, reason: str) -> None:
    facts = Facts(actor=who.actor, producer=handoff["producer"], human=True)
    move(
        tx,
        instance,
        Event.RELEASE,
        facts,
        reason=reason,
        handoff=handoff["id"],
        changes={"handoff": None, "task": None},
    )
    tasks.give_back(tx, instance["id"], instance["task"], actor=who.actor, reason=reason)
    close(tx, handoff["id"], "released")
