"""The statistics: few false alarms, few misses, whatever the noise looks like."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.benchmarks.interval import (
    Comparison,
    Verdict,
    bootstrap,
    compare,
    estimate,
    looks,
)

TRIALS = 50


def normal(sigma: float) -> Callable[[random.Random], float]:
    return lambda generator: generator.gauss(0, sigma)


def spikes(generator: random.Random) -> float:
    """A machine that is now and then busy with something else."""
    disturbance = generator.expovariate(2) if generator.random() < 0.2 else 0.0
    return generator.gauss(0, 0.02) + generator.choice([-1, 1]) * disturbance


NOISE = {"quiet": normal(0.01), "normal": normal(0.05), "loud": normal(0.3), "spikes": spikes}


def judged(data: list[float], allowed: float = 0.05) -> Verdict:
    """As the measurement does: look, and look again with more pairs, until it is decided."""
    for count in looks(6, len(data)):
        [one] = compare({"x": data[:count]}, allowed, "seed", fewest=6, most=len(data))
        if one.verdict is not Verdict.UNDECIDED:
            return one.verdict
    return Verdict.UNDECIDED


def rates(noise: str, slowdown: float, pairs: int = 40) -> dict[Verdict, float]:
    generator = random.Random(f"{noise} {slowdown}")
    make = NOISE[noise]
    tally = Counter(
        judged([math.log1p(slowdown) + make(generator) for _ in range(pairs)])
        for _ in range(TRIALS)
    )
    return {verdict: tally[verdict] / TRIALS for verdict in Verdict}


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISE)
def test_identical_code_raises_no_alarm_although_it_is_looked_at_repeatedly(noise: str) -> None:
    assert rates(noise, 0.0, pairs=27)[Verdict.REGRESSED] <= 0.02


@pytest.mark.parametrize("noise", ["quiet", "normal"])
def test_identical_code_is_found_fine(noise: str) -> None:
    assert rates(noise, 0.0)[Verdict.FINE] >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "found"), [("quiet", 1.0), ("normal", 0.95), ("spikes", 0.75)])
def test_a_planted_slowdown_of_10_percent_is_found(noise: str, found: float) -> None:
    result = rates(noise, 0.10)
    assert result[Verdict.REGRESSED] >= found and result[Verdict.FINE] <= 0.02


@pytest.mark.slow
def test_what_noise_hides_is_undecided_and_rarely_called_fine() -> None:
    result = rates("loud", 0.10, pairs=20)
    assert result[Verdict.FINE] <= 0.05
    assert result[Verdict.UNDECIDED] + result[Verdict.REGRESSED] >= 0.95


def busy(generator: random.Random, runs: int) -> list[float]:
    """How much single runs are slowed down by a machine that is busy in long bursts."""
    level, burst, slowed = 0.0, False, []
    for _ in range(runs):
        level = 0.9 * level + generator.gauss(0, 0.03)
        burst ^= generator.random() < 0.08
        slowed.append(level + burst * generator.expovariate(3))
    return slowed


def test_a_machine_that_is_busy_in_bursts_raises_no_alarm_on_identical_code() -> None:
    generator, tally = random.Random(7), Counter[Verdict]()
    for _ in range(TRIALS):
        runs = busy(generator, 80)
        pairs = [second - first for first, second in zip(runs[::2], runs[1::2], strict=True)]
        tally[judged([generator.choice([-1, 1]) * pair for pair in pairs])] += 1
    assert tally[Verdict.REGRESSED] <= 0.02 * TRIALS


def one(data: list[float], **options: float) -> Comparison:
    [comparison] = compare({"x": data}, 0.05, "seed", **options)  # type: ignore[arg-type]  # counts
    return comparison


def test_few_pairs_never_make_a_regression() -> None:
    assert one([0.5] * 8).verdict is Verdict.UNDECIDED
    assert one([0.5] * 9).verdict is Verdict.REGRESSED
    assert one([0.5] * 6, most=6).verdict is Verdict.REGRESSED
    assert one([0.5] * 5, fewest=2, most=5).verdict is Verdict.UNDECIDED


def test_among_several_benchmarks_of_a_run_more_is_asked_of_each() -> None:
    assert one([0.5] * 9, family=8).verdict is Verdict.UNDECIDED
    assert one([0.5] * 12, family=8).verdict is Verdict.REGRESSED
    assert one([0.5] * 12, family=8).interval.level == pytest.approx(1 - 0.05 / 8)


def test_few_pairs_never_make_it_fine() -> None:
    assert one([0.0], fewest=6).verdict is Verdict.UNDECIDED
    assert one([0.0] * 6, fewest=6).verdict is Verdict.FINE
    assert one([0.0] * 3, fewest=1).verdict is Verdict.UNDECIDED


def test_a_disturbance_of_one_half_is_no_regression() -> None:
    generator = random.Random(1)
    disturbed = [generator.gauss(0.4, 0.02) for _ in range(8)]
    quiet = [generator.gauss(0.0, 0.02) for _ in range(8)]
    assert one(disturbed + quiet).verdict is not Verdict.REGRESSED


def test_one_outlier_in_ten_does_not_move_the_effect() -> None:
    assert estimate([0.01] * 9 + [5.0]) == pytest.approx(0.01)


def test_among_many_names_chance_does_not_make_a_regression() -> None:
    alarms = 0
    for seed in range(8):
        generator = random.Random(seed)
        data = {str(n): [generator.gauss(0, 0.2) for _ in range(14)] for n in range(12)}
        compared = compare(data, 0.05, f"s{seed}")
        alarms += any(c.verdict is Verdict.REGRESSED for c in compared)
    assert alarms == 0


def test_one_slow_name_among_many_is_found_with_a_wider_interval() -> None:
    generator = random.Random(3)
    data = {str(n): [generator.gauss(0.3 * (n == 4), 0.02) for _ in range(13)] for n in range(10)}
    compared = {c.name: c for c in compare(data, 0.05, "seed")}
    assert [c.name for c in compared.values() if c.verdict is Verdict.REGRESSED] == ["4"]
    assert compared["4"].interval.level == pytest.approx(0.995)


def test_the_same_samples_give_the_same_answer() -> None:
    generator = random.Random(1)
    data = [generator.gauss(0, 0.1) for _ in range(20)]
    assert one(data) == one(data)
    assert bootstrap(data, "a") != bootstrap(data, "b")


def test_looks_begin_and_end_where_asked_and_grow() -> None:
    assert looks(6, 60) == [6, 9, 13, 19, 27, 38, 54, 60]
    assert looks(6, 6) == [6] and looks(9, 4) == [4] and looks(1, 4) == [1, 2, 3, 4]


finite = st.floats(-3, 3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(finite, min_size=1, max_size=30))
def test_the_effect_lies_within_its_interval_and_the_samples(data: list[float]) -> None:
    interval = one(data).interval
    slack = 1e-9
    assert math.exp(min(data)) - slack <= interval.low <= interval.high
    assert interval.high <= math.exp(max(data)) + slack
    assert math.exp(min(data)) - slack <= interval.ratio <= math.exp(max(data)) + slack
