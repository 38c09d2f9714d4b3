"""How often something happened, and between which shares the truth lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Share"]

#: Confidence of the interval.
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of`` trials. ``low`` and ``high`` are the exact (Clopper-Pearson) bounds."""

    count: int
    of: int

    @property
    def low(self) -> float:
        return self._where(lambda share: self._at_least(self.count, share)) if self.count else 0.0

    @property
    def high(self) -> float:
        if self.count == self.of:
            return 1.0
        return self._where(lambda share: 1 - self._at_least(self.count + 1, share), falling=True)

    @property
    def percent(self) -> float:
        return 100 * self.count / self.of

    def __str__(self) -> str:
        """``3 of 50 (95 % sure: 1.3 to 16.5 %)``."""
        bounds = f"{100 * self.low:.1f} to {100 * self.high:.1f} %"
        return f"{self.count} of {self.of} ({100 * _LEVEL:g} % sure: {bounds})"

    def _at_least(self, count: int, share: float) -> float:
        """How likely so many are where each trial has this share."""
        return math.fsum(
            math.comb(self.of, k) * share**k * (1 - share) ** (self.of - k)
            for k in range(count, self.of + 1)
        )

    def _where(self, tail: Callable[[float], float], *, falling: bool = False) -> float:
        """The share at which the tail is as likely as may be."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            if (tail(middle) < (1 - _LEVEL) / 2) != falling:
                low = middle
            else:
                high = middle
        return (low + high) / 2
