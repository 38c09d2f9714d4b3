"""Verifying the integration branch itself, after commits reached it by another way.

What an emergency rule reads as ``integration.broken`` comes from here. Nothing
is undone by this module: rules decide that.
"""

from __future__ import annotations

from orchestrator.engine.job import Job
from orchestrator.engine.lease import Lease
from orchestrator.engine.project import Project, put, setting
from orchestrator.engine.runs import columns_of
from orchestrator.engine.track_record import keep
from orchestrator.store.port import NewEvent, Row, Transaction
from orchestrator.verification.evidence import report_digest
from orchestrator.verification.outcome import Verdict
from orchestrator.verification.progress import Listener

__all__ = ["begin", "let_land", "mark", "record"]

_PENDING = "integration_pending"


def mark(tx: Transaction, before: str) -> None:
    """Remember that the branch is to be verified from commit ``before`` on."""
    if not setting(tx, _PENDING):
        put(tx, _PENDING, before)


def begin(project: Project, lease: Lease, listener: Listener) -> Job | None:
    """Start verifying the branch's head if that is pending, else None."""
    before = project.store.read(lambda reader: setting(reader, _PENDING))
    head = project.integration_head()
    if not before or head is None:
        return None

    def body(tx: Transaction) -> Row:
        lease.check(tx)
        run: Row = {
            "id": f"R-{tx.number('run')}",
            "fence": lease.fence,
            "status": "running",
            "head": head,
            "base": before,
            "started_at": tx.now,
        }
        tx.insert("runs", run)
        return run

    run = project.store.write(body)
    return Job(project, run["id"], None, head, before, listener)


def record(project: Project, lease: Lease, job: Job) -> None:
    """Keep what was found; broken until a later run of the branch passes."""
    report = job.report
    columns = columns_of(report) if report else {"verdict": Verdict.UNKNOWN}
    verdict = columns["verdict"]
    digest = {"report": report_digest(report)} if report else {}

    def body(tx: Transaction) -> None:
        lease.check(tx)
        ended = {"status": "done" if report else "errored", "ended_at": tx.now, **columns}
        tx.update("runs", {"id": job.run_id}, ended)
        if report:
            keep(tx, report, None)
        put(tx, _PENDING, "")
        if verdict != Verdict.UNKNOWN:
            put(tx, "integration_broken", "1" if verdict == Verdict.FAILED else "0")
        told = {"run": job.run_id, "verdict": verdict, "head": job.head, **digest}
        actor = project.verifier
        tx.record(NewEvent("integration.verified", actor, reason=job.error, data=told))

    project.store.write(body)


def let_land(project: Project, actor: str, reason: str) -> bool:
    """Let work land again after an emergency rule froze the branch; False: nothing was frozen."""

    def body(tx: Transaction) -> bool:
        if setting(tx, "integration_frozen") != "1":
            return False
        put(tx, "integration_frozen", "0")
        tx.record(NewEvent("integration.thaw", actor, reason=reason))
        return True

    return project.store.write(body, durable=True)
