"""The queue for leases: who waits, and who goes first.

Order is priority plus one for every half minute waited, then first come first
served. Whoever waits keeps later ones from taking what it waits for, so that
nobody is overtaken for ever. A waiter that stopped showing signs of life is
skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from orchestrator.coordination.overlaps import SHARED, rivals
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["AGEING_MS", "SIGN_MS", "ahead", "enqueue", "leave", "sign", "waiting", "wants_of"]

#: Waiting this long counts as much as one point of priority.
AGEING_MS = 30_000
#: A waiter says that it still waits at least this often; else it is skipped.
SIGN_MS = 5_000


def enqueue(
    tx: Transaction,
    wants: Sequence[Target],
    *,
    instance: str,
    session: str | None,
    mode: str,
    priority: int,
) -> Row:
    """Join the queue; the row to hand to ``acquire`` and to ``leave``."""
    for gone in tx.find("lease_waits"):
        if gone["expires_at"] <= tx.now:
            tx.delete("lease_waits", {"id": gone["id"]})
    places = [[w.kind, w.path, w.prefix, *(w.lines or (None, None))] for w in wants]
    row: Row = {
        "id": f"W-{tx.number('wait'):09}",
        "instance": instance,
        "session": session,
        "wants": json.dumps(places),
        "mode": mode,
        "priority": str(priority),
        "asked_at": tx.now,
        "expires_at": tx.now + SIGN_MS,
    }
    tx.insert("lease_waits", row)
    return row


def sign(tx: Transaction, row: Row) -> bool:
    """Say that one still waits, with one's old place; False when one was dropped meanwhile."""
    if tx.update("lease_waits", {"id": row["id"]}, {"expires_at": tx.now + SIGN_MS}):
        return True
    tx.insert("lease_waits", {**row, "expires_at": tx.now + SIGN_MS})
    return False


def leave(tx: Transaction, row: Row) -> None:
    """Leave the queue, with the lease or without."""
    tx.delete("lease_waits", {"id": row["id"]})


def waiting(reader: Reader) -> list[Row]:
    """Who waits, the first to be served first."""
    rows = [row for row in reader.find("lease_waits") if row["expires_at"] > reader.now]
    return sorted(rows, key=lambda row: _rank(row, reader.now))


def wants_of(row: Row) -> list[Target]:
    """The targets a waiter waits for."""
    return [
        Target(kind, path, prefix, (first, last) if first else None)
        for kind, path, prefix, first, last in json.loads(row["wants"])
    ]


def ahead(
    reader: Reader,
    wants: Sequence[Target],
    *,
    instance: str,
    mode: str,
    priority: int = 0,
    waiting: Row | None = None,
) -> Iterator[tuple[Target, Row]]:
    """Who has to be served before this caller may take ``wants``, with what they want too.

    Not those that wait for this caller itself: they could not be served first.
    """
    rows = reader.find("lease_waits")
    me = waiting or {"id": "X", "asked_at": reader.now, "priority": str(priority)}
    for row in rows:
        over = row["expires_at"] <= reader.now or row["instance"] == instance
        if over or _rank(row, reader.now) > _rank(me, reader.now):
            continue
        if mode == row["mode"] == SHARED or _waits_for(reader, row, instance):
            continue
        common = next((w for w in wants if any(overlaps(w, o) for o in wants_of(row))), None)
        if common is not None:
            yield common, row


def _rank(row: Row, now: int) -> tuple[int, int, str]:
    """What the queue is sorted by, the first to be served smallest."""
    waited = max(0, now - row["asked_at"])
    return -(int(row["priority"]) + waited // AGEING_MS), row["asked_at"], row["id"]


def _waits_for(reader: Reader, row: Row, instance: str) -> bool:
    """Whether a waiter waits for a lease of ``instance``."""
    return any(
        lease["instance"] == instance
        for want in wants_of(row)
        for lease in rivals(reader, want, instance=row["instance"], mode=row["mode"])
    )
