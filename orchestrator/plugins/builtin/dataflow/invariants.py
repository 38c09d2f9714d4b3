"""What must hold over a whole flow: ready-made, or CEL over its steps' inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from orchestrator.plugins.builtin.contracts.verdict import evidence_of, shown
from orchestrator.plugins.builtin.dataflow import conserved
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["judge"]

#: A step's name → who answers for what it puts out.
Who = Callable[[str], str]


def judge(
    invariants: Sequence[str | Mapping[str, Json]], steps: Mapping[str, Json], who: Who
) -> tuple[list[Finding], list[str]]:
    """A finding for each that does not hold, a reason for each that cannot be evaluated."""
    findings, errors = [], []
    for invariant in invariants:
        try:
            if isinstance(invariant, str):
                found = _rule(invariant, steps)
            else:
                found = _ready_made(invariant, steps, who)
        except conserved.Unclear as error:
            errors.append(f"the invariant {error}")
            continue
        findings += found
    return findings, errors


def _ready_made(
    invariant: Mapping[str, Json], steps: Mapping[str, Json], who: Who
) -> list[Finding]:
    [(name, places)] = invariant.items()
    try:
        found = conserved.broken(invariant, steps)
    except conserved.Unclear as error:
        raise conserved.Unclear(f"{name} cannot be evaluated: {error}") from error
    if found is None:
        return []
    producer = _producer(found.place.step, found.place.side, list(steps), who)
    return [
        Finding(
            rule="flow.invariant",
            severity=Severity.BREAKING,
            message=f"{producer} breaks {name}: {found.message}",
            remedy=f"mend what {producer} produces",
            evidence={
                "invariant": name,
                "places": list(places),
                "producer": producer,
                **{key: evidence_of(value) for key, value in found.evidence.items()},
            },
        )
    ]


def _producer(step: str, side: str, steps: Sequence[str], who: Who) -> str:
    """Who made what is at a place: the step itself, or for its input the one before."""
    place = steps.index(step)
    if side == "output":
        return who(step)
    return who(steps[place - 1]) if place else f"the input written for step {step}"


def _rule(expression: str, steps: Mapping[str, Json]) -> list[Finding]:
    from orchestrator.policy.rules import RuleError, evaluate, references

    try:
        if evaluate(expression, {"steps": steps}):
            return []
    except RuleError as error:
        raise conserved.Unclear(error.message) from error
    values = _values(references(expression), steps)
    seen = "; ".join(f"{name} is {shown(value, 80)}" for name, value in values.items())
    return [
        Finding(
            rule="flow.invariant",
            severity=Severity.BREAKING,
            message=f"the invariant {expression} does not hold" + (f": {seen}" if seen else ""),
            remedy="find the step that breaks it: the values are in the evidence",
            evidence={
                "invariant": expression,
                "values": {key: evidence_of(value) for key, value in values.items()},
            },
        )
    ]


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
