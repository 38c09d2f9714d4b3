"""What Holm's method over the benchmarks of a run tells that equal parts do not. Simulated.

The real statistics on pairs with normal noise: 2, 5 and 20 benchmarks of which one, or all,
became 10 % slower. Takes some minutes; ``--trials N`` for more.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from bench.row import Row
from bench.share import Share
from orchestrator.plugins.builtin.benchmarks.interval import ALARM, Verdict, compare, looks
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, Samples
from orchestrator.plugins.builtin.benchmarks.together import judged_together
from orchestrator.plugins.builtin.benchmarks.verdict import Measurement, result
from orchestrator.plugins.spec import CheckResult, Outcome

__all__ = ["measure"]

_FAMILIES = (2, 5, 20)
_SLOWDOWN, _NOISE = 0.10, 0.15
_PAIRS = 38


def measure(trials: int = 3) -> Iterator[Row]:
    """``trials`` runs of the largest family, and as many benchmarks of the others."""
    alarms: list[bool] = []
    for family in _FAMILIES:
        for slow in (1, family):
            generator = random.Random(f"{family} {slow}")
            runs = [_run(generator, family, slow) for _ in range(trials * _FAMILIES[-1] // family)]
            alarms += [any(now[slow:]) for _, now in runs if slow < family]
            apart, now = (
                Share(sum(sum(run[which][:slow]) for run in runs), slow * len(runs))
                for which in (0, 1)
            )
            said = f"equal parts: {apart}; runs that fail: {_failing(runs)}"
            yield Row(f"{slow} of {family} slower, told", now.percent, "%", None, f"{now}; {said}")
    share = Share(sum(alarms), len(alarms))
    yield Row("runs with a false alarm, at least", 100 * share.low, "%", 100 * ALARM, str(share))


def _failing(runs: list[tuple[list[bool], list[bool]]]) -> str:
    before, after = (Share(sum(any(run[at]) for run in runs), len(runs)) for at in (0, 1))
    return f"{before.count} before, {after.count} after, of {before.of}"


def _run(generator: random.Random, family: int, slow: int) -> tuple[list[bool], list[bool]]:
    """Which benchmarks fail by their equal part, and which when judged together."""
    results = {
        f"benchmarks/{at}": _benchmark(generator, family, slower=at < slow) for at in range(family)
    }
    together = {**results, **judged_together(results)}
    apart, now = (
        [one.outcome is Outcome.FAILED for one in each.values()] for each in (results, together)
    )
    return apart, now


def _benchmark(generator: random.Random, family: int, *, slower: bool) -> CheckResult:
    shift = math.log1p(_SLOWDOWN) if slower else 0.0
    logs = [shift + generator.gauss(0, _NOISE) for _ in range(_PAIRS)]
    seed = str(generator.random())
    samples = Samples(("",), (BASE, CANDIDATE), "s")
    for count in looks(6, _PAIRS):
        [one] = compare({"": logs[:count]}, 0.05, seed, most=_PAIRS, family=family)
        if one.verdict is not Verdict.UNDECIDED:
            break
    samples.values[BASE][""] = [1.0] * one.samples
    samples.values[CANDIDATE][""] = [math.exp(value) for value in logs[: one.samples]]
    return result(Measurement("b", "b", 0.05, None, samples, seed, family, (one,), ()))
