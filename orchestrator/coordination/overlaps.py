"""Which leases overlap a target. Candidates are found by equality, so that many cost nothing.

A lease is found from a file by its own path, by a folder above it, or by the
literal folder its glob lies in; from a folder or glob also by the folders
above every held lease (``lease_folders``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from orchestrator.coordination.paths import ROOT, Target, above, overlaps
from orchestrator.store.port import Reader, Row

__all__ = ["EXCLUSIVE", "SHARED", "folders", "near", "rivals", "target_of"]

EXCLUSIVE, SHARED = "exclusive", "shared"
#: How many leases below a folder are looked at in one query.
_PAGE = 400


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


def near(reader: Reader, want: Target, status: str = "held") -> Iterator[Row]:
    """The leases that may overlap ``want``: all that do, and few that do not.

    Those on exactly its path come first, and until then nothing else is asked.
    Ended leases are found only from a file.
    """
    folders_above = list(above(want.prefix))
    paths = {want.path, ROOT, *folders_above}
    seen: set[str] = set()
    for row in reader.find("leases", {"status": status, "path": list(paths)}):
        seen.add(row["id"])
        yield row
    globs = {"status": status, "kind": "glob", "prefix": ["", *folders_above]}
    for row in reader.find("leases", globs):
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row
    if want.kind != "file":
        yield from (row for row in _below(reader, want.prefix) if row["id"] not in seen)


def folders(target: Target) -> list[str]:
    """The folders above a lease's ``prefix``, which is itself found by equality."""
    return list(above(target.prefix))[:-1]


def _below(reader: Reader, prefix: str) -> Iterator[Row]:
    if not prefix:
        yield from reader.find("leases", {"status": "held"})
        return
    kinds = ("file", "folder", "glob")
    yield from reader.find("leases", {"status": "held", "kind": kinds, "prefix": prefix})
    ids = iter([row["lease"] for row in reader.find("lease_folders", {"folder": prefix})])
    while page := list(islice(ids, _PAGE)):
        yield from _rows(reader, page)


def _rows(reader: Reader, ids: Sequence[str]) -> list[Row]:
    return reader.find("leases", {"id": ids, "status": "held"})
