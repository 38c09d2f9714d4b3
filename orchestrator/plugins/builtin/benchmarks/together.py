"""Holm's method over all benchmarks of a run, when all have ended. Pure.

While it is measured, a benchmark has an equal part of the run's chance of a
false alarm, so that nothing it says depends on another. Here that chance is
divided again by Holm's method: a benchmark of which everything is slower
leaves its part to the others. Each part only grows, so this tells regressions
that were undecided and takes none back.

Everything it needs is in the data of the results, which the report keeps: who
has the report can come to the same answer. It rests on each ``risk`` counting
all looks that were possible, so that it does not matter when, or why, the
measurement ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.benchmarks.interval import (
    ALARM,
    Interval,
    Verdict,
    bootstrap,
    interval,
    resamples,
    step_down,
)
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE
from orchestrator.plugins.builtin.benchmarks.verdict import regression, rounded, said
from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome

__all__ = ["judged_together"]

_WHY = "told by Holm's method over the benchmarks of the run"
#: Of a name: its ``risk``; by benchmark and name.
Risks = Mapping[str, Mapping[str, float]]


def judged_together(results: Mapping[str, CheckResult]) -> dict[str, CheckResult]:
    """The results that change; ``results`` are those of a run's benchmarks, by check.

    One that compared nothing counts as a benchmark all the same. An undecided comparison
    becomes a regression where its risk allows it, it is slow enough, and nothing speaks
    against it.
    """
    risks = {
        check: {name: one["risk"] for name, one in result.data["compared"].items()}
        for check, result in results.items()
        if result.data.get("compared")
    }
    if not risks:
        return {}
    family = max(results[check].data["family"] for check in risks)
    changed = {}
    for check, shares in _slower(risks, family).items():
        data = results[check].data
        told = {name: share for name, share in shares.items() if _undecided(data, name)}
        if told:
            changed[check] = _revised(check, results[check], told)
    return changed


def _slower(risks: Risks, family: int) -> dict[str, dict[str, float]]:
    """By benchmark the names that are told apart from chance, each with the share it had."""
    slower: dict[str, dict[str, float]] = {check: {} for check in risks}
    while True:
        # One of which everything is slower needs its part no longer.
        left = family - sum(len(slower[check]) == len(risks[check]) for check in risks)
        if not left:
            return slower
        share = ALARM / left
        now = {
            check: {n: share / (len(names) - at) for at, n in enumerate(step_down(names, share))}
            for check, names in risks.items()
        }
        if all(now[check].keys() == slower[check].keys() for check in risks):
            return slower
        slower = now


def _undecided(data: Mapping[str, Json], name: str) -> bool:
    one = data["compared"][name]
    open_ = one["verdict"] == Verdict.UNDECIDED and "doubt" not in one
    return open_ and one["ratio"] >= 1 + data["allowed"]


def _revised(check: str, result: CheckResult, told: Mapping[str, float]) -> CheckResult:
    data, findings, reasons = result.data, list[Finding](), list[str]()
    compared = dict(data["compared"])
    for name, share in told.items():
        title = f"{check.removeprefix('benchmarks/')} {name}".strip()
        span = _interval(data, name, 1 - 2 * share)
        evidence = {key: value for key, value in compared[name].items() if key != "verdict"}
        evidence |= rounded(span)
        findings.append(regression(title, data["run"], data["allowed"], evidence))
        reasons.append(f"{said(title, span)}; {evidence['pairs']} pairs")
        compared[name] = {**evidence, "verdict": str(Verdict.REGRESSED)}
    before = [result.reason] if result.outcome is Outcome.FAILED else []
    return replace(
        result,
        outcome=Outcome.FAILED,
        reason="; ".join([*before, *reasons, _WHY]),
        findings=(*findings, *result.findings),
        data={**data, "compared": compared},
    )


def _interval(data: Mapping[str, Json], name: str, level: float) -> Interval:
    """At ``level`` from the samples; where those were too many to keep, the one that is known."""
    if not isinstance(data["samples"], Mapping):
        one = data["compared"][name]
        return Interval(one["ratio"], one["low"], one["high"], one["level"])
    mine, theirs = (data["samples"][side][name] for side in (CANDIDATE, BASE))
    logs = [math.log(a / b) for a, b in zip(mine, theirs, strict=True)]
    count = resamples(len(data["compared"]), data["family"])
    return interval(logs, bootstrap(logs, f"{data['seed']}/{name}", count), level)
