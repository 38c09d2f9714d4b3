"""What a page about a run says, in blocks: verdict, summary, findings, checks, evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.plugins.spec import FAMILIES, Finding, Json, Outcome
from orchestrator.report.page import (
    Badge,
    Block,
    Bullets,
    Code,
    Fields,
    Heading,
    Interval,
    Table,
    Text,
)
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

__all__ = ["evidence", "findings", "run_page", "sentence", "summary"]

TITLES = {
    "integrity": "Layer integrity",
    "contracts": "Contract compliance",
    "dataflow": "Data flow validation",
    "benchmarks": "Performance benchmarks",
}
_TONE = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.UNKNOWN: "open"}
#: Findings on one page; the rest are counted and are in the JSON report.
_MOST = 50
#: Characters of output or evidence on a page.
_LONG = 3000


def sentence(report: Report) -> str:
    """``passed: 14 checks in 12.3 s`` and the like: the verdict in one line."""
    counts = report.counts()
    words = [
        f"{counts[str(outcome)]} {str(outcome).replace('_', ' ')}"
        for outcome in Outcome
        if outcome is not Outcome.PASSED and counts[str(outcome)]
    ]
    if report.conflicts:
        words.append(f"{len(report.conflicts)} files in conflict")
    words += [f"{n} {w}" for w in ("preexisting", "flaky") if (n := report.facts()[w])]
    told = f" ({', '.join(words)})" if words else ""
    checks = "1 check" if counts["total"] == 1 else f"{counts['total']} checks"
    verdict = {Verdict.UNKNOWN: "could not tell"}.get(overall(report), overall(report))
    return f"{verdict}: {checks} in {report.seconds:.1f} s{told}"


def run_page(report: Report, title: str | None = None) -> list[Block]:
    """The whole page of a run."""
    blocks: list[Block] = [
        Heading(title or f"Verification of {report.head[:12]}", 1),
        Badge(sentence(report), _TONE[overall(report)]),
        summary(report),
    ]
    if report.warnings:
        blocks += [Heading("Warnings"), Bullets(report.warnings)]
    blocks += findings(report)
    blocks += [Heading("Checks"), _checks(report), Heading("Evidence"), evidence(report)]
    return blocks


def summary(report: Report) -> Table:
    """One row a family: outcome and counts."""
    rows = []
    for family, key in FAMILIES.items():
        counts = report.counts(family)
        outcome = report.grouped()["results"][key]["outcome"]
        told = ", ".join(
            f"{counts[str(o)]} {str(o).replace('_', ' ')}" for o in Outcome if counts[str(o)]
        )
        rows.append((TITLES[family], str(outcome), told or "not configured, or not affected"))
    return Table(("family", "outcome", "checks"), tuple(rows))


def findings(report: Report) -> list[Block]:
    """Conflicts and findings, worst first, each with its remedy and evidence."""
    blocks: list[Block] = []
    if report.conflicts:
        blocks += [
            Heading("Conflicts"),
            Text("These files changed on both sides and do not merge. Merge the integration "
                 "branch into your work, resolve them, commit and mark it ready again."),
            Bullets(report.conflicts),
        ]  # fmt: skip
    found = report.findings()
    if not found:
        return blocks
    blocks.append(Heading("Findings"))
    for check, finding in found[:_MOST]:
        blocks += _finding(check, finding)
    if len(found) > _MOST:
        blocks.append(Text(f"… and {len(found) - _MOST} more, in the JSON report."))
    return blocks


def _finding(check: CheckReport, finding: Finding) -> list[Block]:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    rows = [("check", check.id), ("rule", finding.rule), ("severity", str(finding.severity))]
    if place:
        rows.append(("where", place))
    if finding.remedy:
        rows.append(("what to do", finding.remedy))
    blocks: list[Block] = [Heading(finding.message, 3), Fields(tuple(rows))]
    interval = _interval(finding.evidence)
    if interval:
        blocks.append(interval)
    elif finding.evidence:
        blocks.append(Code(_cut(json.dumps(finding.evidence, indent=2, ensure_ascii=False))))
    return blocks


def _interval(found: Mapping[str, Json]) -> Interval | None:
    values = [found.get(key) for key in ("low", "ratio", "high")]
    if all(isinstance(value, int | float) for value in values):
        low, ratio, high = (float(value) for value in values if value is not None)
        return Interval(low, ratio, high)
    return None


def _checks(report: Report) -> Table:
    rows = []
    for check in report.checks:
        notes = [
            check.result.reason,
            "flaky" * check.flaky,
            "fails on the base too" * check.preexisting,
        ]
        if check.cached_from:
            notes.append(f"from {check.cached_from}")
        told = "; ".join(note for note in notes if note)
        rows.append((check.id, str(check.outcome), f"{check.seconds:.1f} s", told))
    return Table(("check", "outcome", "time", ""), tuple(rows))


def evidence(report: Report) -> Fields:
    """What the verdict is bound to: any of it moving voids it."""
    started = datetime.fromtimestamp(report.started_at / 1000, tz=UTC)
    plugins = ", ".join(f"{name} {version}" for name, version in sorted(report.plugins.items()))
    rows = [
        ("run", report.run),
        ("commit", report.commit),
        ("tree", report.tree),
        ("head", report.head),
        ("base", report.base or "none: compared with nothing"),
        ("rules from", report.policy_from),
        ("configuration", report.config_digest),
        ("plugins", plugins or "none"),
        ("started", started.strftime("%Y-%m-%d %H:%M:%S UTC")),
    ]
    return Fields(tuple(rows))


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}\n… {len(text) - _LONG} characters more"
