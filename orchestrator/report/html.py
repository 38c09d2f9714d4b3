"""A page as one self-contained HTML file: no script, no external resource, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from typing import Any

from orchestrator.report.evidence import Interval, Note
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
from orchestrator.report.pictures import course, spread
from orchestrator.report.text import visible

__all__ = ["html"]

#: Words of outcomes and severities, shown in a colour; the word alone says it too.
TONES = {
    "passed": "good",
    "failed": "bad",
    "breaking": "bad",
    "inconclusive": "open",
    "errored": "open",
    "dangerous": "open",
    "not run": "quiet",
    "skipped": "quiet",
    "notice": "quiet",
    "failing on the base too": "quiet",
}
#: Fields and columns that hold names of things in files and git.
_EXACT = frozenset(
    {
        "commit",
        "tree",
        "head",
        "base",
        "configuration",
        "ref",
        "check",
        "file",
        "where",
        "rule",
        "fingerprint",
    }
)


def html(title: str, blocks: Sequence[Block]) -> str:
    """The page as HTML."""
    style = resources.files("orchestrator.report").joinpath("page.css").read_text()
    body = "\n".join(_FORMS[type(block)](block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _lines(text: str) -> str:
    return _text(text.strip()).replace("\n", "<br>")


def _value(name: str, value: str) -> str:
    """A value in the type its name asks for, an outcome or severity in its tone."""
    if name in ("outcome", "severity") and value in TONES:
        return _word(value)
    return f"<code>{_lines(value)}</code>" if name in _EXACT and value else _lines(value)


def _word(word: str) -> str:
    return f'<span class="word {TONES.get(word, "quiet")}">{_text(word)}</span>'


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in block.header)
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td>{_value(n, c)}</td>" for n, c in zip(block.header, row, strict=True))
        + "</tr>"
        for row in block.rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _fields(block: Fields) -> str:
    rows = "".join(f"<dt>{_text(k)}</dt><dd>{_value(k, v)}</dd>" for k, v in block.rows)
    return f"<dl>{rows}</dl>"


def _pre(text: str) -> str:
    return f"<pre><code>{_text(text.rstrip())}</code></pre>"


def _folded(block: Folded) -> str:
    return f"<details><summary>{_text(block.summary)}</summary>{_pre(block.text)}</details>"


def _choice(block: Choice) -> str:
    return (
        f'<section class="choice"><p><strong>{_text(block.name)}</strong> '
        f"{_text(block.consequence)}</p>{_pre(block.command)}</section>"
    )


def _card(block: Card) -> str:
    parts = [f"<h3>{_word(block.word)} {_lines(block.title)}</h3>"]
    if block.remedy:
        parts.append(f'<p class="remedy"><strong>what to do</strong> {_lines(block.remedy)}</p>')
    if block.interval:
        parts.append(_figure(block.interval))
    rows = [*block.rows, *((n.label, n.text) for n in block.notes if "\n" not in n.text)]
    parts += [_fields(Fields(tuple(rows))), *map(_long_note, block.notes)]
    tone = TONES.get(block.word, "quiet")
    return f'<section class="card edge-{tone}">{"".join(parts)}</section>'


def _long_note(note: Note) -> str:
    return f'<p class="label">{_text(note.label)}</p>{_pre(note.text)}' if "\n" in note.text else ""


def _figure(interval: Interval) -> str:
    """The range as a bar, the ratio as a dot, no change as a dashed line; then all in words."""
    edge = max(abs(interval.low - 1), abs(interval.high - 1), 0.02) * 1.15

    def x(ratio: float) -> float:
        return round(160 + (ratio - 1) / edge * 150, 1)

    low, high, at = x(interval.low), x(interval.high), x(interval.ratio)
    return (
        '<figure><svg viewBox="0 0 320 46" aria-hidden="true">'
        '<text x="10" y="42">faster</text><text x="310" y="42" class="end">slower</text>'
        '<text x="160" y="42" class="mid">as the base</text>'
        '<line class="axis" x1="10" y1="16" x2="310" y2="16"/>'
        '<line class="one" x1="160" y1="4" x2="160" y2="28"/>'
        f'<line class="range" x1="{low}" y1="16" x2="{high}" y2="16"/>'
        f'<circle class="at" cx="{at}" cy="16" r="5"/></svg>'
        f"<figcaption>{_text(interval.words())}</figcaption></figure>"
    )


def _pictured(svg: str, words: str) -> str:
    return f"<figure>{svg}<figcaption>{_text(words)}</figcaption></figure>"


_FORMS: dict[type, Callable[[Any], str]] = {
    Heading: lambda block: f"<h{block.level}>{_text(block.text)}</h{block.level}>",
    Text: lambda block: f"<p>{_lines(block.text)}</p>",
    Badge: lambda block: f'<p class="badge {block.tone}">{_text(block.text)}</p>',
    Fields: _fields,
    Table: _table,
    Code: lambda block: _pre(block.text),
    Folded: _folded,
    Bullets: lambda block: "<ul>" + "".join(f"<li>{_lines(i)}</li>" for i in block.items) + "</ul>",
    Choice: _choice,
    Measured: lambda block: (
        f'<p class="label"><code>{_text(block.name)}</code></p>{_figure(block.interval)}'
    ),
    Spread: lambda block: _pictured(spread(block), block.words),
    Course: lambda block: _pictured(course(block), block.words),
    Card: _card,
}
