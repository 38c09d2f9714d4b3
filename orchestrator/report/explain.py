"""Why a handoff was decided as it was, in words: for ``orchestrate explain`` and the pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.policy.clause import Clause
from orchestrator.policy.flips import shown
from orchestrator.policy.verdict import Decision
from orchestrator.report.text import flat

__all__ = ["explain"]

_VERBS = {"approve": "approved", "reject": "rejected", "escalate": "escalated"}
_RESULTS = {True: "true", False: "false", None: "error"}


def explain(decision: Decision) -> str:
    """Several lines: the clause that decided, its values, what would have flipped it, the trail."""
    return "\n".join(_lines(decision))


def _lines(decision: Decision) -> Iterator[str]:
    by = "because no rule decides" if decision.clause == "none" else f"by {decision.clause}"
    yield f"{_VERBS[decision.action]} {by}"
    yield f"  {flat(decision.reason)}"
    if decision.expression:
        yield from ("", f"  {flat(decision.expression)}")
        yield from (f"    {name} = {flat(shown(v))}" for name, v in decision.values.items())
    if decision.flips:
        yield from ("", "to be decided otherwise" + ", all of:" * (len(decision.flips) > 1))
        yield from (f"  {flat(flip)}" for flip in decision.flips)
    if decision.trail:
        yield from ("", "every clause, in the order they are asked", *_table(decision.trail))
    if decision.shadow:
        yield from ("", "shadow rules, which decide nothing", *_table(decision.shadow))


def _table(clauses: Sequence[Clause]) -> Iterator[str]:
    width = max(len(clause.name) for clause in clauses)
    for clause in clauses:
        result = _RESULTS[clause.result]
        yield f"  {result:<5}  {clause.name:<{width}}  {flat(clause.expression)}"
        if clause.problem:
            yield f"         {'':<{width}}  {flat(clause.problem)}"
