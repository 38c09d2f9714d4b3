"""Measures one benchmark from warm-up to verdict."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plugins.builtin.benchmarks import verdict
from orchestrator.plugins.builtin.benchmarks.formats import SECONDS, Measured
from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Verdict, compare
from orchestrator.plugins.builtin.benchmarks.sampling import (
    BASE,
    CANDIDATE,
    Bench,
    RunTrouble,
    Samples,
    collect,
)
from orchestrator.plugins.builtin.benchmarks.witness import cpu_log_ratios, heard
from orchestrator.plugins.spec import Check, CheckContext, CheckResult, Json, Outcome

__all__ = ["execute"]

#: The share of the check's own time that may be used, so that it ends by itself.
_OWN_TIME = 0.9


@dataclass(frozen=True, slots=True)
class _Settings:
    """The benchmark's configuration; see ``config.model.Benchmark``."""

    name: str
    run: str
    measure: str
    max_regression: float
    budget: float | None
    rounds: tuple[int, int]
    time_limit: float
    timeout: float
    family: int

    @classmethod
    def of(cls, spec: Mapping[str, Json]) -> _Settings:
        fewest = min(spec["min_pairs"], spec["max_pairs"])
        return cls(
            name=spec["name"],
            run=spec["run"],
            measure=spec["measure"],
            max_regression=spec["max_regression"],
            budget=spec["budget"],
            rounds=(fewest, spec["max_pairs"]),
            time_limit=spec["time_limit"],
            timeout=spec["timeout"],
            family=spec["family"],
        )


def execute(check: Check, context: CheckContext) -> CheckResult:
    """Warm up both sides, measure in turn, judge."""
    settings = _Settings.of(check.spec)
    if context.base_checkout is None and settings.budget is None:
        return CheckResult(
            Outcome.SKIPPED, "there is no base to compare with, and it has no budget"
        )
    measurement = _Measurement(settings, context)
    try:
        return measurement.run()
    except RunTrouble as error:
        return CheckResult(Outcome.ERRORED, str(error), output=error.ended.output[-4000:])


class _Measurement:
    """One measurement; lives as long as ``execute``."""

    def __init__(self, settings: _Settings, context: CheckContext) -> None:
        # New in every measurement, so that the lot is one; kept with the samples.
        self._seed = secrets.token_hex(4)
        self._settings = settings
        timeout = min(settings.timeout, context.timeout)
        self._bench = Bench(context, settings.run, timeout, settings.measure)
        self._has_base = context.base_checkout is not None
        self._deadline = time.monotonic() + context.timeout * _OWN_TIME

    def run(self) -> CheckResult:
        """Raises RunTrouble when a side that worked at first no longer does."""
        base = self._warm_up(BASE) if self._has_base else None
        mine = self._warm_up(CANDIDATE)
        if isinstance(mine, RunTrouble):
            return verdict.broken(self._settings.name, self._settings.run, mine, base)
        if self._settings.budget is not None and mine.unit != SECONDS:
            reason = f"its budget is in seconds, and it measures {mine.unit or 'no unit'}"
            return CheckResult(Outcome.ERRORED, reason)
        if isinstance(base, Measured):
            return self._compared(base, mine)
        why = "there is no base" if base is None else f"the base cannot run it ({base.reason})"
        return self._alone(mine, why, undecided=base is not None)

    def _warm_up(self, side: str) -> Measured | RunTrouble:
        try:
            return self._bench.run(side)
        except RunTrouble as error:
            return error

    def _compared(self, base: Measured, mine: Measured) -> CheckResult:
        names = tuple(name for name in mine.values if name in base.values)
        if not names or base.unit != mine.unit:
            return self._alone(mine, "base and candidate measure nothing in common", True)
        return self._judged(
            Samples(names, (BASE, CANDIDATE), mine.unit),
            dropped=tuple(name for name in base.values if name not in mine.values),
            added=tuple(name for name in mine.values if name not in base.values),
        )

    def _alone(self, mine: Measured, why: str, undecided: bool) -> CheckResult:
        """Only the budget can be judged. ``undecided``: a comparison was due and is missing."""
        if self._settings.budget is None:
            return CheckResult(Outcome.INCONCLUSIVE, f"{why}; nothing was compared")
        samples = Samples(tuple(mine.values), (CANDIDATE,), mine.unit)
        return self._judged(samples, not_compared=why, undecided=undecided)

    def _judged(self, samples: Samples, **known: Any) -> CheckResult:
        """Collect the samples and judge them; ``known`` are other fields of ``Measurement``."""
        asked = self._settings
        seconds = min(asked.time_limit, self._deadline - time.monotonic())
        collect(self._bench, samples, asked.rounds, seconds, self._settled, self._seed)
        return verdict.result(
            verdict.Measurement(
                name=asked.name,
                run=asked.run,
                allowed=asked.max_regression,
                budget=asked.budget,
                samples=samples,
                seed=self._seed,
                family=asked.family,
                comparisons=tuple(self._comparisons(samples)),
                budgets=tuple(self._budgets(samples)),
                **known,
            )
        )

    def _settled(self, samples: Samples) -> bool:
        """Enough is known: one verdict is bad, or none is open."""
        verdicts = {c.verdict for c in (*self._comparisons(samples), *self._budgets(samples))}
        return Verdict.REGRESSED in verdicts or Verdict.UNDECIDED not in verdicts

    def _comparisons(self, samples: Samples) -> list[Comparison]:
        if BASE not in samples.sides or not len(samples):
            return []
        allowed = self._settings.max_regression
        compared = self._judge(samples.log_ratios(), allowed)
        if cpu := cpu_log_ratios(samples):
            [second] = self._judge({"": cpu}, allowed)
            return [heard(one, second) for one in compared]
        return compared

    def _budgets(self, samples: Samples) -> list[Comparison]:
        """The candidate's values over the budget, judged like a ratio that may not exceed 1."""
        budget = self._settings.budget
        if budget is None or not len(samples):
            return []
        values = samples.values[CANDIDATE]
        logs = {name: [math.log(v / budget) for v in values[name]] for name in samples.names}
        return self._judge(logs, 0.0)

    def _judge(self, logs: Mapping[str, list[float]], allowed: float) -> list[Comparison]:
        fewest, most = self._settings.rounds
        family = self._settings.family
        return compare(logs, allowed, self._seed, fewest=fewest, most=most, family=family)
