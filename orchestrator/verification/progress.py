"""What a run tells whoever watches it: planned, started, finished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.plugins.spec import Check
from orchestrator.verification.outcome import CheckReport

__all__ = ["Listener", "Silent"]


class Listener(Protocol):
    """Hears about a run as it goes. Called by one thread at a time."""

    def planned(self, checks: Sequence[Check]) -> None:
        """These checks will run; once, before the first starts."""

    def started(self, check: Check) -> None:
        """A check began."""

    def finished(self, report: CheckReport) -> None:
        """A check has its result, or will not run."""


class Silent:
    """Listens and says nothing."""

    def planned(self, checks: Sequence[Check]) -> None:
        """Nothing."""

    def started(self, check: Check) -> None:
        """Nothing."""

    def finished(self, report: CheckReport) -> None:
        """Nothing."""
