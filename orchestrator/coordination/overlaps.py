"""Which leases overlap a target. Candidates are found by an index, so that many cost nothing.

Every lease has a ``prefix`` that all it covers begins with. What overlaps a
target has that prefix at the target's own, above it, or, when the target covers
more than one path, under it.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.coordination.paths import Target, above, overlaps
from orchestrator.store.port import Reader, Row

__all__ = ["EXCLUSIVE", "SHARED", "near", "rivals", "target_of"]

EXCLUSIVE, SHARED = "exclusive", "shared"


def target_of(row: Row) -> Target:
    """The target a lease's row is on."""
    lines = (row["lines_from"], row["lines_to"]) if row["lines_from"] else None
    return Target(row["kind"], row["path"], row["prefix"], lines)


def rivals(reader: Reader, want: Target, *, instance: str, mode: str) -> Iterator[Row]:
    """Held leases of others that ``want`` cannot be beside, expired ones among them."""
    for row in near(reader, want):
        if row["instance"] == instance or (mode == row["mode"] == SHARED):
            continue
        if overlaps(want, target_of(row)):
            yield row


def near(reader: Reader, want: Target, status: str = "held") -> list[Row]:
    """The leases that may overlap ``want``: all that do, and few that do not.

    Those on exactly its path come first.
    """
    if want.kind != "file" and not want.prefix:
        found = reader.find("leases", {"status": status})
    else:
        found = reader.find("leases", {"status": status, "prefix": ["", *above(want.prefix)]})
        if want.kind != "file":
            found += reader.find("leases", {"status": status}, under=("prefix", f"{want.prefix}/"))
    if len(found) > 1:
        found.sort(key=lambda row: row["path"] != want.path)
    return found
