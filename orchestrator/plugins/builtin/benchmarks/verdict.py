"""From comparisons to a check's result: outcome, reason, findings, and the raw samples.

Messages of findings hold no measured number: a finding is recognised by its
message, and the same slowdown must be the same finding in the next run. The
numbers are in the reason and in the evidence.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.benchmarks.formats import SECONDS, Measured
from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Interval, Verdict
from orchestrator.plugins.builtin.benchmarks.machine import fingerprint
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, RunTrouble, Samples
from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome, Severity, dumps

__all__ = ["Measurement", "broken", "regression", "result", "rounded", "said"]

#: What a run typically takes, as it is held against a budget.
STATISTIC = "20 % trimmed mean"
#: Bytes of JSON that raw samples may take in a result.
_SAMPLES = 150_000
#: Where the time goes is told from so many steps on: those that take this share of it, where
#: they are few; and the shares of at most so many.
_STEPS, _MOST_OF_IT, _SHARES = 3, 0.75, 10
#: Parts of a reason that are told.
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that is known of one benchmark.

    ``allowed`` is a share, ``budget`` seconds, ``seed`` drew the lots; ``family`` is how
    many benchmarks the run has. ``dropped`` and ``added`` are names only the base or only
    the candidate measures. ``not_compared`` says why there are no comparisons,
    ``undecided`` that they were due all the same.
    """

    name: str
    run: str
    allowed: float
    budget: float | None
    samples: Samples
    seed: str
    family: int
    comparisons: tuple[Comparison, ...]
    budgets: tuple[Comparison, ...]
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    not_compared: str | None = None
    undecided: bool = False

    def title(self, name: str) -> str:
        """``search``, or ``search parse`` for one of several names."""
        return f"{self.name} {name}".strip()


def result(measured: Measurement) -> CheckResult:
    """The check's result. *Passed* needs every comparison that was due, and in time."""
    findings = (*_comparisons(measured), *_over_budget(measured), *_notices(measured))
    outcome = _outcome(measured)
    return CheckResult(
        outcome=outcome,
        reason=_reason(measured, outcome),
        findings=findings,
        metrics=_metrics(measured),
        data=_data(measured),
    )


def broken(
    name: str, run: str, mine: RunTrouble, base: Measured | RunTrouble | None
) -> CheckResult:
    """The result when the candidate cannot run the benchmark."""
    output = mine.ended.output[-4000:]
    if not (mine.exited and isinstance(base, Measured)):
        also = f"; the base: {base.reason}" if isinstance(base, RunTrouble) else ""
        return CheckResult(Outcome.ERRORED, f"{mine}{also}", output=output)
    finding = Finding(
        rule="benchmark.broken",
        severity=Severity.BREAKING,
        message=f"{name} no longer runs: {mine.reason}, and the base runs it",
        remedy=f"Make it run again: {run}",
        evidence={"output": output},
    )
    return CheckResult(Outcome.FAILED, f"{mine}; the base runs it", (finding,), output=output)


def _outcome(measured: Measurement) -> Outcome:
    judged = (*measured.comparisons, *measured.budgets)
    verdicts = {one.verdict for one in judged}
    if Verdict.REGRESSED in verdicts:
        return Outcome.FAILED
    if Verdict.UNDECIDED in verdicts or measured.undecided or measured.dropped or not judged:
        return Outcome.INCONCLUSIVE
    return Outcome.PASSED


def _comparisons(measured: Measurement) -> Iterator[Finding]:
    for one in measured.comparisons:
        title, evidence = measured.title(one.name), _evidence(one, measured.samples)
        if one.verdict is Verdict.REGRESSED:
            yield regression(title, measured.run, measured.allowed, evidence)
        elif one.interval.high < 1 and one.interval.ratio <= 1 / (1 + measured.allowed):
            yield Finding(
                rule="benchmark.improvement",
                severity=Severity.NOTICE,
                message=f"{title} is faster than on the base",
                evidence=evidence,
            )


def regression(title: str, run: str, allowed: float, evidence: Mapping[str, Json]) -> Finding:
    """The finding that ``title``, measured by the command ``run``, is slower than allowed."""
    return Finding(
        rule="benchmark.regression",
        severity=Severity.BREAKING,
        message=f"{title} is slower than on the base by more than the allowed "
        f"{100 * allowed:.3g} %",
        remedy=f"Profile `{run}` on both; if the slowdown is wanted, have it "
        "waived or raise max_regression.",
        evidence=evidence,
    )


def _over_budget(measured: Measurement) -> Iterator[Finding]:
    for one in measured.budgets:
        if one.verdict is Verdict.REGRESSED:
            yield Finding(
                rule="benchmark.budget",
                severity=Severity.BREAKING,
                message=f"{measured.title(one.name)} takes longer than its budget of "
                f"{measured.budget:g} s",
                remedy=f"Make `{measured.run}` faster, or raise its budget.",
                evidence={
                    **_evidence(one, measured.samples),
                    "budget": measured.budget,
                    "statistic": STATISTIC,
                },
            )


def _notices(measured: Measurement) -> Iterator[Finding]:
    for name in measured.dropped:
        said = f"{measured.title(name)} is no longer measured"
        yield Finding("benchmark.dropped", Severity.DANGEROUS, said)
    for name in measured.added:
        said = f"{measured.title(name)} is new: nothing to compare it with"
        yield Finding("benchmark.added", Severity.NOTICE, said)
    yield from _slowest(measured)
    if measured.not_compared:
        said = f"nothing was compared: {measured.not_compared}; only the budget was judged"
        yield Finding("benchmark.not-compared", Severity.NOTICE, said)


