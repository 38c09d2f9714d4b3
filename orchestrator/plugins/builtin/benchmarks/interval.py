"""The statistics of a paired comparison. Pure: numbers in, a verdict out.

A sample is the log of a ratio, candidate over base, of one *pair* of runs made
right after each other; what slows the machine down for both cancels out.

**The effect** is the 20 % trimmed mean of the log-ratios. One run in ten that
meets a busy machine would drag a plain mean, and a median throws away a third
of what few samples can tell. **The interval** is a percentile bootstrap of it;
resamples are one smaller than the sample, which makes up for the bootstrap
being too sure of itself on few samples.

**Noise** is rarely independent: a machine is busy in bursts, and several pairs
in a row err alike. An interval alone believes them. So a regression needs
three things at once: the interval lies above 1, the effect is at least the
allowed regression, and chance does not explain it: see ``signs``, a test that
holds under any noise because which side goes first is drawn by lot.

**Looking repeatedly** (more pairs are added until it is decided) would raise
the false alarms of any single test, and so would several names and several
benchmarks of one run. The chance of a false alarm is shared out among the
looks and the benchmarks, and by Holm's method among the names; ``together``
goes on with Holm's method over the benchmarks when all have ended. To call
something fine needs the interval below the allowance, and chance must not
explain that either.

Everything is deterministic: the generator is seeded by the caller, so the
verdict can be computed again from the samples in a report.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.plugins.builtin.benchmarks.signs import chance

__all__ = [
    "ALARM",
    "LEVEL",
    "Comparison",
    "Interval",
    "Verdict",
    "bootstrap",
    "compare",
    "estimate",
    "interval",
    "looks",
    "resamples",
    "step_down",
]

#: Confidence of an interval that stands alone.
LEVEL = 0.95
#: Chance of a false alarm in one run, over all its looks, names and benchmarks.
ALARM = (1 - LEVEL) / 2
_FEWEST_FINE = 4
_TRIM = 0.2
#: Resamples for one name, and at most for many (Holm's correction looks further into the tail).
_RESAMPLES, _MOST_RESAMPLES = 2000, 5000
#: Each look has this many times the samples of the one before.
_GROWTH = 1.4


class Verdict(StrEnum):
    """What the samples say about one thing that was measured."""

    REGRESSED = "regressed"
    FINE = "fine"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Interval:
    """Effect with its interval at confidence ``level``, as ratios (1.1 is 10 % slower)."""

    ratio: float
    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing compared. ``interval`` is widened when several were.

    ``chance`` is how often identical code would look as slow as this or slower at one look,
    ``risk`` the least chance of a false alarm, over all looks, at which it would be called a
    regression. ``doubt`` says why a slowdown is not believed.
    """

    name: str
    interval: Interval
    verdict: Verdict
    samples: int
    chance: float
    risk: float
    doubt: str = ""


def estimate(values: Sequence[float]) -> float:
    """The 20 % trimmed mean: the mean without the lowest and the highest fifth."""
    ordered = sorted(values)
    cut = int(len(ordered) * _TRIM)
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def resamples(names: int, family: int) -> int:
    """How many resamples are drawn: the more are compared, the further out the tails are."""
    return min(max(_RESAMPLES, 100 * names * family), _MOST_RESAMPLES)


def bootstrap(values: Sequence[float], seed: str, count: int = _RESAMPLES) -> list[float]:
    """The estimates of ``count`` resamples, sorted. Needs at least one value."""
    generator = random.Random(seed)
    size = max(len(values) - 1, 1)
    return sorted(estimate(generator.choices(values, k=size)) for _ in range(count))


def looks(fewest: int, most: int) -> list[int]:
    """The numbers of pairs at which the samples are judged, from ``fewest`` to ``most``."""
    result, next_look = [], min(fewest, most)
    while next_look < most:
        result.append(next_look)
        next_look = max(next_look + 1, math.ceil(next_look * _GROWTH))
    return [*result, most]


def compare(
    samples: Mapping[str, Sequence[float]],
    allowed: float,
    seed: str,
    *,
    fewest: int = 6,
    most: int = 200,
    family: int = 1,
) -> list[Comparison]:
    """Judge the log-ratios of each name; ``allowed`` is the regression let pass (0.05 is 5 %).

    ``fewest`` samples (never less than 4) are needed to call something fine;
    ``most`` is how many there can ever be; ``family`` how many benchmarks the
    run has. With several, the confidence is raised, so that the chance of *any*
    false alarm stays that of a single one. A family is fine only if every name
    is, which needs no correction.
    """
    fewest = max(fewest, _FEWEST_FINE)
    times = len(looks(fewest, most))
    count = resamples(len(samples), family)
    drawn = {name: bootstrap(v, f"{seed}/{name}", count) for name, v in samples.items()}
    chances = {name: chance(values) for name, values in samples.items()}
    risks = {
        name: min(max(times * chances[name], _not_slower(drawn[name])), 1.0) for name in samples
    }
    slower = step_down(risks, ALARM / family)
    compared = {}
    for rank, name in enumerate(sorted(samples, key=lambda n: (risks[n], n))):
        values, left = samples[name], len(samples) - rank
        span = interval(values, drawn[name], 1 - (1 - LEVEL) / (left * family))
        verdict = Verdict.UNDECIDED
        if name in slower and span.ratio >= 1 + allowed:
            verdict = Verdict.REGRESSED
        elif len(values) >= fewest and _fine(values, drawn[name], math.log1p(allowed)):
            verdict = Verdict.FINE
        compared[name] = Comparison(name, span, verdict, len(values), chances[name], risks[name])
    return [compared[name] for name in samples]


def step_down(risks: Mapping[str, float], share: float) -> list[str]:
    """Holm's method: the names whose risk lets them be told apart from chance.

    ``share`` is the chance of a false alarm they have together. Each that is told leaves its
    part to the others; once chance explains one, it explains those with less evidence.
    """
    told: list[str] = []
    for name in sorted(risks, key=lambda n: (risks[n], n)):
        if risks[name] > share / (len(risks) - len(told)):
            break
        told.append(name)
    return told


def _not_slower(drawn: Sequence[float]) -> float:
    """The share of resamples that are no slower: the low end of a wider interval is below 1."""
    return bisect.bisect_right(drawn, 0.0) / len(drawn)


def _fine(values: Sequence[float], drawn: Sequence[float], allowed: float) -> bool:
    """Below the allowance: its interval is, and so few samples as there are could not be so."""
    enough = max(ALARM, 2.0 ** -len(values))
    below = chance([allowed - value for value in values]) <= enough
    return below and _quantile(drawn, (1 + LEVEL) / 2) < allowed


def interval(values: Sequence[float], drawn: Sequence[float], level: float) -> Interval:
    """The interval at ``level`` from the resamples that were ``drawn`` from ``values``."""
    tail = (1 - level) / 2
    low, high = _quantile(drawn, tail), _quantile(drawn, 1 - tail)
    return Interval(math.exp(estimate(values)), math.exp(low), math.exp(high), level)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
