"""A page as a list of blocks, rendered as Markdown or as one self-contained HTML file.

The contents are written once (``contents``, ``escalation``); only this module
knows either form, and it trusts no text: everything is escaped, control
characters are made visible.
"""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = [
    "Badge",
    "Block",
    "Bullets",
    "Code",
    "Fields",
    "Heading",
    "Interval",
    "Table",
    "Text",
    "html",
    "markdown",
    "visible",
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
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured ratio with its interval, 1.0 meaning no change."""

    low: float
    ratio: float
    high: float


Block = Heading | Text | Badge | Fields | Table | Code | Bullets | Interval


def visible(text: str) -> str:
    """``text`` with control characters written out, so that it steers nothing."""
    return "".join(
        c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape", "replace").decode()
        for c in text
    )


# -- Markdown ---------------------------------------------------------------------------


def markdown(blocks: Sequence[Block]) -> str:
    """The page as Markdown."""
    return "\n\n".join(_MARKDOWN[type(block)](block) for block in blocks) + "\n"


def _md(text: str) -> str:
    """Literal text: nothing in it is Markdown or HTML, and it stays on its line."""
    flat = visible(text).replace("\\", "\\\\")
    return re.sub(r"([`*_\[\]<>#|~])", r"\\\1", flat)


def _md_cell(text: str) -> str:
    return _md(text).replace("\n", "<br>")


def _md_table(block: Table) -> str:
    lines = [block.header, ("---",) * len(block.header), *block.rows]
    rows = [[_md_cell(cell) if cell != "---" else cell for cell in row] for row in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _md_code(block: Code) -> str:
    longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{visible(block.text).rstrip()}\n{fence}"


def _md_interval(block: Interval) -> str:
    return f"measured ×{block.ratio:.3f}, interval ×{block.low:.3f} to ×{block.high:.3f}"


_MARKDOWN: dict[type, Callable[[Any], str]] = {
    Heading: lambda block: f"{'#' * block.level} {_md_cell(block.text)}",
    Text: lambda block: _md(block.text).replace("\n", "  \n"),
    Badge: lambda block: f"**{_md_cell(block.text)}**",
    Fields: lambda block: "\n".join(f"- {_md(k)}: {_md_cell(v)}" for k, v in block.rows),
    Table: _md_table,
    Code: _md_code,
    Bullets: lambda block: "\n".join(f"- {_md_cell(item)}" for item in block.items),
    Interval: _md_interval,
}


# -- HTML -------------------------------------------------------------------------------


def html(title: str, blocks: Sequence[Block]) -> str:
    """The page as one HTML file: no script, no external resource, light and dark."""
    style = resources.files("orchestrator.report").joinpath("page.css").read_text()
    body = "\n".join(_HTML[type(block)](block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_h(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _h(text: str) -> str:
    return escaping.escape(visible(text))


def _h_lines(text: str) -> str:
    return _h(text).replace("\n", "<br>")


def _h_table(block: Table) -> str:
    head = "".join(f'<th scope="col">{_h(cell)}</th>' for cell in block.header)
    rows = "\n".join(
        "<tr>" + "".join(_h_cell(cell) for cell in row) + "</tr>" for row in block.rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


#: Words of outcomes and severities, shown as a coloured word; the word alone says it too.
TONES = {
    "passed": "good",
    "failed": "bad",
    "breaking": "bad",
    "inconclusive": "open",
    "errored": "open",
    "dangerous": "open",
    "not_run": "quiet",
    "skipped": "quiet",
    "notice": "quiet",
}


def _h_cell(cell: str) -> str:
    word = cell.split(" ", 1)[0]
    if word in TONES:
        return f'<td><span class="word {TONES[word]}">{_h(cell)}</span></td>'
    return f"<td>{_h_lines(cell)}</td>"


def _h_fields(block: Fields) -> str:
    rows = "".join(f"<dt>{_h(k)}</dt><dd>{_h_lines(v)}</dd>" for k, v in block.rows)
    return f"<dl>{rows}</dl>"


def _h_bullets(block: Bullets) -> str:
    return "<ul>" + "".join(f"<li>{_h_lines(item)}</li>" for item in block.items) + "</ul>"


def _h_interval(block: Interval) -> str:
    """A bar from low to high with the ratio as a dot, 1.0 marked; the figures beside it."""
    edge = max(abs(block.low - 1), abs(block.high - 1), 0.05) * 1.15

    def x(value: float) -> float:
        return round(160 + (value - 1) / edge * 150, 1)

    low, high, at = x(block.low), x(block.high), x(block.ratio)
    return (
        '<figure class="interval"><svg viewBox="0 0 320 40" role="img" aria-hidden="true">'
        '<line class="axis" x1="10" y1="20" x2="310" y2="20"/>'
        '<line class="one" x1="160" y1="6" x2="160" y2="34"/>'
        f'<line class="range" x1="{low}" y1="20" x2="{high}" y2="20"/>'
        f'<circle class="at" cx="{at}" cy="20" r="5"/></svg>'
        f"<figcaption>{_h(_md_interval(block))}; the line in the middle is no change"
        "</figcaption></figure>"
    )


_HTML: dict[type, Callable[[Any], str]] = {
    Heading: lambda block: f"<h{block.level}>{_h(block.text)}</h{block.level}>",
    Text: lambda block: f"<p>{_h_lines(block.text)}</p>",
    Badge: lambda block: f'<p class="badge {block.tone}">{_h(block.text)}</p>',
    Fields: _h_fields,
    Table: _h_table,
    Code: lambda block: f"<pre><code>{_h(block.text.rstrip())}</code></pre>",
    Bullets: _h_bullets,
    Interval: _h_interval,
}
