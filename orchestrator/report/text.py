"""Text that others wrote, made fit to be shown: it steers no terminal and is not endless."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "beginning",
    "cut",
    "duration",
    "flat",
    "json_text",
    "minute",
    "plural",
    "size_of",
    "visible",
]

#: Characters of an output, trace or value that a page shows.
LIMIT = 3000


def visible(text: str) -> str:
    """``text`` with control, direction-changing and other unprintable characters written out.

    A terminal escape becomes ``\\x1b``; newlines and tabs stay. What is left is
    valid in XML, and can be encoded.
    """
    return "".join(
        c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode()
        for c in text.replace("\r\n", "\n")
    )


def minute(ms: int) -> str:
    """``2026-01-31 09:30 UTC``, of milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def flat(text: str) -> str:
    """``text`` on one line, visible."""
    return " ".join(visible(text).split())


def cut(text: str, limit: int = LIMIT) -> str:
    """The end of a long text, after a line that says how much is left out."""
    if len(text) <= limit:
        return text
    return f"[{len(text) - limit:,} characters before this are left out]\n{text[-limit:]}"


def beginning(text: str, limit: int) -> str:
    """The beginning of a long text, then how much is left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def json_text(value: Any) -> str:
    """``value`` as indented JSON whose unprintable characters are escaped; ends with a newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text) + "\n"


def plural(number: int, noun: str) -> str:
    """``1 check``, ``3 checks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12.3 s``, ``2 min 5 s``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"


def size_of(value: float, unit: str) -> str:
    """A measured value: seconds as ``12.5 ms``, anything else with its unit."""
    if unit not in ("s", "seconds"):
        return f"{value:.4g} {unit}".strip()
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
