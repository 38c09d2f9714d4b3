"""The statistics of a paired comparison. Pure: numbers in, a verdict out.

A sample is the log of a ratio, candidate over base, of one *pair* of runs made
right after each other; what slows the machine down for both cancels out.

**The effect** is the 20 % trimmed mean of the log-ratios. One run in ten that
meets a busy machine would drag a plain mean, and a median throws away a third
of what few samples can tell. **The interval** is a percentile bootstrap of it;
resamples are one smaller than the sample, which makes up for the bootstrap
being too sure of itself on few samples.

**Looking repeatedly** (more pairs are added until it is decided) would raise
the false alarms of any single interval. So a regression needs three things at
once: the interval of *all* pairs lies above 1, the effect is at least the
allowed regression, and the interval of the *earlier and of the later half*
each lies above 1 too. Chance has to strike twice in the same direction. To
call something fine needs only the interval of all pairs below the allowance:
mistakes there are bounded by the distance between "no change" and "too much".

Everything is deterministic: the generator is seeded by the caller, so the
verdict can be computed again from the samples in a report.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "FEWEST",
    "FEWEST_ALLOWED",
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
#: Samples without which no regression is declared, and those that are enough where the
#: configuration allows no more: so few all point the same way by chance too often.
FEWEST, FEWEST_ALLOWED = 8, 6
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
    """One thing compared. ``interval`` is Holm-adjusted when several were."""

    name: str
    interval: Interval
    verdict: Verdict
    samples: int


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
    fewest: int = FEWEST,
    most: int = 60,
) -> list[Comparison]:
    """Judge the log-ratios of each name; ``allowed`` is the regression let pass (0.05 is 5 %).

    ``fewest`` samples (never less than 4) are needed to call something fine;
    ``most`` is how many there can ever be.

    With several names the confidence is raised by Holm's step-down method, so
    that the chance of *any* false alarm stays that of a single one. A family
    is fine only if every name is, which needs no correction.
    """
    resamples = min(max(_RESAMPLES, 100 * len(samples)), _MOST_RESAMPLES)
    # One more sample halves what chance does; each doubling of the names doubles it.
    fewest = max(fewest, _FEWEST_FINE)
    names = math.ceil(math.log2(max(len(samples), 1)))
    to_fail = max(min(FEWEST + names, most), FEWEST_ALLOWED + names, fewest)
    drawn = {n: bootstrap(values, f"{seed}/{n}", resamples) for n, values in samples.items()}
    chances = {name: _at_most_zero(estimates) for name, estimates in drawn.items()}
    compared, still = {}, True
    for rank, name in enumerate(sorted(samples, key=lambda n: (chances[n], n))):
        level = 1 - (1 - LEVEL) / (len(samples) - rank)
        # Step-down: once one is not above 1, those with less evidence are not either.
        still = still and _quantile(drawn[name], (1 - level) / 2) > 0
        values, count = samples[name], len(samples[name])
        verdict = Verdict.UNDECIDED
        if still and count >= to_fail and _regressed(values, allowed, level, f"{seed}/{name}"):
            verdict = Verdict.REGRESSED
        elif count >= fewest and _quantile(drawn[name], (1 + LEVEL) / 2) < math.log1p(allowed):
            verdict = Verdict.FINE
        compared[name] = Comparison(name, _interval(values, drawn[name], level), verdict, count)
    return [compared[name] for name in samples]


def _interval(values: Sequence[float], drawn: Sequence[float], level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = _quantile(drawn, tail), _quantile(drawn, 1 - tail)
    return Interval(math.exp(estimate(values)), math.exp(low), math.exp(high), level)


def _regressed(values: Sequence[float], allowed: float, level: float, seed: str) -> bool:
    """The effect is too large, and both halves, in the order they were measured, agree."""
    middle = len(values) // 2
    return estimate(values) >= math.log1p(allowed) and all(
        _quantile(bootstrap(half, f"{seed}/{number}"), (1 - level) / 2) > 0
        for number, half in enumerate((values[:middle], values[middle:]))
    )


def _at_most_zero(drawn: Sequence[float]) -> float:
    """How likely the resamples make it that there is no slowdown."""
    return (1 + sum(value <= 0 for value in drawn)) / (1 + len(drawn))


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
