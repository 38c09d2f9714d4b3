"""The page a human reads to answer an escalation: what, why, evidence, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.report.contents import evidence, findings, summary
from orchestrator.report.html import html
from orchestrator.report.markdown import markdown
from orchestrator.report.page import (
    Badge,
    Block,
    Bullets,
    Choice,
    Code,
    Fields,
    Heading,
    Table,
    Text,
)
from orchestrator.report.words import sentence, tone
from orchestrator.verification.outcome import Report

__all__ = ["Answer", "EscalationPage", "escalation_page"]

#: Changed files on the page; the rest are counted.
_FILES = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible answer: what it does and the command that gives it."""

    name: str
    consequence: str
    command: str


@dataclass(frozen=True, slots=True)
class EscalationPage:
    """Everything the page says. ``about`` are facts of the handoff, in order.

    ``diff`` is (path, added, removed) with None for binary files; ``why`` the
    explanation of the rules; ``status`` what became of the escalation so far.
    """

    id: str
    kind: str
    question: str
    reason: str
    status: str
    about: tuple[tuple[str, str], ...]
    answers: tuple[Answer, ...]
    held: str
    why: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    diff: tuple[tuple[str, int | None, int | None], ...] = ()
    report: Report | None = None


def escalation_page(page: EscalationPage, format: str) -> str:
    """The page as ``markdown`` or ``html``."""
    if format == "markdown":
        return markdown(_blocks(page))
    if format == "html":
        return html(f"{page.id}: {page.question}", _blocks(page))
    raise ValueError(f"unknown page format {format!r}")


def _blocks(page: EscalationPage) -> list[Block]:
    return [
        Heading(page.question, 1),
        Badge(f"{page.id} · {page.kind.replace('_', ' ')} · {page.status}", _tone(page)),
        Text(page.reason),
        *_what_to_do(page),
        Heading("What it is about"),
        Fields(page.about),
        *_why(page),
        *_found(page),
        *_changed(page),
        *_notes(page),
        *_evidence(page),
    ]


def _tone(page: EscalationPage) -> str:
    """Open as long as there is something to answer."""
    return "open" if page.answers else "quiet"


def _what_to_do(page: EscalationPage) -> list[Block]:
    if not page.answers:
        return []
    choices = [Choice(a.name, a.consequence, a.command) for a in page.answers]
    return [Heading("What to do"), *choices, Text(page.held)]


def _why(page: EscalationPage) -> list[Block]:
    return [Heading("Why you are asked"), Code(page.why)] if page.why else []


def _found(page: EscalationPage) -> list[Block]:
    if page.report is None:
        return []
    heading = Heading("What verification found")
    return [
        heading,
        Badge(sentence(page.report), tone(page.report)),
        summary(page.report),
        *findings(page.report),
    ]


def _changed(page: EscalationPage) -> list[Block]:
    if not page.diff:
        return []
    rows = tuple((path, _count("+", added), _count("−", gone)) for path, added, gone in page.diff)
    blocks: list[Block] = [Heading("What changed")]
    blocks.append(Table(("file", "added", "removed"), rows[:_FILES]))
    if len(rows) > _FILES:
        blocks.append(Text(f"… and {len(rows) - _FILES} more files."))
    return blocks


def _count(sign: str, lines: int | None) -> str:
    return "binary" if lines is None else f"{sign}{lines}"


def _notes(page: EscalationPage) -> list[Block]:
    blocks: list[Block] = [Heading("The producer's notes")] if page.notes else []
    for name, text in page.notes.items():
        blocks += [Heading(name, 3), Text(text)]
    return blocks


def _evidence(page: EscalationPage) -> list[Block]:
    if page.report is None:
        return []
    bound = "An approval holds for exactly this; when any of it moves, it is verified again."
    warnings: list[Block] = [Bullets(page.report.warnings)] if page.report.warnings else []
    return [Heading("Evidence"), Text(bound), evidence(page.report), *warnings]
