"""Quarantine: a flaky check whose failures decide nothing until a day that is known.

Put there by the rule of the configuration, or by a human. It ends by itself;
what the check did before does not bring it back.
"""

from __future__ import annotations

from orchestrator.engine.project import Project
from orchestrator.engine.track_record import results
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.policy.track_record import TrackRecord
from orchestrator.report.text import minute
from orchestrator.store.port import NewEvent, Reader, Row, Transaction
from orchestrator.verification.outcome import Report
from orchestrator.verification.shadow import quarantined

__all__ = ["BadQuarantine", "apply", "give", "look", "restore", "standing"]

#: The longest anybody may set a check aside: then somebody has to look again.
LONGEST_MS = 90 * 24 * 3600 * 1000


class BadQuarantine(OrchestrateError):
    """A check cannot be set aside, or brought back, like this.

    It has to have run here, a reason is needed, and a quarantine lasts at most
    90 days. ``orchestrate checks`` lists the checks and which are set aside.
    """

    code = "E450"
    exit_status = EXIT["failed"]


def apply(reader: Reader, report: Report) -> Report:
    """``report`` with the failures of quarantined checks set aside."""
    found = {
        row["check"]: f"in quarantine until {minute(row['expires_at'])}: {row['reason']}"
        for row in standing(reader)
    }
    return quarantined(report, found)


def standing(reader: Reader) -> list[Row]:
    """The quarantines that have not ended."""
    return [row for row in reader.find("quarantines") if row["expires_at"] > reader.now]


def look(tx: Transaction, project: Project, report: Report) -> None:
    """Evaluate the rule on every check of a run that is recorded; those it holds for go in."""
    rules = project.config.verification.quarantine
    if rules.when is None:
        return
    from orchestrator.policy.rules import RuleError, evaluate

    known = {row["check"]: row for row in tx.find("quarantines")}
    for check in report.checks:
        last = known.get(check.id)
        if last is not None and last["expires_at"] > tx.now:
            continue
        # What led to the last quarantine has been paid for.
        after = last["expires_at"] if last else None
        record = TrackRecord.of(check.id, results(tx, check.id, after=after))
        try:
            holds = evaluate(rules.when, {"check": record.facts()})
        except RuleError:
            continue  # a rule that cannot be evaluated sets nothing aside
        if holds:
            _put(tx, check.id, round(rules.lasts * 1000), rules.when, project.verifier)


def give(project: Project, actor: str, check: str, *, seconds: float, reason: str) -> Row:
    """Set a check aside by hand. Raises ``BadQuarantine``."""
    lasts = round(seconds * 1000)
    if not 0 < lasts <= LONGEST_MS:
        raise BadQuarantine("a quarantine lasts at most 90 days", hint="--for 7d")
    if not reason.strip():
        raise BadQuarantine("a quarantine needs a reason", hint="--reason TEXT")

    def body(tx: Transaction) -> Row:
        _known(tx, check)
        return _put(tx, check, lasts, reason.strip(), actor)

    return project.store.write(body, durable=True)


def restore(project: Project, actor: str, check: str, *, reason: str) -> Row:
    """End a quarantine now. Raises ``BadQuarantine`` where there is none."""

    def body(tx: Transaction) -> Row:
        row = next((row for row in standing(tx) if row["check"] == check), None)
        if row is None:
            _known(tx, check)
            raise BadQuarantine(f"{check} is not in quarantine", hint="orchestrate checks")
        tx.update("quarantines", {"check": check}, {"expires_at": tx.now})
        tx.record(NewEvent("check.restore", actor, reason=reason, data={"check": check}))
        return {**row, "expires_at": tx.now}

    return project.store.write(body, durable=True)


def _known(reader: Reader, check: str) -> None:
    if not reader.find("results", {"check": check}, limit=1):
        raise BadQuarantine(f"no check {check!r} ever ran here", hint="orchestrate checks")


def _put(tx: Transaction, check: str, lasts: int, reason: str, actor: str) -> Row:
    row: Row = {
        "created_at": tx.now, "expires_at": tx.now + lasts, "reason": reason, "approver": actor,
    }  # fmt: skip
    if not tx.update("quarantines", {"check": check}, row):
        tx.insert("quarantines", {"check": check, **row})
    told = {"check": check, "until": row["expires_at"]}
    tx.record(NewEvent("check.quarantine", actor, reason=reason, data=told))
    return {"check": check, **row}
