"""``orchestrator.handoffs``: give work, mark it ready, take it back, find out why."""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.api.records import Handoff, Marked
from orchestrator.api.seat import Seat
from orchestrator.engine import handoff as engine
from orchestrator.engine.acting import human
from orchestrator.engine.integration import let_land
from orchestrator.engine.overview import handoff_detail
from orchestrator.engine.rollback import undo
from orchestrator.engine.transition import row_of
from orchestrator.policy.verdict import Decision
from orchestrator.store.port import Reader

__all__ = ["Handoffs"]


class Handoffs:
    """From a task to landed work. What the lifecycle refuses raises ``ImpossibleEvent``
    (with what is possible) or ``GuardRefused`` (with every reason); unknown names
    raise ``NoSuchRow``. Then nothing was changed.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def assign(self, instance: str, task: str) -> str:
        """STANDBY → ACTIVE with ``task``, free text or a task's id; the new state."""
        seat = self._seat
        row = engine.assign(seat.project, seat.who(), instance, task)
        seat.project.publish()
        return str(row["state"])

    def ready(
        self, notes: Mapping[str, str], *, ref: str = "HEAD", target: str | None = None
    ) -> Marked:
        """Mark your work ready: ACTIVE or REMEDIATION → HANDOFF_READY.

        ``notes``: heading → text, for every heading of ``orchestrate ready
        --template``; ``ref`` a branch, tag or commit; ``target`` who goes on
        with it. The same commit twice is harmless. Raises ``RefNotFound``,
        ``NoIntegrationBranch``, ``WhichInstance``.
        """
        seat = self._seat
        done = engine.ready(
            seat.project, seat.who(), seat.me(), ref=ref, notes=notes, target=target
        )
        seat.project.publish()
        return Marked(self.show(done.handoff["id"]), done.remarks, done.again)

    def withdraw(self) -> str:
        """Take back what you marked ready: HANDOFF_READY → ACTIVE; the new state."""
        seat = self._seat
        row = engine.withdraw(seat.project, seat.who(), seat.me())
        seat.project.publish()
        return str(row["state"])

    def release(self, instance: str, *, reason: str | None = None) -> str:
        """Give up the task of an instance: it stands by again, its handoff is closed."""
        seat = self._seat
        row = engine.release(seat.project, seat.who(), instance, reason=reason)
        seat.project.publish()
        return str(row["state"])

    def list(self, *, everything: bool = False) -> tuple[Handoff, ...]:
        """The open handoffs, newest first; ``everything``: also those that ended."""
        where = None if everything else {"status": "open"}

        def body(reader: Reader) -> tuple[Handoff, ...]:
            rows = reader.find("handoffs", where, order="-created_at")
            return tuple(Handoff.of(handoff_detail(reader, row["id"])) for row in rows)

        return self._seat.project.store.read(body)

    def show(self, handoff: str) -> Handoff:
        """One handoff with its notes, runs and escalations."""
        return Handoff.of(
            self._seat.project.store.read(lambda reader: handoff_detail(reader, handoff))
        )

    def explain(self, handoff: str) -> Decision | None:
        """Which clause decided and what would have flipped it; None: not judged yet."""
        row = self._seat.project.store.read(lambda reader: row_of(reader, "handoffs", handoff))
        decision = json.loads(row["data"] or "{}").get("decision")
        return None if decision is None else Decision.from_json(decision)

    def rollback(self, handoff: str, *, reason: str) -> Handoff:
        """Undo a landed handoff: a revert on the branch, its producer in REMEDIATION.

        Only a human may; anybody else gets ``UsageError``. The result is
        verified first. Raises ``CannotUndo``.
        """
        seat = self._seat
        undo(seat.project, human(seat.who()), handoff, reason)
        seat.project.publish()
        return self.show(handoff)

    def thaw(self, *, reason: str) -> bool:
        """Let work land again after a rule froze landing; False: nothing was frozen.

        Only a human may; anybody else gets ``UsageError``.
        """
        seat = self._seat
        thawed = let_land(seat.project, human(seat.who()), reason)
        seat.project.publish()
        return thawed
