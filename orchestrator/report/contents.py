"""What a page about a run says, in blocks: verdict, summary, findings, checks, evidence."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.plugins.spec import Finding, Outcome
from orchestrator.report.benchmarks import measurements
from orchestrator.report.evidence import interval, limits, notes
from orchestrator.report.page import (
    Badge,
    Block,
    Bullets,
    Card,
    Fields,
    Folded,
    Heading,
    Table,
    Text,
)
from orchestrator.report.text import cut, duration, plural
from orchestrator.report.words import by_family, elsewhere, place, sentence, tone, word
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["evidence", "findings", "run_page", "summary"]

#: Findings and outputs on one page; the rest are counted and are in the JSON report.
_MOST = 50


def run_page(report: Report, title: str | None = None) -> list[Block]:
    """The whole page of a run."""
    blocks: list[Block] = [
        Heading(title or f"Verification of {report.head[:12]}", 1),
        Badge(sentence(report), tone(report)),
        summary(report),
    ]
    if report.warnings:
        blocks += [Heading("Warnings"), Bullets(report.warnings)]
    blocks += findings(report)
    if report.checks:
        blocks += [Heading("Checks"), _checks(report), *_outputs(report)]
    return [*blocks, Heading("Evidence"), evidence(report)]


def summary(report: Report) -> Table:
    """One row a family: the worst outcome, and how many ended in which."""
    return Table(("family", "outcome", "checks"), tuple(by_family(report)))


def findings(report: Report) -> list[Block]:
    """Conflicts, findings worst first, and what benchmarks measured without deciding."""
    blocks: list[Block] = []
    if report.conflicts:
        what = (
            "These files changed on both sides and do not merge. Merge the integration branch "
            "into your work, resolve them, commit and mark it ready again."
        )
        blocks += [Heading("Conflicts"), Text(what), Bullets(report.conflicts)]
    found = report.findings()
    if found:
        blocks += [Heading("Findings"), *(_card(*pair) for pair in found[:_MOST])]
    if len(found) > _MOST:
        blocks.append(Text(f"… and {len(found) - _MOST} more, in the JSON report."))
    shown = measurements(report)
    return [*blocks, Heading("Measurements"), *shown] if shown else blocks


def _card(check: CheckReport, finding: Finding) -> Card:
    fingerprint = finding.fingerprint(check.id)
    waived = fingerprint in check.waived
    rows = [
        ("where", place(finding)),
        ("check", check.id),
        ("rule", finding.rule),
        ("fingerprint", fingerprint),
        ("waived", "accepted for a while, see the log" * waived),
    ]
    return Card(
        str(finding.severity),
        finding.message,
        tuple(row for row in rows if row[1]),
        finding.remedy or "",
        interval(finding.evidence),
        tuple(note for note in notes(finding.evidence) if note.label != "measured"),
    )


def _checks(report: Report) -> Table:
    rows = [
        (check.id, word(check), duration(check.seconds), _remarks(check)) for check in report.checks
    ]
    return Table(("check", "outcome", "time", "remarks"), tuple(rows))


def _remarks(check: CheckReport) -> str:
    told = [check.result.reason]
    told += ["flaky: failed once, passed when run again"] if check.flaky else []
    told += [f"{plural(len(check.waived), 'finding')} waived"] if check.waived else []
    told += [f"known from {check.cached_from}"] if check.cached_from else []
    told += limits(check)
    return "; ".join(text for text in told if text)


def _outputs(report: Report) -> list[Folded]:
    """What the commands of checks that did not pass printed last."""
    said = [
        check
        for check in report.checks
        if check.result.output.strip() and check.outcome not in (Outcome.PASSED, Outcome.SKIPPED)
    ]
    return [
        Folded(f"what {c.id} printed{elsewhere(c)}", cut(c.result.output)) for c in said[:_MOST]
    ]


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
