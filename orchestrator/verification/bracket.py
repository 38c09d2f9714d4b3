"""Whose failure is it? A failed command is tried again here, then once on the base.

Fails twice here and not on the base: this handoff's. Passes the second time:
flaky. Fails on the base too: preexisting, nobody's who made this candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.spec import Check, CheckResult, Json, Outcome
from orchestrator.verification.site import Site

__all__ = ["Attempt", "MakeContext", "judge"]

#: Makes the context of one attempt, given its timeout in seconds.
MakeContext = Callable[[float], Mapping[str, Json]]
#: Executes a check once.
Attempt = Callable[[Check, MakeContext], CheckResult]


def judge(
    attempt: Attempt, site: Site, check: Check, upstream: Mapping[str, CheckResult]
) -> tuple[CheckResult, bool, bool]:
    """The check's result, whether it is flaky, and whether it fails on the base too."""

    def here(timeout: float) -> Mapping[str, Json]:
        return site.context(check, upstream, timeout)

    first = attempt(check, here)
    if first.outcome is not Outcome.FAILED or not _bracketed(check):
        return first, False, False
    second = attempt(check, here)
    if second.outcome is Outcome.PASSED:
        reason = f"failed once ({first.reason}), passed when run again on the same tree"
        return replace(second, reason=reason), True, False
    if second.outcome is not Outcome.FAILED:
        return second, False, False
    return second, False, _fails_on_base(attempt, site, check, upstream)


def _bracketed(check: Check) -> bool:
    """Only commands whose answer should not depend on the moment; their plugin says so."""
    return check.deterministic and check.spec.get("bracket") is True


def _fails_on_base(
    attempt: Attempt, site: Site, check: Check, upstream: Mapping[str, CheckResult]
) -> bool:
    try:
        base = site.base()
    except OrchestrateError:
        return False
    if base is None or base.trouble is not None:
        return False
    result = attempt(check, lambda timeout: site.context_on_base(base, upstream, timeout))
    return result.outcome is Outcome.FAILED
