"""The records of verification runs: begun, ended, lost and done again."""

from __future__ import annotations

import json

from orchestrator.engine.job import Job
from orchestrator.engine.lease import Lease
from orchestrator.engine.measurements import keep as keep_measured
from orchestrator.engine.measurements import with_past
from orchestrator.engine.project import Project
from orchestrator.engine.quarantine import apply, look
from orchestrator.engine.questions import ask
from orchestrator.engine.track_record import keep
from orchestrator.engine.transition import change_handoff, row_of, tell
from orchestrator.store.port import Row, Transaction
from orchestrator.verification.evidence import report_digest
from orchestrator.verification.outcome import Report, overall

__all__ = ["MAX_ERRORED", "again", "begin", "columns_of", "record"]

#: A run that could not tell is done this often before a human is asked.
MAX_ERRORED = 3


def begin(tx: Transaction, lease: Lease, handoff: Row, base: str) -> Row:
    """Open a run of ``handoff`` merged onto ``base`` and make it the current one."""
    run: Row = {
        "id": f"R-{tx.number('run')}",
        "handoff": handoff["id"],
        "attempt": handoff["attempt"],
        "fence": lease.fence,
        "status": "running",
        "head": handoff["head"],
        "base": base,
        "started_at": tx.now,
    }
    tx.insert("runs", run)
    change_handoff(tx, handoff, run=run["id"])
    return run


def again(project: Project, lease: Lease, handoff: Row, last: Row | None, base: str) -> Row:
    """Open another run: the last one was lost, superseded, errored, or its base moved."""

    def body(tx: Transaction) -> Row:
        lease.check(tx)
        if last and last["status"] in ("running", "done"):
            lost = "superseded" if last["status"] == "done" else "abandoned"
            tx.update("runs", {"id": last["id"]}, {"status": lost, "ended_at": tx.now})
        run = begin(tx, lease, row_of(tx, "handoffs", handoff["id"]), base)
        why = _why_again(last, base)
        tell(tx, "run.again", project.verifier, handoff, why, run=run["id"], base=base)
        return run

    return project.store.write(body, durable=True)


def _why_again(last: Row | None, base: str) -> str:
    if last is None:
        return "it was never verified"
    if last["base"] != base:
        return "the integration branch moved"
    lost = {"running": "was lost with its watch", "superseded": "was asked to be repeated"}
    return f"{last['id']} {lost.get(last['status'], 'could not tell')}"


def record(project: Project, lease: Lease, job: Job) -> None:
    """Keep what a finished job found; judging is a step of its own.

    A run that errored is recorded as such and done again, until the last of
    ``MAX_ERRORED``: that one is judged, so that a human hears of it.
    """

    def body(tx: Transaction) -> None:
        lease.check(tx)
        report = with_past(tx, apply(tx, job.report)) if job.report else None
        columns = columns_of(report) if report else _columns_without(job)
        status = _status(tx, job)
        ended = {"status": status, "ended_at": tx.now, **columns}
        if not tx.update("runs", {"id": job.run_id}, ended, expect={"status": "running"}):
            return
        if report:
            keep(tx, report, job.handoff)
            keep_measured(tx, report, job.handoff)
            look(tx, project, report)
        handoff = row_of(tx, "handoffs", str(job.handoff))
        if handoff["run"] == job.run_id and job.candidate:
            made = job.candidate
            found = {"candidate": made.commit, "tree": made.tree, "base": made.base}
            handoff = change_handoff(tx, handoff, **found)
        if status == "broken":
            _ask_about(tx, project, handoff, job)
        # In the chain of events, so that a report that is changed later is found out.
        digest = {"report": report_digest(report)} if report else {}
        told = {"run": job.run_id, "status": status, "verdict": columns["verdict"], **digest}
        tell(tx, "run.end", project.verifier, handoff, job.error, **told)

    project.store.write(body, durable=True)


def _status(tx: Transaction, job: Job) -> str:
    """done, errored (try again), or broken: it never gave a report and tries are used up."""
    report = job.report
    if report and not _could_not_tell(report):
        return "done"
    if job.hopeless:
        return "broken"
    tried = tx.count("runs", {"handoff": job.handoff, "head": job.head, "status": "errored"})
    if tried + 1 < MAX_ERRORED:
        return "errored"
    return "done" if report else "broken"


def _could_not_tell(report: Report) -> bool:
    """Errored and nothing failed: worth another try before anybody is asked."""
    counts = report.counts()
    return bool(counts["errored"]) and not counts["failed"] and not report.conflicts


def columns_of(report: Report) -> Row:
    """What a run's row keeps of its report."""
    return {
        "commit_id": report.commit,
        "tree": report.tree,
        "base": report.base,
        "config_digest": report.config_digest,
        "verdict": overall(report),
        "fingerprint": report.fingerprint(),
        "report": json.dumps(report.to_json()),
    }


def _columns_without(job: Job) -> Row:
    """What a run's row keeps where there is no report: the commit that was to be verified."""
    made = job.candidate
    merged = {"commit_id": made.commit, "tree": made.tree} if made else {}
    return {"verdict": "unknown", **merged}


def _ask_about(tx: Transaction, project: Project, handoff: Row, job: Job) -> None:
    ask(
        tx,
        project,
        "manual_fix",
        actor=project.verifier,
        instance=handoff["producer"],
        handoff=handoff,
        question=f"{handoff['id']} could not be verified at all. What now?",
        reason=job.error or "the run ended without a report",
    )
