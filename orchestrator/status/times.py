"""Times as the document and the log write them."""

from __future__ import annotations

import time
from functools import lru_cache

__all__ = ["ago", "parse", "rfc3339"]


def rfc3339(ms: int) -> str:
    """``2026-01-31T09:30:00.123Z``: UTC with milliseconds."""
    return f"{_second(ms // 1000)}.{ms % 1000:03}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """There may be thousands, most of them written again and again."""
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def parse(text: str) -> int:
    """The ms since the epoch of an ``rfc3339`` text. Raises ValueError."""
    import calendar

    moment = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(moment) * 1000 + int(text[20:23])


def ago(ms: int) -> str:
    """A span in the largest unit that fits: ``40 s``, ``12 min``, ``3 h``, ``2 days``."""
    seconds = max(0, ms // 1000)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"
