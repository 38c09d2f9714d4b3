"""Gathers what the pages say from the store and git, and writes them into the state folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orchestrator.engine.project import Project
from orchestrator.policy.escalation import ANSWERS
from orchestrator.policy.verdict import Decision
from orchestrator.report import render
from orchestrator.report.escalation import Answer, EscalationPage, escalation_page
from orchestrator.report.explain import explain
from orchestrator.store.port import Row
from orchestrator.verification.outcome import Report

__all__ = ["escalation_text", "write_escalation", "write_run"]

#: What is so while nobody answers, by kind.
_UNANSWERED = {
    "disagreement": "Until a human answers, nobody is bound by the decision.",
    "permission": "Until its owner or a human answers, nobody else leases or hands off the files.",
}
_HELD = "Until somebody answers, nothing happens: the work is held and does not land."


def escalation_text(project: Project, row: Row) -> str:
    """The page of an escalation as Markdown."""
    return escalation_page(_facts(project, row), "markdown")


def write_escalation(project: Project, row: Row) -> Path:
    """Write the page in both forms; the path of the HTML one."""
    facts = _facts(project, row)
    folder = project.repository.state / "escalations"
    _write(folder / f"{row['id']}.md", escalation_page(facts, "markdown"))
    return _write(folder / f"{row['id']}.html", escalation_page(facts, "html"))


def write_run(project: Project, row: Row) -> Path | None:
    """Write a run's report as a page and as JSON; the path of the page."""
    if not row["report"]:
        return None
    report = Report.from_json(json.loads(row["report"]))
    folder = project.repository.state / "reports"
    _write(folder / f"{row['id']}.json", render(report, "json"))
    title = f"{row['id']}: {row['handoff'] or project.config.coordinator.integration_branch}"
    return _write(folder / f"{row['id']}.html", render(report, "html", title=title))


def _write(path: Path, text: str) -> Path:
    """Beside and renamed: a reader never sees half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
    return path


def _facts(project: Project, row: Row) -> EscalationPage:
    handoff, run = project.store.read(
        lambda reader: (
            reader.get("handoffs", id=row["handoff"]) if row["handoff"] else None,
            reader.get("runs", id=row["run"]) if row["run"] else None,
        )
    )
    report = Report.from_json(json.loads(run["report"])) if run and run["report"] else None
    decision = json.loads(row["data"] or "{}").get("decision")
    return EscalationPage(
        id=row["id"],
        kind=row["type"],
        question=row["question"],
        reason=row["reason"] or "",
        status=_status(row),
        about=_about(row, handoff),
        answers=_answers(row),
        held=_UNANSWERED.get(row["type"], _HELD),
        why=explain(Decision.from_json(decision)) if decision else "",
        notes=json.loads(handoff["notes"] or "{}") if handoff else {},
        diff=_diff(project, report) if report else (),
        report=report,
    )


def _status(row: Row) -> str:
    if row["status"] == "answered":
        return f"{row['answer']} by {row['answered_by']}: {row['answer_reason']}"
    if row["status"] == "acknowledged":
        return f"acknowledged by {row['acknowledged_by']}"
    return str(row["status"])


def _about(row: Row, handoff: Row | None) -> tuple[tuple[str, str], ...]:
    if handoff is None:
        return (("instance", row["instance"] or "–"),)
    keys = ("producer", "target", "task", "attempt", "ref", "head")
    return (("handoff", handoff["id"]), *((key, str(handoff[key] or "–")) for key in keys))


def _answers(row: Row) -> tuple[Answer, ...]:
    """The answers with their commands; none once it is answered."""
    if row["status"] not in ("open", "acknowledged"):
        return ()
    return tuple(
        Answer(name, does, f'orchestrate escalation {name} {row["id"]} --reason "…"')
        for name, does in ANSWERS[row["type"]].items()
    )


def _diff(project: Project, report: Report) -> tuple[tuple[str, Any, Any], ...]:
    """(path, added, removed) between base and candidate; None for binary files."""
    if report.base is None:
        return ()
    git = project.git
    rows = git.lines("diff", "--numstat", "--no-renames", "-z", report.base, report.commit)
    found = []
    for row in rows:
        added, removed, path = row.split("\t", 2)
        counts = [None if count == "-" else int(count) for count in (added, removed)]
        found.append((path, counts[0], counts[1]))
    return tuple(found)
