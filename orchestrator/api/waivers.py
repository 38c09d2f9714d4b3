"""``orchestrator.waivers``: accept a finding for a while."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.api.records import made
from orchestrator.api.seat import Seat
from orchestrator.engine import waiving

__all__ = ["Waiver", "Waivers"]


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted finding. It ends at ``expires_at``, or after ``uses`` approvals."""

    id: str
    fingerprint: str
    reason: str
    approver: str
    producer: str
    created_at: int
    expires_at: int
    uses: int | None
    used: int


class Waivers:
    """Give, list and revoke waivers. Nobody gives one for their own work."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def add(
        self,
        handoff: str,
        fingerprint: str,
        *,
        reason: str,
        seconds: float,
        uses: int | None = None,
    ) -> Waiver:
        """Accept a finding of the last run for ``seconds``. Raises ``WaiverRefused``."""
        project, who = self._seat.project, self._seat.who()
        waiving.finding(project, handoff, fingerprint)
        row = waiving.give(
            project, who, handoff, fingerprint, reason=reason, seconds=seconds, uses=uses
        )
        return made(Waiver, row)

    def list(self) -> tuple[Waiver, ...]:
        """Every waiver, also those that ended."""
        rows = self._seat.project.store.read(lambda reader: reader.find("waivers"))
        return tuple(made(Waiver, row) for row in rows)

    def revoke(self, waiver: str) -> Waiver:
        """End a waiver now; what it let through stays. Raises ``NoSuchRow``."""
        return made(Waiver, waiving.revoke(self._seat.project, self._seat.who(), waiver))
