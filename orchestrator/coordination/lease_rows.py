"""A lease as a row: made, renewed, ended, and when it no longer counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from orchestrator.coordination.overlaps import SHARED, target_of
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.coordination.sessions import session_liveness
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "Terms",
    "end",
    "expired",
    "extend",
    "in_the_way",
    "insert",
    "same",
    "told_of",
    "upgrade",
    "why_over",
]


class Terms(NamedTuple):
    """What is asked for, beside the targets."""

    instance: str
    session: str | None
    mode: str
    ttl_ms: int
    intent: str | None
    hashes: Mapping[str, str | None]
    actor: str


def expired(row: Row, now: int) -> bool:
    """Whether a lease ran out. One that has passed to a handoff never does."""
    return row["expires_at"] is not None and row["expires_at"] <= now


def end(tx: Transaction, row: Row, reason: str, *, actor: str, kind: str = "lease.release") -> None:
    """End a held lease, with its event."""
    ended = {"status": "ended", "ended_at": tx.now, "reason": reason}
    if not tx.update("leases", {"id": row["id"]}, ended, expect={"status": "held"}):
        return
    told = told_of(row)
    tx.record(NewEvent(kind, actor, row["instance"], row["handoff"], reason, data=told))


def insert(tx: Transaction, want: Target, terms: Terms) -> Row:
    fence = tx.number("fence")
    row: Row = {
        "id": f"L-{fence}",
        "instance": terms.instance,
        "session": terms.session,
        "kind": want.kind,
        "path": want.path,
        "prefix": want.prefix,
        "lines_from": want.lines[0] if want.lines else None,
        "lines_to": want.lines[1] if want.lines else None,
        "mode": terms.mode,
        "fence": fence,
        "hash": terms.hashes.get(want.path),
        "intent": terms.intent,
        "status": "held",
        "acquired_at": tx.now,
        "expires_at": tx.now + terms.ttl_ms,
        "ended_at": None,
        "handoff": None,
        "reason": None,
    }
    tx.insert("leases", row)
    return row


def upgrade(tx: Transaction, row: Row, terms: Terms) -> Row:
    """A lease of one's own, now exclusive: a new holding, so a new fence."""
    changes: Row = {"mode": terms.mode, "fence": tx.number("fence"), "session": terms.session}
    if row["expires_at"] is not None:
        changes["expires_at"] = tx.now + terms.ttl_ms
    tx.update("leases", {"id": row["id"]}, changes)
    return {**row, **changes}


def extend(tx: Transaction, row: Row, ttl_ms: int, session: str | None) -> Row:
    """Renew; one that has passed to a handoff is as long as the handoff."""
    if row["expires_at"] is None:
        return row
    changes: Row = {"expires_at": max(row["expires_at"], tx.now + ttl_ms)}
    if session is not None:
        changes["session"] = session
    tx.update("leases", {"id": row["id"]}, changes)
    return {**row, **changes}


def in_the_way(rows: Iterable[Row], want: Target, instance: str, mode: str) -> list[Row]:
    return [
        row
        for row in rows
        if row["instance"] != instance
        and not (mode == row["mode"] == SHARED)
        and overlaps(want, target_of(row))
    ]


def same(row: Row, want: Target, instance: str) -> bool:
    """The instance's own lease on exactly this target."""
    return (
        row["instance"] == instance
        and row["path"] == want.path
        and row["kind"] == want.kind
        and target_of(row).lines == want.lines
    )


def why_over(reader: Reader, row: Row) -> str | None:
    """Why a held lease no longer counts, or None while it does."""
    if expired(row, reader.now):
        return "expired"
    if row["session"] is None or row["handoff"] is not None:
        return None
    session = reader.get("sessions", id=row["session"])
    if session is None:
        return None
    return "its holder is gone" if session_liveness(session, reader.now) is False else None


def told_of(row: Row) -> Row:
    return {"id": row["id"], "path": row["path"], "fence": row["fence"]}
