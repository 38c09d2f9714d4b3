"""What becomes of an approved handoff in the store: complete, void, or waiting."""

from __future__ import annotations

import json

from orchestrator.coordination.fences import LANDED
from orchestrator.coordination.leases import free_handoff
from orchestrator.engine.lease import Lease
from orchestrator.engine.project import Project
from orchestrator.engine.tasking import hand_over
from orchestrator.engine.transition import change_handoff, move, row_of
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = ["complete", "void"]


def complete(project: Project, lease: Lease, handoff: Row) -> None:
    """APPROVED → HANDOFF_COMPLETE: the branch has it; hand the work to its target."""
    landed, target = handoff["candidate"], handoff["target"]

    def body(tx: Transaction) -> None:
        lease.check(tx)
        row = row_of(tx, "instances", handoff["producer"])
        facts = Facts(actor=project.verifier, producer=row["id"], landed=True)
        move(tx, row, Event.COMPLETE, facts, data={"landed": landed, "target": target})
        current = row_of(tx, "handoffs", handoff["id"])
        change_handoff(tx, current, status="landed", landed=landed, waiting=None, closed_at=tx.now)
        free_handoff(tx, handoff["id"], LANDED)
        notes = json.loads(handoff["notes"] or "{}")
        told = {"landed": landed, "producer": row["id"], "notes": notes}
        tx.record(NewEvent("handoff.transfer", project.verifier, target, handoff["id"], data=told))
        hand_over(tx, project, handoff)

    project.store.write(body, durable=True)


def void(project: Project, lease: Lease, handoff: Row, moved: tuple[str, ...]) -> None:
    """APPROVED → HANDOFF_READY: the approval is bound to something that moved."""

    def body(tx: Transaction) -> None:
        lease.check(tx)
        row = row_of(tx, "instances", handoff["producer"])
        facts = Facts(actor=project.verifier, producer=row["id"], moved=moved)
        move(tx, row, Event.VOID, facts, reason="; ".join(moved))
        current = row_of(tx, "handoffs", handoff["id"])
        change_handoff(tx, current, verdict=None, approved_by=None, waiting=None)

    project.store.write(body, durable=True)
