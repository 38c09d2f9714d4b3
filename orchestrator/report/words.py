"""How checks and runs are said, the same words in every report. Light: knows no page."""

from __future__ import annotations

from collections import Counter

from orchestrator.plugins.outputs import FULL_OUTPUT
from orchestrator.plugins.spec import FAMILIES, Finding
from orchestrator.report.text import duration, plural
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

__all__ = ["by_family", "elsewhere", "place", "sentence", "tone", "word"]

TITLES = {
    "integrity": "Layer integrity",
    "contracts": "Contract compliance",
    "dataflow": "Data flow validation",
    "benchmarks": "Performance benchmarks",
}
_TONE = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.UNKNOWN: "open"}
_ON_BASE = "failing on the base too"
_ASIDE = "set aside"
#: Worst first: how the outcome of several checks is told.
_ORDER = ("failed", "errored", "inconclusive", "not run", "passed", "skipped", _ON_BASE, _ASIDE)


def word(check: CheckReport) -> str:
    """How a check ended, in words."""
    if check.preexisting:
        return _ON_BASE
    return _ASIDE if check.shadow else str(check.outcome).replace("_", " ")


def place(finding: Finding) -> str:
    """``src/a.py:12``, or an empty text."""
    return f"{finding.file}:{finding.line}" if finding.file and finding.line else finding.file or ""


def tone(report: Report) -> str:
    """The tone a run's verdict is shown in."""
    return _TONE[overall(report)]


def sentence(report: Report) -> str:
    """``passed: 14 checks in 12.3 s`` and the like: the verdict in one line."""
    verdict = {Verdict.UNKNOWN: "could not tell"}.get(overall(report), overall(report))
    if report.conflicts:
        return f"{verdict}: {plural(len(report.conflicts), 'file')} in conflict, nothing was run"
    if not report.checks:
        return f"{verdict}: nothing to check"
    tally = _tally(list(report.checks))
    told = [f"{tally[name]} {name}" for name in _ORDER if tally[name] and name != "passed"]
    flaky = sum(check.flaky for check in report.checks)
    told += [f"{flaky} flaky"] if flaky else []
    replayed = sum(check.cached_from is not None for check in report.checks)
    told += [f"{replayed} known from earlier runs"] if replayed else []
    among = f" ({', '.join(told)})" if told else ""
    return f"{verdict}: {plural(len(report.checks), 'check')} in {duration(report.seconds)}{among}"


def _tally(checks: list[CheckReport]) -> Counter[str]:
    return Counter(word(check) for check in checks)


def by_family(report: Report) -> list[tuple[str, str, str]]:
    """One row a family: its title, the worst outcome, and how many ended in which."""
    rows = []
    for family in FAMILIES:
        tally = _tally([check for check in report.checks if check.family == family])
        worst = next((name for name in _ORDER if tally[name]), "skipped")
        told = ", ".join(f"{tally[name]} {name}" for name in _ORDER if tally[name])
        rows.append((TITLES[family], worst, told or "not configured, or not affected"))
    return rows


def elsewhere(check: CheckReport) -> str:
    """Where all of a check's output is, if the report has only its end: `` (all of it: PATH)``."""
    path = check.result.data.get(FULL_OUTPUT)
    return f" (all of it: {path})" if path else ""
