"""``./dev bench``: a share of trials is told with exact bounds."""

from __future__ import annotations

import math

import pytest

from bench.share import Share


def test_a_share_is_told_with_its_bounds() -> None:
    assert str(Share(0, 50)) == "0 of 50 (95 % sure: 0.0 to 7.1 %)"
    assert str(Share(1, 50)) == "1 of 50 (95 % sure: 0.1 to 10.6 %)"
    assert str(Share(3, 3)) == "3 of 3 (95 % sure: 29.2 to 100.0 %)"


@pytest.mark.parametrize("count", [1, 7, 19])
def test_at_each_bound_what_was_seen_is_just_likely_enough(count: int) -> None:
    share = Share(count, 20)

    def tail(p: float, seen: range) -> float:
        return sum(math.comb(20, k) * p**k * (1 - p) ** (20 - k) for k in seen)

    assert tail(share.low, range(count, 21)) == pytest.approx(0.025)
    assert tail(share.high, range(count + 1)) == pytest.approx(0.025)
