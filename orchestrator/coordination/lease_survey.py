"""What stands between a caller and the leases it wants. Looks, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orchestrator.coordination import queue
from orchestrator.coordination.lease_rows import expired, in_the_way, same, why_over
from orchestrator.coordination.overlaps import EXCLUSIVE, SHARED, near
from orchestrator.coordination.paths import Target
from orchestrator.store.port import Reader, Row

__all__ = ["Conflict", "Survey", "survey"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why ``want`` cannot be had: somebody's lease, or somebody who waits before you."""

    want: Target
    lease: Row | None = None
    wait: Row | None = None

    @property
    def holder(self) -> str:
        """The instance that is in the way."""
        row = self.lease or self.wait or {}
        return str(row.get("instance"))


@dataclass(slots=True)
class Survey:
    """What stands between a caller and its wants.

    ``mine``: own leases on exactly these; ``fresh``: what has to be written;
    ``over``: leases that no longer count, by id, each with the reason.
    """

    wants: tuple[Target, ...]
    mine: dict[Target, Row] = field(default_factory=dict)
    fresh: list[Target] = field(default_factory=list)
    over: dict[str, tuple[Row, str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def survey(
    reader: Reader,
    wants: Sequence[Target],
    *,
    instance: str,
    mode: str,
    priority: int,
    waiting: Row | None,
) -> Survey:
    """Look at everything first: nothing is written before all of it is known to be free."""
    bare = (want if want.place is None else replace(want, place=None) for want in wants)
    found = Survey(tuple(dict.fromkeys(bare)))
    for want in found.wants:
        _look(reader, found, want, instance, mode)
    if found.fresh and not found.conflicts:
        ahead = queue.ahead(
            reader, found.fresh, instance=instance, mode=mode, priority=priority, waiting=waiting
        )
        found.conflicts += [Conflict(want, wait=row) for want, row in ahead]
    return found


def _look(reader: Reader, found: Survey, want: Target, instance: str, mode: str) -> None:
    rows: list[Row] = []
    for row in near(reader, want):
        if not same(row, want, instance):
            rows.append(row)
        elif expired(row, reader.now):
            found.over[row["id"]] = row, "expired"
        else:
            found.mine[want] = row
            if mode == SHARED or row["mode"] == EXCLUSIVE:
                return
    found.fresh.append(want)
    for row in in_the_way(rows, want, instance, mode):
        if reason := why_over(reader, row):
            found.over[row["id"]] = row, reason
        else:
            found.conflicts.append(Conflict(want, row))
