"""What a lease can be asked for: how long, in which mode, on what."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.coordination.overlaps import EXCLUSIVE, SHARED
from orchestrator.coordination.paths import Target
from orchestrator.errors import OrchestrateError

__all__ = ["LONGEST_MS", "SHORTEST_MS", "TTL_MS", "BadLease", "checked", "checked_ttl"]

#: How long a lease lasts when nobody says otherwise, and at most: 5 minutes, 24 hours.
TTL_MS = 5 * 60 * 1000
LONGEST_MS = 24 * 3600 * 1000
SHORTEST_MS = 1000
_LONGEST_INTENT = 500


class BadLease(OrchestrateError):
    """A lease cannot be asked for like this.

    It lasts from one second to 24 hours, is exclusive or shared, is on at
    least one path, and its intent has at most 500 characters.
    """

    code = "E362"


def checked(wants: Sequence[Target], mode: str, ttl_ms: int, intent: str | None) -> None:
    """Raise ``BadLease`` unless a lease can be asked for like this."""
    if not wants:
        raise BadLease("no path was given")
    if mode not in (EXCLUSIVE, SHARED):
        raise BadLease(f"{mode!r} is no mode", hint="exclusive or shared")
    if intent and len(intent) > _LONGEST_INTENT:
        raise BadLease(f"an intent of {len(intent)} characters", hint="500 are enough")
    checked_ttl(ttl_ms)


def checked_ttl(ttl_ms: int) -> None:
    """Raise ``BadLease`` unless a lease can last so many ms."""
    if not SHORTEST_MS <= ttl_ms <= LONGEST_MS:
        raise BadLease(
            f"a lease cannot last {ttl_ms / 1000:g} s", hint="from 1s to 24h; the default is 5m"
        )
