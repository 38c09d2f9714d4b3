"""The chance is counted, not estimated: it agrees with listing every combination of signs."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.benchmarks.signs import chance


def listed(values: list[float]) -> float:
    """The definition: every combination of signs, ranks by counting."""
    sizes = [abs(value) for value in values if value]
    ranks = [
        sum(other < size for other in sizes) + (sum(other == size for other in sizes) + 1) / 2
        for size in sizes
    ]
    seen = sum(rank for rank, value in zip(ranks, filter(None, values), strict=True) if value > 0)
    signs = itertools.product((0, 1), repeat=len(sizes))
    sums = [sum(itertools.compress(ranks, chosen)) for chosen in signs]
    return sum(one >= seen for one in sums) / len(sums)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-4, 4).map(float), max_size=9))
def test_it_is_what_listing_every_combination_gives(values: list[float]) -> None:
    assert chance(values) == pytest.approx(listed(values))


def test_all_in_one_direction_is_as_rare_as_a_coin_that_always_shows_heads() -> None:
    assert chance([0.1, 0.3, 0.2]) == 1 / 8
    assert chance([-0.1, -0.3, -0.2]) == 1.0
    assert chance([]) == chance([0.0, 0.0]) == 1.0


def test_many_values_are_judged_like_few() -> None:
    generator = random.Random(5)
    values = [generator.gauss(0.25, 1) for _ in range(64)]
    assert chance([*values, 1e-9]) == pytest.approx(chance(values), rel=0.15)
    assert chance([1.0] * 1000) < 1e-12
