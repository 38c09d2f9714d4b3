"""Times as people type them: a span, or a moment: a span from now, or a date and time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from orchestrator.errors import UsageError
from orchestrator.report.text import minute

__all__ = ["moment", "period", "shown"]

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str, now: int | None = None) -> int:
    """``2h``, ``30m``, ``3d`` from now or RFC 3339, as ms since the epoch.

    A date and time without a zone is UTC. Raises ``UsageError``.
    """
    span = _span(text)
    if span is not None:
        start = time.time_ns() // 1_000_000 if now is None else now
        return start + span * 1000
    try:
        found = datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        hint = "for example 30m, 2h, 3d, or 2026-01-31T18:00:00Z"
        raise UsageError(f"{text!r} is no time", hint=hint) from error


def period(text: str) -> int:
    """The seconds in ``30m``, ``12h``, ``7d`` or ``2w``. Raises ``UsageError``."""
    span = _span(text)
    if span is None:
        raise UsageError(f"{text!r} is no period", hint="for example 30m, 12h, 7d or 2w")
    return span


def _span(text: str) -> int | None:
    """The seconds of a span, or None where ``text`` is none."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def shown(ms: int | None) -> str:
    """``2026-01-31 09:30 UTC``, or a dash."""
    return "–" if ms is None else minute(ms)
