"""Fences: a change cannot land where somebody else took the file after its author.

The author's last lease on a file has a fence. An exclusive lease of another
instance with a greater one means that the author's copy may be older than what
the other wrote. A file the author never leased is free, unless somebody holds
it now.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.coordination.lease_rows import why_over
from orchestrator.coordination.overlaps import EXCLUSIVE, near, target_of
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.store.port import Reader, Row

__all__ = ["LANDED", "problems"]

#: Why the leases of a handoff ended when it landed: that work is done.
LANDED = "landed"


def problems(
    reader: Reader, instance: str, files: Iterable[Target], *, beside: str | None = None
) -> list[str]:
    """Why ``instance``'s changes to ``files`` cannot land, as sentences; the files as committed.

    ``beside``: who takes the changes over, so that its own leases do not stand in the way.
    """
    if not reader.find("leases", limit=1, columns=("id",)):
        return []  # a large change is common, and so is a project that uses no leases
    since = _last_landing(reader, instance)
    found = (_problem(reader, instance, file, since, beside) for file in files)
    return [sentence for sentence in found if sentence]


def _problem(
    reader: Reader, instance: str, file: Target, since: int, beside: str | None
) -> str | None:
    """Held leases first: most files have no other, and nothing more needs to be read."""
    held = [row for row in _on(reader, file, "held") if row["instance"] != beside]
    taken = [row for row in held if row["instance"] != instance and row["mode"] == EXCLUSIVE]
    for row in taken:
        if why_over(reader, row) is None:
            until = "it lands" if row["handoff"] else "it is free"
            return f"{file.path} is leased by {row['instance']} ({row['id']}): wait until {until}"
    ended = [row for row in _on(reader, file, "ended") if row["instance"] != beside]
    mine = [
        row["fence"]
        for row in [*held, *ended]
        if row["instance"] == instance and not _done(row, since)
    ]
    if not mine:
        return None
    others = [row for row in [*taken, *ended] if _by_another(row, instance, max(mine))]
    if not others:
        return None
    last = max(others, key=lambda row: int(row["fence"]))
    return (
        f"{last['instance']} took {file.path} after {instance} ({last['id']}): "
        "look at what became of it, then acquire it again"
    )


def _on(reader: Reader, file: Target, status: str) -> list[Row]:
    return [row for row in near(reader, file, status) if overlaps(file, target_of(row))]


def _by_another(row: Row, instance: str, fence: int) -> bool:
    later = row["fence"] > fence and row["mode"] == EXCLUSIVE
    return bool(row["instance"] != instance and later)


def _done(row: Row, since: int) -> bool:
    """A lease of earlier work, which has landed."""
    if row["status"] == "held":
        return False
    return bool(row["reason"] == LANDED or row["ended_at"] <= since)


def _last_landing(reader: Reader, instance: str) -> int:
    """When the instance's work landed last, in ms; 0 if never."""
    where = {"producer": instance, "status": "landed"}
    rows = reader.find("handoffs", where, order="-closed_at", limit=1, columns=("closed_at",))
    return int(rows[0]["closed_at"] or 0) if rows else 0
