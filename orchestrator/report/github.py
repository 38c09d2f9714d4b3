"""A run as annotations of GitHub Actions: workflow commands, and a summary for its page.

A line that begins with ``::`` is a command to the runner, so nothing that
others wrote may begin one: it is escaped as the runner expects.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.plugins.spec import Finding, Outcome, Severity
from orchestrator.report.contents import run_page
from orchestrator.report.markdown import markdown
from orchestrator.report.text import flat, visible
from orchestrator.report.words import sentence, word
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["commands", "job_summary"]

_LEVEL = {Severity.BREAKING: "error", Severity.DANGEROUS: "warning", Severity.NOTICE: "notice"}
#: Outcomes that must show even without a finding.
_UNSAID = {
    Outcome.FAILED: "error",
    Outcome.ERRORED: "error",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.NOT_RUN: "warning",
}
#: Bytes of a job summary; GitHub drops one of more than 1 MiB whole.
_SUMMARY = 1_000_000


def commands(report: Report) -> str:
    """One command a finding, worst first (GitHub shows ten of a kind), then the verdict."""
    return "".join(f"{line}\n" for line in _lines(report))


def job_summary(report: Report) -> str:
    """The report as Markdown, short enough for ``$GITHUB_STEP_SUMMARY``."""
    text = markdown(run_page(report))
    if len(text.encode()) <= _SUMMARY:
        return text
    kept = text.encode()[:_SUMMARY].decode(errors="ignore").rpartition("\n\n")[0]
    # A cut may fall into a block of code; closing it where there is none does no harm.
    return f"{kept}\n\n```\n\n… the rest is in the other reports.\n"


def _lines(report: Report) -> Iterator[str]:
    for path in report.conflicts:
        yield _command("error", "changed on both sides; it does not merge", "conflict", path)
    for check, finding in report.findings():
        yield _of_finding(check, finding)
    for check in report.checks:
        if check.outcome in _UNSAID and not check.result.findings:
            level = "notice" if check.preexisting else _UNSAID[check.outcome]
            yield _command(level, f"{word(check)}: {check.result.reason}", check.id)
    for warning in report.warnings:
        yield _command("warning", warning, "orchestrate")
    yield f"orchestrate {flat(sentence(report))}"


def _of_finding(check: CheckReport, finding: Finding) -> str:
    quiet = check.preexisting or finding.fingerprint(check.id) in check.waived
    level = "notice" if quiet else _LEVEL[finding.severity]
    said = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    return _command(level, said, f"{check.id}: {finding.rule}", finding.file, finding.line)


def _command(
    level: str, said: str, title: str, file: str | None = None, line: int | None = None
) -> str:
    properties = {"file": file, "line": str(line) if file and line else None, "title": title}
    told = ",".join(f"{name}={_property(text)}" for name, text in properties.items() if text)
    return f"::{level} {told}::{_data(said)}"


def _data(text: str) -> str:
    """The message of a command."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
