"""A page as Markdown. Text stays text: nothing in it becomes Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from orchestrator.report.page import (
    Badge,
    Block,
    Bullets,
    Card,
    Choice,
    Code,
    Course,
    Fields,
    Folded,
    Heading,
    Measured,
    Spread,
    Table,
    Text,
)
from orchestrator.report.text import flat, visible

__all__ = ["markdown"]

#: What would be markup anywhere in a line: always, at the edge of a word, before a name.
_MARKUP = re.compile(r"[\\`*\[\]<>|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[#\w])|(?<!\S)#")
#: What would be markup at the start of a line.
_START = re.compile(r"^([-+=]|\d+(?=[.)]))")


def markdown(blocks: Sequence[Block]) -> str:
    """The page as Markdown; ends with a newline."""
    return "\n\n".join(_FORMS[type(block)](block) for block in blocks) + "\n"


def _line(text: str) -> str:
    """Literal text on one line, anywhere but at its start."""
    return _MARKUP.sub(lambda found: f"\\{found.group()}", flat(text))


def _start(text: str) -> str:
    """Literal text at the start of a line."""
    literal = _line(text)
    if literal[:1].isdigit():
        return re.sub(r"^(\d+)([.)])", r"\1\\\2", literal)
    return _START.sub(r"\\\1", literal)


def _paragraph(block: Text) -> str:
    return "  \n".join(_start(line) for line in block.text.strip().splitlines())


def _table(block: Table) -> str:
    rows = [[_line(cell) for cell in row] for row in (block.header, *block.rows)]
    rows.insert(1, ["---"] * len(block.header))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _fenced(text: str) -> str:
    """A block of code whose fence is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{visible(text).rstrip()}\n{fence}"


def _bullets(rows: Iterable[str]) -> str:
    return "\n".join(f"- {row}" for row in rows)


def _card(block: Card) -> str:
    rows = [f"{_line(name)}: {_line(value)}" for name, value in block.rows]
    if block.remedy:
        rows.append(f"what to do: {_line(block.remedy)}")
    if block.interval:
        rows.append(f"measured: {_line(block.interval.words())}")
    rows += [f"{_line(n.label)}: {_line(n.text)}" for n in block.notes if "\n" not in n.text]
    parts = [f"### {_line(block.word)}: {_line(block.title)}", _bullets(rows)]
    for note in block.notes:
        if "\n" in note.text:
            parts += [f"{_start(note.label)}:", _fenced(note.text)]
    return "\n\n".join(parts)


_FORMS: dict[type, Callable[[Any], str]] = {
    Heading: lambda block: f"{'#' * block.level} {_line(block.text)}",
    Text: _paragraph,
    Badge: lambda block: f"**{_line(block.text)}**",
    Fields: lambda block: _bullets(f"{_line(k)}: {_line(v)}" for k, v in block.rows),
    Table: _table,
    Code: lambda block: _fenced(block.text),
    Folded: lambda block: f"{_start(block.summary)}:\n\n{_fenced(block.text)}",
    Bullets: lambda block: _bullets(map(_start, block.items)),
    Choice: lambda block: (
        f"**{_line(block.name)}**: {_line(block.consequence)}\n\n{_fenced(block.command)}"
    ),
    Measured: lambda block: f"- {_line(block.name)}: {_line(block.interval.words())}",
    Spread: lambda block: f"- {_line(block.words)}",
    Course: lambda block: f"- {_line(block.words)}",
    Card: _card,
}
