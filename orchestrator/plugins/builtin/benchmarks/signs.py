"""How likely is it that chance alone made the pairs point this way? Pure.

Which side of a pair is measured first is drawn by lot. If both sides run the
same code, the lot alone decides which of two neighbouring runs counts as the
candidate's: the sign of each difference is the toss of a coin, whatever the
machine was doing, for however long, and however much one pair resembles the
next. So Wilcoxon's signed-rank sum has a known distribution that assumes
nothing about the noise, and it is counted here exactly.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

__all__ = ["chance"]

#: Up to so many values every combination of signs is counted; beyond, the normal
#: distribution is as good.
_COUNTED = 64


def chance(values: Sequence[float]) -> float:
    """The share of all combinations of signs whose rank sum of positive values is as large.

    From 2 ** -len(values), when all are positive, to 1. Zeros say nothing.
    """
    kept = [value for value in values if value]
    if not kept:
        return 1.0
    ranks = _doubled_ranks([abs(value) for value in kept])
    positive = sum(rank for rank, value in zip(ranks, kept, strict=True) if value > 0)
    if len(kept) > _COUNTED:
        return _normal(ranks, positive)
    return _at_least(tuple(sorted(ranks)))[positive]


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Twice the rank of each size, so that the mean rank of equal ones is a whole number."""
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    ranks, start = [0] * len(sizes), 0
    while start < len(order):
        end = start
        while end < len(order) and sizes[order[end]] == sizes[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = start + 1 + end
        start = end
    return ranks


@functools.lru_cache(maxsize=256)
def _at_least(ranks: tuple[int, ...]) -> list[float]:
    """By rank sum: the share of the subsets of ``ranks`` whose sum is at least that.

    The counts of all sums are the coefficients of the product of ``1 + x ** rank``,
    kept side by side in one large whole number.
    """
    width = len(ranks) // 8 + 1
    product = 1
    for rank in ranks:
        product += product << (8 * width * rank)
    total = sum(ranks)
    raw = product.to_bytes(width * (total + 1), "little")
    shares, above = [0.0] * (total + 1), 0
    for at in range(total, -1, -1):
        above += int.from_bytes(raw[width * at : width * (at + 1)], "little")
        shares[at] = above / 2 ** len(ranks)
    return shares


def _normal(ranks: Sequence[int], positive: int) -> float:
    deviation = math.sqrt(sum(rank * rank for rank in ranks)) / 2
    return math.erfc((positive - 1 - sum(ranks) / 2) / deviation / math.sqrt(2)) / 2
