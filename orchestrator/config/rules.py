"""The CEL rules of a configuration, each compiled and evaluated on a complete sample.

What rules mean is ``policy.rules``' business. The CEL library is slow to
import, so rules that everybody uses and that are known to be good do not
start it.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.config.model import Approval
from orchestrator.config.problems import Problem
from orchestrator.config.view import EACH, View

__all__ = ["KNOWN_GOOD", "broken_rules"]

#: Where rules stand, and their scope.
_RULES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("approval", "approve_when"), "approval"),
    (("approval", "reject_when"), "approval"),
    (("approval", "shadow", EACH), "approval"),
    (("escalation", "always_when", EACH), "approval"),
    (("escalation", "always_when", EACH, "when"), "approval"),
    (("emergency", EACH, "when"), "emergency"),
    (("layers", EACH, "gates", EACH), "gate"),
    (("layers", EACH, "gates", EACH, "pass_when"), "gate"),
    (("layers", EACH, "gates", EACH, "fail_when"), "gate"),
    (("verification", "quarantine", "when"), "quarantine"),
)

#: Rules, by scope, that need no check: the defaults and what ``init`` writes.
KNOWN_GOOD: dict[str, frozenset[str]] = {
    "approval": frozenset(
        {
            Approval().approve_when,
            Approval().reject_when,
            "handoff.touches_policy",
            "handoff.attempt > 3",
        }
    ),
    "emergency": frozenset({"instance.stale", "integration.broken"}),
    "quarantine": frozenset(),
    "gate": frozenset({"tests.failed == 0", "coverage.line >= 0.8"}),
}


def broken_rules(whole: View) -> Iterator[Problem]:
    """Every rule that does not compile, or does not evaluate on the sample of its scope."""
    for keys, scope in _RULES:
        for rule, view in whole.texts(*keys):
            if rule.strip() and " ".join(rule.split()) not in KNOWN_GOOD[scope]:
                yield from _broken(rule, scope, (), view)
    for flow in whole.select("flows", EACH):
        steps = tuple(name for name, _ in flow.texts("steps", EACH, "name"))
        for rule, view in flow.texts("invariants", EACH):
            yield from _broken(rule, "invariant", steps, view)


def _broken(rule: str, scope: str, steps: tuple[str, ...], view: View) -> Iterator[Problem]:
    from orchestrator.policy.rules import check

    message = check(rule, scope, names=steps)
    if message is not None:
        yield view.problem("E114", " ".join(message.split()))
