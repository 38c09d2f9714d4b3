"""A page as a list of blocks. What it says is written once, in ``contents`` and ``escalation``.

``markdown`` and ``html`` know the forms; they trust no text in a block.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.report.evidence import Interval, Note

__all__ = [
    "Badge",
    "Block",
    "Bullets",
    "Card",
    "Choice",
    "Code",
    "Course",
    "CoursePoint",
    "Fields",
    "Folded",
    "Heading",
    "Measured",
    "Spread",
    "Table",
    "Text",
]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; ``level`` 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; line breaks stay."""

    text: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A verdict in words, with a tone: good, bad, open or quiet."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values, one a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text: a command, output, JSON."""

    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """Preformatted text that is rarely needed, behind its summary where a page can fold."""

    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer: what it does, and the command that gives it."""

    name: str
    consequence: str
    command: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A benchmark's ratio to the base with its interval."""

    name: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Spread:
    """Every run of a benchmark on both sides, in ``unit``; ``words`` say the same."""

    name: str
    unit: str
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    words: str


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One run in a benchmark's past: medians; ``tone`` fine, bad or open."""

    when: str
    base: float | None
    candidate: float
    tone: str
    landed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Course:
    """A benchmark's past on one machine, the oldest run first; at least one."""

    name: str
    unit: str
    points: tuple[CoursePoint, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Card:
    """A finding: ``word`` says how bad it is, ``remedy`` what to do, ``notes`` are the evidence."""

    word: str
    title: str
    rows: tuple[tuple[str, str], ...] = ()
    remedy: str = ""
    interval: Interval | None = None
    notes: tuple[Note, ...] = ()


Block = (
    Heading
    | Text
    | Badge
    | Fields
    | Table
    | Code
    | Folded
    | Bullets
    | Choice
    | Measured
    | Spread
    | Course
    | Card
)
