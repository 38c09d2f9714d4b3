"""Judges a layer's gates: CEL over what its checks reported.

A gate over a metric that nobody reported is errored. It must never be false,
and least of all true, because a report is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.integrity.reading import NAMESPACES, metrics, total
from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    Finding,
    Json,
    Outcome,
    Severity,
)

__all__ = ["execute"]

_ROOTS = ("tests", "coverage", "findings")
_COMPARISON = re.compile(r"([a-z]+\.[a-z_]+) *(==|!=|<=|>=|<|>) *(-?[0-9.]+)")
#: How a comparison is said, and whether it holds.
_WORDS = {
    "==": "must be", "!=": "must not be", "<=": "must be at most", ">=": "must be at least",
    "<": "must be less than", ">": "must be more than",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Judged:
    """One gate: ``problem`` says why it could not be judged, ``finding`` why it is not met.

    ``open`` says that neither of its two rules holds.
    """

    problem: str | None = None
    finding: Finding | None = None
    open: str | None = None


def execute(check: Check, context: CheckContext) -> CheckResult:
    """Judge every gate of the layer against the reports of its checks."""
    sources: Mapping[str, str | None] = check.spec["sources"]
    upstream = {id: context.upstream[id] for id in sources if id in context.upstream}
    values = metrics(total(_counts(upstream.values())))
    silent = _silent(sources, upstream)
    judged = [_judge(gate, values, silent) for gate in check.spec["gates"]]
    findings = tuple(j.finding for j in judged if j.finding)
    problems = [j.problem for j in judged if j.problem]
    undecided = [j.open for j in judged if j.open]
    unmet = [f"{len(findings)} of {len(judged)} gates not met"] if findings else []
    return CheckResult(
        outcome=_outcome(findings, problems, undecided),
        reason="; ".join([*unmet, *problems, *undecided]),
        findings=findings,
        metrics=values,
        data={"gates": list(check.spec["gates"])},
    )


def _outcome(findings: Iterable[Finding], problems: list[str], undecided: list[str]) -> Outcome:
    if any(findings):
        return Outcome.FAILED
    if problems:
        return Outcome.ERRORED
    return Outcome.INCONCLUSIVE if undecided else Outcome.PASSED


def _counts(results: Iterable[CheckResult]) -> list[Mapping[str, float]]:
    return [result.data.get("counts", {}) for result in results]


def _silent(
    sources: Mapping[str, str | None], upstream: Mapping[str, CheckResult]
) -> dict[str, list[str]]:
    """Namespace → the checks that should have reported into it and did not, with their reasons."""
    silent: dict[str, list[str]] = {root: [] for root in _ROOTS}
    for identifier, promised in sources.items():
        result = upstream.get(identifier)
        if promised is None or (result is not None and _reported(result)):
            continue
        said = "did not run" if result is None else f"{result.outcome}: {result.reason}"
        for root in _ROOTS if promised == "any" else (NAMESPACES[promised],):
            silent[root].append(f"{identifier} {said}")
    return silent


def _reported(result: CheckResult) -> bool:
    return result.outcome in (Outcome.PASSED, Outcome.FAILED) and "counts" in result.data


def _judge(
    gate: str | Mapping[str, str], values: Mapping[str, float], silent: Mapping[str, list[str]]
) -> _Judged:
    """Of two rules the one that fails decides first; where neither holds, nothing is decided."""
    if isinstance(gate, str):
        met = _holding(gate, values, silent)
        return met if isinstance(met, _Judged) else _Judged(finding=_unless(met, gate, values))
    fails, passes = (_holding(gate[rule], values, silent) for rule in ("fail_when", "pass_when"))
    for problem in (fails, passes):
        if isinstance(problem, _Judged):
            return problem
    if fails:
        return _Judged(finding=_unmet(gate["fail_when"], _named(gate["fail_when"], values), True))
    if passes:
        return _Judged()
    said = _said(_named(gate["pass_when"], values))
    return _Judged(open=f"neither `{gate['pass_when']}` nor `{gate['fail_when']}`: {said}")


def _holding(
    rule: str, values: Mapping[str, float], silent: Mapping[str, list[str]]
) -> bool | _Judged:
    """Whether a rule holds, or why that cannot be judged."""
    from orchestrator.policy.rules import RuleError, evaluate, references

    try:
        wanted = [name for name in references(rule) if name.partition(".")[0] in _ROOTS]
        problem = _missing(wanted, values, silent)
        if problem is not None:
            return _Judged(problem=f"gate `{rule}` cannot be judged: {problem}")
        return bool(evaluate(rule, _facts(values)))
    except RuleError as error:
        return _Judged(problem=f"gate `{rule}` cannot be judged: {error.message}")


def _unless(met: bool, gate: str, values: Mapping[str, float]) -> Finding | None:
    return None if met else _unmet(gate, _named(gate, values))


def _named(rule: str, values: Mapping[str, float]) -> dict[str, float]:
    """The metrics a rule speaks of."""
    from orchestrator.policy.rules import references

    return {name: values[name] for name in references(rule) if name in values}


def _missing(
    wanted: Iterable[str], values: Mapping[str, float], silent: Mapping[str, list[str]]
) -> str | None:
    """What is missing for a gate that uses ``wanted``, or None."""
    for name in wanted:
        absent = silent[name.partition(".")[0]]
        if absent:
            return f"{name} is incomplete, {'; '.join(absent)}"
        if "." in name and name not in values:
            known = ", ".join(sorted(values)) or "nothing"
            return f"no check of the layer reported {name} (reported: {known})"
    return None


def _facts(values: Mapping[str, float]) -> dict[str, Json]:
    """The metrics as objects; whole counts are integers, as everybody writes them."""
    facts: dict[str, dict[str, float]] = {root: {} for root in _ROOTS}
    for name, value in values.items():
        root, _, rest = name.partition(".")
        share = root == "coverage" or rest == "seconds"
        facts[root][rest] = float(value) if share else int(value)
    return facts


def _unmet(gate: str, values: Mapping[str, float], held: bool = False) -> Finding:
    """``held``: the gate is a rule that must not hold, and does."""
    verb = "holds" if held else "is not met"
    return Finding(
        rule="gate.unmet",
        severity=Severity.BREAKING,
        message=f"gate `{gate}` {verb}: {_said(values)}",
        remedy=f"Make `{gate}` false." if held else _remedy(gate, values),
        evidence={"gate": gate, "values": dict(values)},
    )


def _said(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:.6g}" for name, value in values.items())


def _remedy(gate: str, values: Mapping[str, float]) -> str:
    """What would satisfy the gate, if its comparisons with numbers say so."""
    needs = [
        f"{name} {_WORDS[sign]} {bound}, it is {values[name]:.6g}"
        for name, sign, bound in _COMPARISON.findall(gate)
        if name in values and not _holds(values[name], sign, float(bound))
    ]
    return "; ".join(needs) or f"Make `{gate}` true."


def _holds(value: float, sign: str, bound: float) -> bool:
    return {
        "==": value == bound, "!=": value != bound, "<=": value <= bound,
        ">=": value >= bound, "<": value < bound, ">": value > bound,
    }[sign]  # fmt: skip
