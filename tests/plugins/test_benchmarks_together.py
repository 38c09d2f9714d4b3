"""Benchmarks of one run share the chance of a false alarm, by Holm's method when all ended."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.benchmarks.interval import ALARM, compare
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, Samples
from orchestrator.plugins.builtin.benchmarks.together import judged_together
from orchestrator.plugins.builtin.benchmarks.verdict import Measurement, result
from orchestrator.plugins.spec import CheckResult, Outcome


def measured(logs: list[float], *, pairs: int = 60, name: str = "b") -> CheckResult:
    """What one of two benchmarks says of these log-ratios, of which there can be ``pairs``."""
    samples = Samples(("",), (BASE, CANDIDATE), "s")
    samples.values[BASE][""] = [1.0] * len(logs)
    samples.values[CANDIDATE][""] = [math.exp(value) for value in logs]
    compared = compare(samples.log_ratios(), 0.05, "seed", fewest=6, most=pairs, family=2)
    return result(Measurement(name, "run", 0.05, None, samples, "seed", 2, tuple(compared), ()))


def recorded(risks: Mapping[str, float], family: int, **other: object) -> CheckResult:
    """An undecided result with these risks, by name, and nothing kept to draw resamples from."""
    one = {"verdict": "undecided", "ratio": 1.2, "low": 0.9, "high": 1.6, "level": 0.95, "pairs": 9}
    one.update(other)
    data = {
        "compared": {name: {**one, "risk": risk} for name, risk in risks.items()},
        "family": family,
        "allowed": 0.05,
        "run": "run",
        "samples": "too many to keep",
    }
    return CheckResult(Outcome.INCONCLUSIVE, "noise", data=data)


def told(results: Mapping[str, CheckResult]) -> set[tuple[str, str]]:
    return {
        (check, name)
        for check, one in judged_together(results).items()
        for name, compared in one.data["compared"].items()
        if compared["verdict"] == "regressed"
    }


def alone(risks: Mapping[str, float], **other: object) -> set[str]:
    """Which benchmarks of one name each are told."""
    family = len(risks)
    results = {name: recorded({"": risk}, family, **other) for name, risk in risks.items()}
    return {check for check, _ in told(results)}


def test_a_benchmark_that_is_told_leaves_its_part_to_one_that_was_undecided() -> None:
    slower = [0.5 + at / 100 for at in range(12)]
    # All of six pairs are slower by chance once in 64 times: too often for half of the share.
    first, second = measured(slower), measured(slower[:6], pairs=6)
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.INCONCLUSIVE)
    changed = judged_together({"benchmarks/a": first, "benchmarks/b": second})
    assert list(changed) == ["benchmarks/b"]
    now = changed["benchmarks/b"]
    assert now.outcome is Outcome.FAILED
    assert now.reason == (
        "b: 1.690 × the base (95 % sure: 1.660 to 1.722); 6 pairs; "
        "told by Holm's method over the benchmarks of the run"
    )
    [finding] = now.findings
    assert finding.fingerprint("x") == measured(slower, name="b").findings[0].fingerprint("x")
    assert finding.evidence["level"] == pytest.approx(0.95)
    assert now.data["compared"][""] == {**finding.evidence, "verdict": "regressed"}


def test_two_that_chance_explains_do_not_help_each_other() -> None:
    assert alone({"a": 0.013, "b": 0.013}) == set()
    assert alone({"a": 0.012, "b": 0.024}) == {"a", "b"}
    assert alone({"a": 0.001, "b": 0.026}) == {"a"}


def test_what_speaks_against_a_regression_still_does() -> None:
    assert alone({"a": 0.001, "b": 0.02}, ratio=1.04) == set()
    assert alone({"a": 0.001, "b": 0.02}, doubt="the machine may have been busy") == set()
    assert alone({"a": 0.001, "b": 0.02}, verdict="fine") == set()


def test_one_that_measured_nothing_keeps_its_part() -> None:
    broken = CheckResult(Outcome.ERRORED, "exit status 1")
    two = {"a": recorded({"": 0.001}, 3), "b": recorded({"": 0.02}, 3)}
    assert told({**two, "c": broken}) == {("a", "")}
    assert judged_together({"c": broken}) == {}


def test_a_command_of_several_names_leaves_its_part_when_all_are_slower() -> None:
    single = recorded({"": 0.02}, 2)
    assert told({"a": recorded({"x": 0.006, "y": 0.02}, 2), "b": single}) == {("a", "x")}
    assert told({"a": recorded({"x": 0.006, "y": 0.012}, 2), "b": single}) == {
        ("a", "x"), ("a", "y"), ("b", ""),
    }  # fmt: skip


risk = st.floats(0.0001, 0.04)


@settings(max_examples=60, deadline=None)
@given(st.lists(risk, min_size=1, max_size=5))
def test_it_is_what_testing_every_combination_gives(risks: list[float]) -> None:
    """Closed testing: told is what every group it is in, taken alone, would tell."""
    by_name = {str(at): value for at, value in enumerate(risks)}
    groups = [
        group
        for size in range(1, len(risks) + 1)
        for group in itertools.combinations(by_name, size)
    ]
    standing = [g for g in groups if min(by_name[name] for name in g) > ALARM / len(g)]
    assert alone(by_name) == set(by_name) - set(itertools.chain.from_iterable(standing))


def test_identical_code_is_hardly_ever_told_whatever_the_others_are() -> None:
    generator, trials, alarms = random.Random(11), 4000, 0
    for _ in range(trials):
        slower = {f"slow {at}": recorded({"": 1e-6}, 6) for at in range(3)}
        same = {
            "same": recorded({"x": generator.random(), "y": generator.random()}, 6),
            **{f"same {at}": recorded({"": generator.random()}, 6) for at in range(2)},
        }
        alarms += any(check.startswith("same") for check, _ in told({**slower, **same}))
    # 25 in a thousand are allowed; three standard deviations more are chance.
    assert 0.01 * trials < alarms < 0.0325 * trials
