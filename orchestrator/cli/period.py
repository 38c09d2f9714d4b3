"""Lengths of time as people type them for what lasts: ``30m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re

from orchestrator.errors import UsageError

__all__ = ["period"]

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def period(text: str) -> float:
    """The seconds in ``text``. Raises ``UsageError``."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if match is None:
        raise UsageError(f"{text!r} is no period", hint="for example 30m, 12h, 7d or 2w")
    return int(match[1]) * _UNITS[match[2]]
