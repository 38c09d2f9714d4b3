"""Waivers in the store: given by somebody other than the producer, used when a run is judged."""

from __future__ import annotations

import json
from dataclasses import replace

from orchestrator.coordination.callers import Caller
from orchestrator.engine.project import Project
from orchestrator.engine.track_record import overrule
from orchestrator.engine.transition import row_of
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.plugins.spec import Outcome
from orchestrator.policy.waivers import covers, refused
from orchestrator.store.port import NewEvent, Reader, Row, Transaction
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["WaiverRefused", "finding", "give", "revoke", "spend", "waived"]


class WaiverRefused(OrchestrateError):
    """This waiver cannot be given.

    Nobody waives findings in their own work; a waiver needs a reason and an
    expiry in the future, and names a finding of the handoff's last run.
    """

    code = "E341"
    exit_status = EXIT["failed"]


def give(
    project: Project,
    who: Caller,
    handoff: str,
    fingerprint: str,
    *,
    reason: str,
    seconds: float,
    uses: int | None,
) -> Row:
    """Accept a finding of ``handoff`` for ``seconds``, at most ``uses`` times."""

    def body(tx: Transaction) -> Row:
        producer = row_of(tx, "handoffs", handoff)["producer"]
        expires_at = tx.now + int(seconds * 1000)
        why_not = refused(
            who.actor,
            producer,
            reason=reason,
            expires_at=expires_at,
            now=tx.now,
            uses=uses,
            approvers=project.config.approval.approvers,
            coordinator=project.verifier,
        )
        if why_not:
            raise WaiverRefused(why_not)
        row: Row = {
            "id": f"W-{tx.number('waiver')}",
            "fingerprint": fingerprint,
            "reason": reason,
            "approver": who.actor,
            "producer": producer,
            "created_at": tx.now,
            "expires_at": expires_at,
            "uses": uses,
            "used": 0,
        }
        tx.insert("waivers", row)
        _overruled(tx, handoff, fingerprint)
        told = {"waiver": row["id"], "fingerprint": fingerprint}
        tx.record(NewEvent("waiver.give", who.actor, producer, handoff, reason, data=told))
        return row

    return project.store.write(body, durable=True)


def _overruled(tx: Transaction, handoff: str, fingerprint: str) -> None:
    """Whoever found this in the handoff's last run was right about it, or too strict."""
    name = row_of(tx, "handoffs", handoff)["run"]
    run = tx.get("runs", id=name) if name else None
    if run is None or not run["report"]:
        return
    found = Report.from_json(json.loads(run["report"])).findings()
    overrule(tx, name, {c.id for c, finding in found if finding.fingerprint(c.id) == fingerprint})


def revoke(project: Project, who: Caller, name: str) -> Row:
    """End a waiver now; what it let through stays."""

    def body(tx: Transaction) -> Row:
        row = row_of(tx, "waivers", name)
        tx.update("waivers", {"id": name}, {"expires_at": tx.now})
        told = {"waiver": name}
        tx.record(NewEvent("waiver.revoke", who.actor, row["producer"], data=told))
        return {**row, "expires_at": tx.now}

    return project.store.write(body, durable=True)


def waived(reader: Reader, report: Report, producer: str) -> Report:
    """``report`` with the covered findings marked; a check with no other finding passes."""
    rows = reader.find("waivers")
    if not rows:
        return report
    checks = tuple(_waived(check, rows, producer, reader.now) for check in report.checks)
    return replace(report, checks=checks)


def _waived(check: CheckReport, rows: list[Row], producer: str, now: int) -> CheckReport:
    prints = {finding.fingerprint(check.id) for finding in check.result.findings}
    found = sorted(p for p in prints if any(covers(r, p, now, producer=producer) for r in rows))
    if not found:
        return check
    check = replace(check, waived=tuple(found))
    if check.outcome is not Outcome.FAILED or len(found) < len(prints):
        return check
    result = replace(check.result, outcome=Outcome.PASSED, reason="every finding is waived")
    return replace(check, result=result)


def spend(tx: Transaction, report: Report, producer: str) -> None:
    """Count one use of each waiver that ``report`` was approved with."""
    used = {fingerprint for check in report.checks for fingerprint in check.waived}
    for row in tx.find("waivers", {"fingerprint": tuple(used)}) if used else []:
        if covers(row, row["fingerprint"], tx.now, producer=producer):
            tx.update("waivers", {"id": row["id"]}, {"used": row["used"] + 1})


def finding(project: Project, handoff: str, fingerprint: str) -> str:
    """The message of a finding of the last run. Raises ``WaiverRefused`` where it has none."""
    row = project.store.read(lambda reader: row_of(reader, "handoffs", handoff))
    run = project.store.read(lambda r: r.get("runs", id=row["run"])) if row["run"] else None
    report = Report.from_json(json.loads(run["report"])) if run and run["report"] else None
    known = (
        {one.fingerprint(check.id): one.message for check, one in report.findings()}
        if report
        else {}
    )
    if fingerprint not in known:
        listed = "; ".join(f"{key} {text}" for key, text in known.items()) or "none"
        raise WaiverRefused(f"{handoff} has no finding {fingerprint!r}", hint=f"found: {listed}")
    return known[fingerprint]
