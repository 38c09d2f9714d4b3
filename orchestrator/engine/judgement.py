"""From a run's report to a decision: gathers the facts, asks the rules, carries the answer out."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.config.model import Config
from orchestrator.coordination.paths import file_target
from orchestrator.coordination.permissions import allowed
from orchestrator.engine.handoff import live
from orchestrator.engine.lease import Lease
from orchestrator.engine.ownership import touched
from orchestrator.engine.project import Project, setting
from orchestrator.engine.questions import ask
from orchestrator.engine.transition import change_handoff, move, row_of, tell
from orchestrator.engine.waiving import spend
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event
from orchestrator.policy.verdict import Decision, judge
from orchestrator.store.port import Reader, Row, Transaction
from orchestrator.verification.outcome import Report
from orchestrator.verification.rules import touches_policy

__all__ = ["carry_out", "decide", "facts_of"]


def facts_of(project: Project, reader: Reader, report: Report, handoff: Row) -> dict[str, Any]:
    """The facts the rules see; the fields are described in ``docs/reference/rules.md``."""
    instance = row_of(reader, "instances", handoff["producer"])
    return {
        "report": report.facts(),
        "handoff": handoff_facts(project.config, reader, report, handoff),
        "instance": instance_facts(project.config, instance, reader.now),
        "integration": integration_facts(project, reader),
    }


def handoff_facts(config: Config, reader: Reader, report: Report, handoff: Row) -> dict[str, Any]:
    """``handoff`` as the rules see it."""
    ownership = touched(config, handoff["producer"], report.changed)
    trespasses = [
        path
        for path, owner in ownership.foreign.items()
        if not allowed(reader, handoff["producer"], owner, file_target(path))
    ]
    return {
        "id": handoff["id"],
        "producer": handoff["producer"],
        "target": handoff["target"] or "",
        "task": handoff["task"] or "",
        "attempt": handoff["attempt"],
        "head": handoff["head"],
        "files": list(report.changed),
        "layers": list(report.layers),
        "touches_policy": bool(touches_policy(config, config.source, report.changed)),
        "violations": len(trespasses),
        "unowned": len(ownership.unowned),
        "age": max(0.0, (reader.now - handoff["created_at"]) / 1000),
        "notes": bool(handoff["notes"]),
    }


def instance_facts(config: Config, row: Row, now: int) -> dict[str, Any]:
    """``instance`` as the rules see it."""
    known = config.instances.get(row["id"])
    return {
        "id": row["id"],
        "role": row["role"] or "",
        "state": row["state"],
        "stale": live(row, now) is False,
        "layers": list(known.layers) if known else [],
        "specializations": list(known.specializations) if known else [],
    }


def integration_facts(project: Project, reader: Reader) -> dict[str, Any]:
    """``integration`` as the rules see it."""
    return {
        "branch": project.config.coordinator.integration_branch,
        "head": project.integration_head() or "",
        "broken": setting(reader, "integration_broken") == "1",
        "frozen": setting(reader, "integration_frozen") == "1",
        "unverified": int(setting(reader, "integration_unverified") or 0),
    }


def decide(project: Project, report: Report, handoff: Row) -> Decision:
    """Ask the rules in force about a finished run."""
    approval, escalation = project.config.approval, project.config.escalation
    facts = project.store.read(lambda reader: facts_of(project, reader, report, handoff))
    return judge(
        facts,
        auto=approval.auto,
        approve_when=approval.approve_when,
        reject_when=approval.reject_when,
        always_when=[(rule.when, rule.enforce) for rule in escalation.always_when],
        threshold=escalation.threshold,
        shadow=list(approval.shadow),
    )


def carry_out(
    tx: Transaction,
    project: Project,
    lease: Lease,
    report: Report,
    handoff: Row,
    decision: Decision,
) -> None:
    """Approve, reject or ask, in one transaction that checks the coordinator's fence."""
    lease.check(tx)
    handoff = row_of(tx, "handoffs", handoff["id"])
    instance = row_of(tx, "instances", handoff["producer"])
    told = {"run": report.run, "decision": decision.to_json()}
    data = json.dumps({**json.loads(handoff["data"] or "{}"), "decision": told["decision"]})
    answered = _answered(tx, report, handoff)
    if decision.action == "approve" or answered:
        actor = answered or project.verifier
        facts = Facts(actor=actor, producer=handoff["producer"], evidence=True)
        move(tx, instance, Event.APPROVE, facts, reason=decision.reason, data=told)
        change_handoff(tx, handoff, verdict="approved", approved_by=actor, data=data)
        spend(tx, report, handoff["producer"])
    elif decision.action == "reject":
        facts = Facts(actor=project.verifier, producer=handoff["producer"], findings=True)
        move(tx, instance, Event.REJECT, facts, reason=decision.reason, data=told)
        change_handoff(tx, handoff, verdict="rejected", data=data)
    else:
        change_handoff(tx, handoff, data=data)
        tell(tx, "handoff.judged", project.verifier, handoff, decision.reason, **told)
        _ask(tx, project, report, handoff, decision)


def _answered(tx: Transaction, report: Report, handoff: Row) -> str | None:
    """Who approved this commit with these findings before; the base may be newer."""
    same = {"handoff": handoff["id"], "head": handoff["head"], "answer": "approve"}
    rows = tx.find("escalations", {**same, "fingerprint": report.fingerprint()}, order="-opened_at")
    return rows[0]["answered_by"] if rows else None


def _ask(
    tx: Transaction, project: Project, report: Report, handoff: Row, decision: Decision
) -> None:
    kind = _kind(report, handoff, decision, project.config)
    question = {
        "authorisation": f"May {handoff['id']} of {handoff['producer']} land?",
        "manual_fix": f"{handoff['id']} of {handoff['producer']} could not be verified. What now?",
        "decision": f"Should {handoff['id']} of {handoff['producer']} land?",
    }[kind]
    ask(
        tx,
        project,
        kind,
        actor=project.verifier,
        instance=handoff["producer"],
        handoff=handoff,
        question=question,
        reason=decision.reason,
        data={"fingerprint": report.fingerprint(), "decision": decision.to_json()},
    )


def _kind(report: Report, handoff: Row, decision: Decision, config: Config) -> str:
    """What sort of question it is: to authorise, to mend by hand, or to decide."""
    if report.counts()["errored"] and not report.counts()["failed"]:
        return "manual_fix"
    if touches_policy(config, config.source, report.changed) or not config.approval.auto:
        return "authorisation"
    return "decision"
