"""Why a handoff was decided as it was, in words: for ``orchestrate explain`` and the pages."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.policy.clause import Clause
from orchestrator.policy.verdict import Decision

__all__ = ["explain"]

_VERBS = {"approve": "approved", "reject": "rejected", "escalate": "escalated"}
_RESULTS = {True: "true", False: "false", None: "errored"}


def explain(decision: Decision) -> str:
    """Several lines: the clause that decided, its values, what would have flipped it, the trail."""
    lines = [f"{_VERBS[decision.action]} by {decision.clause}", f"  {decision.reason}"]
    if decision.expression:
        lines += ["", f"  {decision.expression}", *_values(decision.values)]
    if decision.flips:
        lines += ["", "it would have been otherwise if", *(f"  {flip}" for flip in decision.flips)]
    if decision.trail:
        lines += ["", "every clause, in the order they are asked", *map(_clause, decision.trail)]
    if decision.shadow:
        lines += ["", "shadow rules, which decide nothing", *map(_clause, decision.shadow)]
    return "\n".join(lines)


def _values(values: Any) -> list[str]:
    return [f"    {name} = {json.dumps(value)}" for name, value in values.items()]


def _clause(clause: Clause) -> str:
    told = f"  ({clause.problem})" if clause.problem else ""
    return f"  {_RESULTS[clause.result]:<8}{clause.name}: {clause.expression}{told}"
