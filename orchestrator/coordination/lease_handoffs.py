"""What happens to leases with a handoff: they pass to it and end with it."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.coordination.lease_rows import end, told_of
from orchestrator.coordination.overlaps import near, target_of
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = ["free_handoff", "pass_to"]


def pass_to(tx: Transaction, handoff: Row, instance: str, files: Iterable[Target]) -> int:
    """Leases of ``instance`` on ``files`` pass to ``handoff`` and no longer run out; how many."""
    if not tx.find("leases", {"status": "held", "instance": instance}, limit=1):
        return 0
    found: dict[str, Row] = {}
    for file in files:
        for row in near(tx, file):
            if row["instance"] == instance and overlaps(file, target_of(row)):
                found[row["id"]] = row
    passed = [row for row in found.values() if row["handoff"] != handoff["id"]]
    for row in passed:
        changes = {"handoff": handoff["id"], "session": None, "expires_at": None}
        tx.update("leases", {"id": row["id"]}, changes)
    if passed:
        told = {"leases": [told_of(row) for row in passed]}
        tx.record(NewEvent("lease.pass", instance, instance, handoff["id"], data=told))
    return len(passed)


def free_handoff(tx: Transaction, handoff: str, reason: str) -> int:
    """End every lease that passed to ``handoff``; how many."""
    rows = tx.find("leases", {"handoff": handoff, "status": "held"})
    for row in rows:
        end(tx, row, reason, actor=row["instance"])
    return len(rows)
