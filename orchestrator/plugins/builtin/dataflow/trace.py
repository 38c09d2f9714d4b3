"""What has happened in a flow so far, and the result it makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome

__all__ = ["Trace"]


@dataclass(slots=True)
class Trace:
    """``steps`` is what invariants see: name → ``input`` and ``output``.

    ``validated`` are the boundaries that were judged, ``not_validated`` the
    others, each with the reason.
    """

    steps: dict[str, dict[str, Json]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    validated: list[str] = field(default_factory=list)
    not_validated: dict[str, str] = field(default_factory=dict)

    def result(
        self, outcome: Outcome, reason: str = "", *findings: Finding, output: str = ""
    ) -> CheckResult:
        """A result with everything that was seen."""
        return CheckResult(
            outcome,
            reason,
            findings,
            metrics={f"flow.seconds.{name}": spent for name, spent in self.seconds.items()},
            output=output,
            data={"validated": self.validated, "not_validated": self.not_validated},
        )

    def failed(self, *findings: Finding, output: str = "") -> CheckResult:
        """A failed result; the first finding is the reason."""
        return self.result(Outcome.FAILED, findings[0].message, *findings, output=output)

    def errored(self, reason: str, output: str = "") -> CheckResult:
        """A result that could not be told."""
        return self.result(Outcome.ERRORED, reason, output=output)
