"""Closing a handoff that does not land, with everything that hangs on it."""

from __future__ import annotations

from orchestrator.coordination import leases
from orchestrator.engine.transition import change_handoff
from orchestrator.store.port import Transaction

__all__ = ["close"]


def close(tx: Transaction, handoff: str | None, status: str) -> None:
    """Close an open handoff, with its leases and the questions that were asked about it."""
    row = tx.get("handoffs", id=handoff) if handoff else None
    if row is None:
        return
    change_handoff(tx, row, status=status, closed_at=tx.now)
    leases.free_handoff(tx, row["id"], status)
    for question in tx.find(
        "escalations", {"handoff": handoff, "status": ("open", "acknowledged")}
    ):
        tx.update("escalations", {"id": question["id"]}, {"status": "moot", "next_at": None})
