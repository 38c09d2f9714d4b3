"""What each session last saw or made of a file, so that it never overwrites what it never saw."""

from __future__ import annotations

from pathlib import Path

from orchestrator.coordination import leases
from orchestrator.coordination.leases import Standing
from orchestrator.coordination.paths import Target
from orchestrator.store.port import Reader, Transaction

__all__ = ["FORMATTER_MS", "known", "own_formatter", "saw"]

#: A change this soon after one's own edit of a file one holds was a formatter's, not somebody's.
FORMATTER_MS = 3_000


def known(reader: Reader, member: str, path: str, mine: Standing) -> str | None:
    """The content (sha1, or a dash for no file) this session knows of; None: it never looked."""
    row = reader.get("sightings", session=member, path=path)
    if row is not None and row["hash"]:
        return str(row["hash"])
    if mine.state != "mine":
        return None
    return next((lease["hash"] for lease in mine.leases if lease["path"] == path), None)


def saw(tx: Transaction, member: str, want: Target, digest: str | None, instance: str) -> None:
    """Note what ``want`` is like now, for the session and for its lease if it has one."""
    key = {"session": member, "path": want.path}
    new = {"hash": digest or "-", "at": tx.now}
    if not tx.update("sightings", key, new):
        tx.insert("sightings", {**key, **new})
    leases.wrote(tx, want, instance=instance, digest=digest)


def own_formatter(reader: Reader, member: str, want: Target, mine: Standing) -> bool:
    """Whether what changed was changed right after one's own edit, under one's own lease."""
    row = reader.get("sightings", session=member, path=want.path)
    if row is None or mine.state != "mine" or want.place is None:
        return False
    try:
        changed = Path(want.place).stat().st_mtime_ns // 1_000_000
    except OSError:
        return False
    return bool(0 <= changed - row["at"] <= FORMATTER_MS)
