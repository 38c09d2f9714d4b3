"""From comparisons to a check's result: outcome, reason, findings, and the raw samples.

Messages of findings hold no measured number: a finding is recognised by its
message, and the same slowdown must be the same finding in the next run. The
numbers are in the reason and in the evidence.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from orchestrator.plugins.builtin.benchmarks.formats import Measured
from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Verdict
from orchestrator.plugins.builtin.benchmarks.machine import fingerprint
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, RunTrouble, Samples
from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome, Severity, dumps

__all__ = ["broken", "result"]

#: Bytes of JSON that raw samples may take in a result.
_SAMPLES = 150_000


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


def result(
    name: str,
    samples: Samples,
    comparisons: Sequence[Comparison],
    budgets: Sequence[Comparison],
    *,
    allowed: float,
    budget: float | None,
    run: str,
    dropped: Sequence[str] = (),
    added: Sequence[str] = (),
    not_compared: str | None = None,
    undecided: bool = False,
) -> CheckResult:
    """The result of a measurement.

    ``undecided`` forbids *passed*, because a comparison that was due is
    missing; so does a name in ``dropped``, and time that ran out.
    """
    title = {n: f"{name} {n}".strip() for n in (*samples.names, *dropped, *added)}
    findings = [
        *_regressions(comparisons, samples, title, allowed, run),
        *_over_budget(budgets, samples, title, budget, run),
        *_notices(title, dropped, added, not_compared),
    ]
    open_ones = [c for c in (*comparisons, *budgets) if c.verdict is Verdict.UNDECIDED]
    outcome = Outcome.PASSED
    if any(f.severity is Severity.BREAKING for f in findings):
        outcome = Outcome.FAILED
    elif open_ones or undecided or dropped or not (comparisons or budgets):
        outcome = Outcome.INCONCLUSIVE
    return CheckResult(
        outcome=outcome,
        reason=_reason(outcome, samples, comparisons, budgets, title, dropped, not_compared),
        findings=tuple(findings),
        metrics=_metrics(samples, comparisons),
        data=_data(samples, comparisons, budgets),
    )


def _regressions(
    comparisons: Iterable[Comparison],
    samples: Samples,
    title: dict[str, str],
    allowed: float,
    run: str,
) -> list[Finding]:
    findings = []
    for one in comparisons:
        evidence = _evidence(one, samples)
        if one.verdict is Verdict.REGRESSED:
            findings.append(
                Finding(
                    rule="benchmark.regression",
                    severity=Severity.BREAKING,
                    message=f"{title[one.name]} is slower than on the base by more than the "
                    f"allowed {100 * allowed:.3g} %",
                    remedy=f"Profile `{run}` on both; if the slowdown is wanted, have it "
                    "waived or raise max_regression.",
                    evidence=evidence,
                )
            )
        elif one.interval.high < 1 and one.interval.ratio <= 1 / (1 + allowed):
            findings.append(
                Finding(
                    rule="benchmark.improvement",
                    severity=Severity.NOTICE,
                    message=f"{title[one.name]} is faster than on the base",
                    evidence=evidence,
                )
            )
    return findings


def _over_budget(
    budgets: Iterable[Comparison],
    samples: Samples,
    title: dict[str, str],
    budget: float | None,
    run: str,
) -> list[Finding]:
    return [
        Finding(
            rule="benchmark.budget",
            severity=Severity.BREAKING,
            message=f"{title[one.name]} takes longer than its budget of {budget:g} s",
            remedy=f"Make `{run}` faster, or raise its budget.",
            evidence={**_evidence(one, samples), "budget": budget},
        )
        for one in budgets
        if one.verdict is Verdict.REGRESSED
    ]


def _notices(
    title: dict[str, str], dropped: Sequence[str], added: Sequence[str], not_compared: str | None
) -> list[Finding]:
    notices = [
        ("benchmark.dropped", Severity.DANGEROUS, f"{title[n]} is no longer measured")
        for n in dropped
    ]
    notices += [
        ("benchmark.added", Severity.NOTICE, f"{title[n]} is new: nothing to compare it with")
        for n in added
    ]
    if not_compared:
        said = f"nothing was compared: {not_compared}; only the budget was judged"
        notices.append(("benchmark.not-compared", Severity.NOTICE, said))
    return [Finding(rule, severity, message) for rule, severity, message in notices]


def _reason(
    outcome: Outcome,
    samples: Samples,
    comparisons: Iterable[Comparison],
    budgets: Iterable[Comparison],
    title: dict[str, str],
    dropped: Sequence[str],
    not_compared: str | None,
) -> str:
    """What decided, in numbers; for a pass too, because that is what people want to see."""
    shown = {Outcome.FAILED: Verdict.REGRESSED, Outcome.INCONCLUSIVE: Verdict.UNDECIDED}
    verdict = shown.get(outcome)
    parts = [not_compared] if not_compared else []
    parts += [_said(c, title, "the base") for c in comparisons if verdict in (None, c.verdict)]
    parts += [_said(c, title, "the budget") for c in budgets if verdict in (None, c.verdict)]
    parts += [f"{title[name]} is no longer measured" for name in dropped]
    what = "pairs" if BASE in samples.sides else "runs"
    parts.append(f"{len(samples)} {what}")
    if outcome is Outcome.INCONCLUSIVE and not samples.in_time:
        parts.append("the time was up; raise time_limit for more")
    return "; ".join(parts[:6])


def _said(one: Comparison, title: dict[str, str], other: str) -> str:
    """``search: 1.12 × the base (95 % sure: 1.08 to 1.15)``."""
    i = one.interval
    return (
        f"{title[one.name]}: {i.ratio:.3f} × {other} "
        f"({100 * i.level:.4g} % sure: {i.low:.3f} to {i.high:.3f})"
    )


def _evidence(one: Comparison, samples: Samples) -> dict[str, Json]:
    medians = {
        f"{side}_median": _round(statistics.median(samples.values[side][one.name]))
        for side in samples.sides
    }
    i = one.interval
    return {
        "ratio": _round(i.ratio),
        "low": _round(i.low),
        "high": _round(i.high),
        "level": _round(i.level),
        "pairs": one.samples,
        "unit": samples.unit,
        **medians,
    }


def _metrics(samples: Samples, comparisons: Sequence[Comparison]) -> dict[str, float]:
    metrics = {"benchmark.pairs": float(len(samples))}
    if comparisons:
        metrics["benchmark.ratio"] = max(c.interval.ratio for c in comparisons)
    if len(samples.names) == 1 and len(samples):
        metrics["benchmark.median"] = statistics.median(samples.values[CANDIDATE][samples.names[0]])
    return metrics


def _data(
    samples: Samples, comparisons: Iterable[Comparison], budgets: Iterable[Comparison]
) -> dict[str, Json]:
    raw: Json = {
        side: {name: [_round(v) for v in values] for name, values in named.items()}
        for side, named in samples.values.items()
    }
    if len(dumps(raw)) > _SAMPLES:
        raw = "too many to keep"
    return {
        "unit": samples.unit,
        "machine": fingerprint(),
        "samples": raw,
        "compared": {c.name: {**_evidence(c, samples), "verdict": c.verdict} for c in comparisons},
        "budgets": {c.name: {**_evidence(c, samples), "verdict": c.verdict} for c in budgets},
    }


def _round(value: float) -> float:
    return float(f"{value:.6g}")
