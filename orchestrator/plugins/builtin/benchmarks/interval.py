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
looks and the benchmarks, and by Holm's method among the names. To call
something fine needs the interval below the allowance, and chance must not
explain that either.

Everything is deterministic: the generator is seeded by the caller, so the
verdict can be computed again from the samples in a report.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.plugins.builtin.benchmarks.signs import chance

__all__ = [
    "LEVEL",
    "Comparison",
    "Interval",
    "Verdict",
    "bootstrap",
    "compare",
    "estimate",
    "looks",
]

#: Confidence of an interval that stands alone.
LEVEL = 0.95
#: Chance of a false alarm in one run, over all its looks, names and benchmarks.
_ALARM = (1 - LEVEL) / 2
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

    ``chance`` is how often identical code would look as slow as this or slower,
    ``doubt`` why a slowdown is not believed.
    """

    name: str
    interval: Interval
    verdict: Verdict
    samples: int
    chance: float
    doubt: str = ""


def estimate(values: Sequence[float]) -> float:
    """The 20 % trimmed mean: the mean without the lowest and the highest fifth."""
    ordered = sorted(values)
    cut = int(len(ordered) * _TRIM)
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def bootstrap(values: Sequence[float], seed: str, resamples: int = _RESAMPLES) -> list[float]:
    """The estimates of ``resamples`` resamples, sorted. Needs at least one value."""
    generator = random.Random(seed)
    size = max(len(values) - 1, 1)
    return sorted(estimate(generator.choices(values, k=size)) for _ in range(resamples))


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
    most: int = 60,
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
    share = _ALARM / (family * len(looks(fewest, most)))
    resamples = min(max(_RESAMPLES, 100 * len(samples) * family), _MOST_RESAMPLES)
    chances = {name: chance(values) for name, values in samples.items()}
    compared, still = {}, True
    for rank, name in enumerate(sorted(samples, key=lambda n: (chances[n], n))):
        left = len(samples) - rank
        # Step-down: once chance explains one, it explains those with less evidence.
        still = still and chances[name] <= share / left
        values = samples[name]
        drawn = bootstrap(values, f"{seed}/{name}", resamples)
        interval = _interval(values, drawn, 1 - (1 - LEVEL) / (left * family))
        verdict = Verdict.UNDECIDED
        if still and interval.low > 1 and interval.ratio >= 1 + allowed:
            verdict = Verdict.REGRESSED
        elif len(values) >= fewest and _fine(values, drawn, math.log1p(allowed)):
            verdict = Verdict.FINE
        compared[name] = Comparison(name, interval, verdict, len(values), chances[name])
    return [compared[name] for name in samples]


def _fine(values: Sequence[float], drawn: Sequence[float], allowed: float) -> bool:
    """Below the allowance: its interval is, and so few samples as there are could not be so."""
    enough = max(_ALARM, 2.0 ** -len(values))
    below = chance([allowed - value for value in values]) <= enough
    return below and _quantile(drawn, (1 + LEVEL) / 2) < allowed


def _interval(values: Sequence[float], drawn: Sequence[float], level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = _quantile(drawn, tail), _quantile(drawn, 1 - tail)
    return Interval(math.exp(estimate(values)), math.exp(low), math.exp(high), level)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
