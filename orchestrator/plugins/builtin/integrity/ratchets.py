"""Ratchets: metrics of a layer that may not get worse than on the base.

The base is measured, not remembered: the layer's reporting commands run there
once more, under the same rules. What cannot be measured there decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.integrity import command
from orchestrator.plugins.builtin.integrity.reading import metrics, total
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

#: What is better when there is more of it; of everything else less is better.
_MORE_IS_BETTER = ("coverage.line", "coverage.branch", "tests.total", "tests.passed")
#: Shares are fractions of whole numbers: what differs by less is the same.
_SAME = 1e-9


def execute(check: Check, context: CheckContext) -> CheckResult:
    """Compare the reports of the layer's checks with what the same commands report on the base."""
    if context.base_checkout is None:
        return CheckResult(Outcome.SKIPPED, "there is no base to compare with")
    sources: Mapping[str, Json] = check.spec["sources"]
    here = {name: context.upstream[name] for name in sources if name in context.upstream}
    silent = [name for name in sources if name not in here or "counts" not in here[name].data]
    if silent:
        return CheckResult(Outcome.ERRORED, f"no report of {', '.join(silent)} to compare")
    base, untold = _on_base(sources, context)
    now = metrics(total(result.data["counts"] for result in here.values()))
    then = metrics(total(base))
    return _judged(check.spec["ratchets"], now, then, untold)


def _on_base(
    sources: Mapping[str, Json], context: CheckContext
) -> tuple[list[Mapping[str, float]], list[str]]:
    """The counts each command reports on the base, and what could not be measured there."""
    there = replace(
        context,
        checkout=context.base_checkout or "",
        environment=context.base_environment,
        upstream={},
    )
    counts, untold = [], []
    for name, spec in sources.items():
        source = Check(name, "integrity", "integrity", name, spec=spec, timeout=spec["timeout"])
        result = command.execute(source, replace(there, timeout=spec["timeout"]))
        if "counts" in result.data:
            counts.append(result.data["counts"])
        else:
            untold.append(f"{name} on the base: {result.reason or result.outcome}")
    return counts, untold


def _judged(
    ratchets: list[Mapping[str, Json]],
    now: Mapping[str, float],
    then: Mapping[str, float],
    untold: list[str],
) -> CheckResult:
    found = tuple(_slipped(ratchets, now, then))
    missing = [r["metric"] for r in ratchets if r["metric"] not in now]
    unknown = [r["metric"] for r in ratchets if r["metric"] in now and r["metric"] not in then]
    data = {"ratchets": [_row(r["metric"], now, then) for r in ratchets]}
    if found:
        reason = f"{len(found)} of {len(ratchets)} ratchets slipped"
        return CheckResult(Outcome.FAILED, reason, findings=found, data=data)
    if missing:
        reason = f"no check of the layer reported {', '.join(missing)}"
        return CheckResult(Outcome.ERRORED, reason, data=data)
    if unknown or untold:
        reason = "; ".join(untold) or f"the base reports no {', '.join(unknown)}"
        return CheckResult(Outcome.INCONCLUSIVE, reason, data=data)
    return CheckResult(Outcome.PASSED, data=data)


def _slipped(
    ratchets: list[Mapping[str, Json]], now: Mapping[str, float], then: Mapping[str, float]
) -> Iterator[Finding]:
    for ratchet in ratchets:
        metric, slack = ratchet["metric"], ratchet["slack"]
        if metric not in now or metric not in then:
            continue
        up = metric in _MORE_IS_BETTER
        worse = then[metric] - now[metric] if up else now[metric] - then[metric]
        if worse > slack + _SAME:
            yield Finding(
                rule="ratchet.slipped",
                severity=Severity.BREAKING,
                message=f"{metric} {'fell' if up else 'grew'} against the base",
                remedy=f"It was {then[metric]:.6g} and is {now[metric]:.6g}: bring it back"
                + (f" to within {slack:g}." if slack else "."),
                evidence={"base": then[metric], "candidate": now[metric], "slack": slack},
            )


def _row(metric: str, now: Mapping[str, float], then: Mapping[str, float]) -> dict[str, Json]:
    return {"metric": metric, "base": then.get(metric), "candidate": now.get(metric)}