def _slowest(measured: Measurement) -> Iterator[Finding]:
    """Where the time goes when several steps are timed: those that take most of it together."""
    values = measured.samples.values[CANDIDATE]
    if len(measured.samples.names) < _STEPS or not len(measured.samples):
        return
    if measured.samples.unit != SECONDS:
        return
    medians = {name: statistics.median(values[name]) for name in measured.samples.names}
    order = sorted(medians, key=lambda name: (-medians[name], name))
    whole, so_far, most = sum(medians.values()), 0.0, list[str]()
    while so_far < _MOST_OF_IT * whole:
        so_far += medians[order[len(most)]]
        most.append(order[len(most)])
    if len(most) <= len(order) / 2:
        yield Finding(
            "benchmark.slowest",
            Severity.NOTICE,
            f"{measured.name} spends most of its time in {' and '.join(most)}",
            evidence={"share": [f"{n} {medians[n] / whole:.0%}" for n in order[:_SHARES]]},
        )


def _reason(measured: Measurement, outcome: Outcome) -> str:
    """What decided, in numbers; for a pass too, because that is what people want to see."""
    decisive = {Outcome.FAILED: Verdict.REGRESSED, Outcome.INCONCLUSIVE: Verdict.UNDECIDED}
    shown = decisive.get(outcome)
    parts = [measured.not_compared] if measured.not_compared else []
    budget = f"the budget of {measured.budget:g} s by the {STATISTIC}" if measured.budget else ""
    compared = (measured.comparisons, "the base", measured.allowed)
    for judged, other, allowed in (compared, (measured.budgets, budget, 0.0)):
        parts += [
            said(measured.title(one.name), one.interval, other, one.doubt or _chance(one, allowed))
            for one in judged
            if shown in (None, one.verdict)
        ]
    parts += [f"{measured.title(name)} is no longer measured" for name in measured.dropped]
    if len(parts) > _PARTS:
        parts[_PARTS:] = [f"{len(parts) - _PARTS} more"]
    what = "pairs" if BASE in measured.samples.sides else "runs"
    parts.append(f"{len(measured.samples)} {what}")
    if outcome is Outcome.INCONCLUSIVE and not measured.samples.in_time:
        parts.append("the time was up; raise time_limit for more")
    return "; ".join(parts)


def said(title: str, i: Interval, other: str = "the base", doubt: str = "") -> str:
    """``search: 1.12 × the base (95 % sure: 1.08 to 1.15)``."""
    sure = f"{100 * i.level:.4g} % sure: {i.low:.3f} to {i.high:.3f}"
    but = f", but {doubt}" if doubt else ""
    return f"{title}: {i.ratio:.3f} × {other} ({sure}){but}"


def _chance(one: Comparison, allowed: float) -> str:
    """Why what looks too slow for sure is undecided: so few pairs may fall so."""
    i = one.interval
    if one.verdict is not Verdict.UNDECIDED or i.low <= 1 or i.ratio < 1 + allowed:
        return ""
    return f"chance alone does as much in {100 * one.risk:.2g} of 100 runs"


def _evidence(one: Comparison, samples: Samples) -> dict[str, Json]:
    return {
        **rounded(one.interval),
        "chance": _round(one.chance),
        "risk": _round(one.risk),
        "pairs": one.samples,
        "unit": samples.unit,
        **{
            f"{side}_median": _round(statistics.median(samples.values[side][one.name]))
            for side in samples.sides
        },
    }


def rounded(i: Interval) -> dict[str, Json]:
    """An interval as evidence holds it."""
    parts = {"ratio": i.ratio, "low": i.low, "high": i.high, "level": i.level}
    return {name: _round(value) for name, value in parts.items()}


def _metrics(measured: Measurement) -> dict[str, float]:
    samples = measured.samples
    metrics = {"benchmark.pairs": float(len(samples))}
    if measured.comparisons:
        metrics["benchmark.ratio"] = max(one.interval.ratio for one in measured.comparisons)
    if len(samples.names) == 1 and len(samples):
        metrics["benchmark.median"] = statistics.median(samples.values[CANDIDATE][samples.names[0]])
    return metrics


def _data(measured: Measurement) -> dict[str, Json]:
    samples = measured.samples
    raw: Json = {
        side: {name: [_round(value) for value in values] for name, values in named.items()}
        for side, named in samples.values.items()
    }
    if len(dumps(raw)) > _SAMPLES:
        raw = "too many to keep"
    return {
        "unit": samples.unit,
        "machine": fingerprint(),
        "seed": measured.seed,
        "run": measured.run,
        "allowed": measured.allowed,
        "family": measured.family,
        "samples": raw,
        "cpu": {side: [_round(value) for value in used] for side, used in samples.cpu.items()},
        "compared": _by_name(measured.comparisons, samples),
        "budgets": _by_name(measured.budgets, samples),
    }


def _by_name(judged: tuple[Comparison, ...], samples: Samples) -> dict[str, Json]:
    return {
        one.name: {
            **_evidence(one, samples),
            "verdict": one.verdict,
            **({"doubt": one.doubt} if one.doubt else {}),
        }
        for one in judged
    }


def _round(value: float) -> float:
    return float(f"{value:.6g}")
