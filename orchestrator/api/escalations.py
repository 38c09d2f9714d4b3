"""``orchestrator.escalations``: what needs a human, and the answer."""

from __future__ import annotations

from orchestrator.api.records import Escalation
from orchestrator.api.seat import Seat
from orchestrator.engine import questions
from orchestrator.engine.transition import row_of

__all__ = ["Escalations"]


class Escalations:
    """List, show and answer what needs a human.

    Answering raises ``NotOpen``, ``NotAnAnswer``, and ``NotEntitled``: nobody
    answers about their own work. An unknown id raises ``NoSuchRow``.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def list(self, *, everything: bool = False) -> tuple[Escalation, ...]:
        """The open escalations, oldest first; ``everything``: also those that ended."""
        where = None if everything else {"status": questions.OPEN}
        rows = self._seat.project.store.read(
            lambda reader: reader.find("escalations", where, order="opened_at")
        )
        return tuple(map(Escalation.of, rows))

    def show(self, escalation: str) -> Escalation:
        """One escalation: what is asked, why, and what was answered."""
        return Escalation.of(
            self._seat.project.store.read(lambda reader: row_of(reader, "escalations", escalation))
        )

    def approve(self, escalation: str, *, reason: str) -> Escalation:
        """Approve: the work lands, or it may go on."""
        return self._answer(escalation, "approve", reason)

    def reject(self, escalation: str, *, reason: str) -> Escalation:
        """Reject: the work goes back to its producer, or is given up."""
        return self._answer(escalation, "reject", reason)

    def retry(self, escalation: str, *, reason: str) -> Escalation:
        """Have it verified again, after what stood in the way was mended."""
        return self._answer(escalation, "retry", reason)

    def ack(self, escalation: str) -> Escalation:
        """Say that you look at it; the next level is paged only if nothing follows."""
        seat = self._seat
        row = questions.acknowledge(seat.project, seat.who(), escalation)
        seat.project.publish()
        return Escalation.of(row)

    def _answer(self, escalation: str, given: str, reason: str) -> Escalation:
        seat = self._seat
        row = questions.answer(seat.project, seat.who(), escalation, given, reason)
        seat.project.publish()
        return Escalation.of(row)
