"""What must hold over a whole flow: CEL over ``steps.NAME.input`` and ``steps.NAME.output``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.plugins.builtin.contracts.verdict import evidence_of, shown
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["judge"]


def judge(expressions: Sequence[str], steps: Mapping[str, Json]) -> tuple[list[Finding], list[str]]:
    """A finding for each that does not hold, a reason for each that cannot be evaluated."""
    if not expressions:
        return [], []
    from orchestrator.policy.rules import RuleError, evaluate, references

    findings, errors = [], []
    for expression in expressions:
        try:
            if not evaluate(expression, {"steps": steps}):
                findings.append(_finding(expression, _values(references(expression), steps)))
        except RuleError as error:
            errors.append(f"the invariant {error.message}")
    return findings, errors


def _finding(expression: str, values: Mapping[str, Json]) -> Finding:
    seen = "; ".join(f"{name} is {shown(value, 80)}" for name, value in values.items())
    return Finding(
        rule="flow.invariant",
        severity=Severity.BREAKING,
        message=f"the invariant {expression} does not hold" + (f": {seen}" if seen else ""),
        remedy="find the step that breaks it: the values are in the evidence",
        evidence={
            "invariant": expression,
            "values": {k: evidence_of(v) for k, v in values.items()},
        },
    )


def _values(names: Sequence[str], steps: Mapping[str, Json]) -> dict[str, Json]:
    """The values behind the dotted names of an expression, where they lead to one."""
    found: dict[str, Json] = {}
    for name in names:
        value: Json = {"steps": steps}
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                break
            value = value[part]
        else:
            if name.count(".") >= 2:
                found[name] = value
    return found
