"""Whose failure is it? A failed command is tried again here, then once on the base.

Fails twice here and not on the base: this handoff's. Passes the second time:
flaky. Fails on the base too, and found nothing there is not on the base:
preexisting, nobody's who made this candidate.
What merely judges such a check's result (a gate) is asked about the base's
result as well, or it would blame the handoff after all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.spec import Check, CheckResult, Json, Outcome
from orchestrator.verification.site import Site

__all__ = ["Attempt", "Bracket", "Judged", "MakeContext"]

#: Makes the context of one attempt, given its timeout in seconds.
MakeContext = Callable[[float], Mapping[str, Json]]
#: Executes a check once.
Attempt = Callable[[Check, MakeContext], CheckResult]

#: Findings of a flaky check that are named.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """A check's result. ``on_base`` is how it failed on the base too, if it did."""

    result: CheckResult
    flaky: bool = False
    on_base: CheckResult | None = None


@dataclass(frozen=True, slots=True)
class Bracket:
    """Judges one check. ``base_upstream`` has what failed on the base of its ``upstream``."""

    attempt: Attempt
    site: Site
    check: Check
    upstream: Mapping[str, CheckResult]
    base_upstream: Mapping[str, CheckResult]

    def judge(self) -> Judged:
        """Execute the check and, where it failed, find out whose failure it is."""
        first = self._here()
        if first.outcome is not Outcome.FAILED or not self.check.deterministic:
            return Judged(first)
        if self.check.spec.get("bracket") is not True:
            return Judged(first, on_base=self._on_base(first) if self.base_upstream else None)
        second = self._here()
        if second.outcome is Outcome.PASSED:
            reason = f"failed once ({_told(first)}), passed when run again on the same tree"
            return Judged(replace(second, reason=reason), flaky=True)
        if second.outcome is not Outcome.FAILED:
            return Judged(second)
        return Judged(second, on_base=self._on_base(second))

    def _here(self) -> CheckResult:
        return self.attempt(
            self.check, lambda timeout: self.site.context(self.check, self.upstream, timeout)
        )

    def _on_base(self, here: CheckResult) -> CheckResult | None:
        """The result on the base if it failed there like here; None when not, or untold."""
        try:
            base = self.site.base()
        except OrchestrateError:
            return None
        if base is None or base.trouble is not None:
            return None
        upstream = {**self.upstream, **self.base_upstream}
        result = self.attempt(
            self.check, lambda timeout: self.site.context_on_base(base, upstream, timeout)
        )
        return result if result.outcome is Outcome.FAILED and not self._new(here, result) else None

    def _new(self, here: CheckResult, base: CheckResult) -> bool:
        """True when something was found here that was not found on the base.

        A test that fails on both must not hide the next one, which fails only here.
        """
        found, known = (
            {finding.fingerprint(self.check.id) for finding in result.findings}
            for result in (here, base)
        )
        return not found <= known


def _told(first: CheckResult) -> str:
    """Why it failed, with what was found: nothing else is kept of a first attempt."""
    found = [one.message for one in first.findings if one.message != first.reason][:_NAMED]
    return ": ".join(filter(None, (first.reason, ", ".join(found))))
