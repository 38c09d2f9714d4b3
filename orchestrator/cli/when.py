"""Moments as people type them: a span from now, or a date and time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from orchestrator.errors import UsageError

__all__ = ["moment", "shown"]

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str, now: int | None = None) -> int:
    """``2h``, ``30m``, ``3d`` from now or RFC 3339, as ms since the epoch.

    A date and time without a zone is UTC. Raises ``UsageError``.
    """
    span = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if span:
        start = time.time_ns() // 1_000_000 if now is None else now
        return start + int(span[1]) * _UNITS[span[2]] * 1000
    try:
        found = datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        hint = "for example 30m, 2h, 3d, or 2026-01-31T18:00:00Z"
        raise UsageError(f"{text!r} is no time", hint=hint) from error


def shown(ms: int | None) -> str:
    """``2026-01-31 09:30 UTC``, or a dash."""
    if ms is None:
        return "–"
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
