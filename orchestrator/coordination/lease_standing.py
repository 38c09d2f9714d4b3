"""How a target stands for an instance: free, mine, held, expired, changed."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.coordination.lease_rows import expired, in_the_way, same, why_over
from orchestrator.coordination.overlaps import EXCLUSIVE, near, target_of
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.store.port import Reader, Row

__all__ = ["Standing", "check", "own", "standing_of"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target stands for an instance.

    ``state``: free, mine, held (by another), expired (mine ran out), changed
    (mine, but the content is not what it was). ``leases`` are those that say so.
    """

    target: Target
    state: str
    leases: tuple[Row, ...] = ()


def check(
    reader: Reader,
    target: Target,
    *,
    instance: str,
    digest: str | None = None,
    mode: str = EXCLUSIVE,
) -> Standing:
    """How ``target`` stands for ``instance``, without changing anything.

    ``digest`` is the sha1 (hex) of what is there now; None compares nothing.
    """
    rows = list(near(reader, target))
    others = [r for r in in_the_way(rows, target, instance, mode) if not why_over(reader, r)]
    if others:
        return Standing(target, "held", tuple(others))
    mine = [r for r in rows if r["instance"] == instance and overlaps(target, target_of(r))]
    live = tuple(row for row in mine if not expired(row, reader.now))
    if not live:
        lapsed = tuple(mine) or _lapsed(reader, target, instance)
        return Standing(target, "expired", lapsed) if lapsed else Standing(target, "free")
    same = [row for row in live if row["path"] == target.path and row["hash"]]
    changed = digest is not None and any(row["hash"] != digest for row in same)
    return Standing(target, "changed" if changed else "mine", live)


def own(reader: Reader, target: Target, instance: str) -> Standing:
    """How one's own lease on exactly ``target`` stands."""
    rows = [row for row in near(reader, target) if same(row, target, instance)]
    if rows:
        return standing_of(reader, rows[0])
    standing = check(reader, target, instance=instance)
    # What only covers the target is another lease: this one does not exist.
    return Standing(target, "free") if standing.state in ("mine", "changed") else standing


def standing_of(reader: Reader, row: Row) -> Standing:
    """How one's own lease ``row`` stands."""
    return Standing(target_of(row), "expired" if expired(row, reader.now) else "mine", (row,))


def _lapsed(reader: Reader, target: Target, instance: str) -> tuple[Row, ...]:
    """One's latest lease on exactly ``target``, if it ran out instead of being released."""
    where = {"status": "ended", "prefix": target.prefix, "path": target.path}
    ended = reader.find("leases", where, order="-fence")
    mine = next((row for row in ended if same(row, target, instance)), None)
    return (mine,) if mine and mine["reason"] in ("expired", "its holder is gone") else ()
