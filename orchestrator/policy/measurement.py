"""What one run measured, and how the ratios of what landed add up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Point", "added_up"]


@dataclass(frozen=True, slots=True)
class Point:
    """What one run measured of one name of a benchmark.

    ``machine`` is the identity of ``fingerprint``. ``base`` and ``candidate`` are medians in
    ``unit``; ``ratio`` with ``low`` and ``high`` is None where nothing was compared.
    ``landed``: the work that was measured is on the integration branch. ``together`` is the
    product of the ratios of all that landed so far, this one included, on this machine.
    """

    benchmark: str
    name: str
    run: str
    handoff: str | None
    at: int
    machine: str
    fingerprint: Mapping[str, Any]
    verdict: str
    unit: str
    candidate: float
    base: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    landed: bool = False
    together: float = 1.0

    @property
    def title(self) -> str:
        """``search``, or ``search parse`` for one of several names."""
        return f"{self.benchmark} {self.name}".strip()


def added_up(points: Iterable[Point]) -> Iterator[Point]:
    """The points with ``together``; those of one benchmark, name and machine oldest first."""
    together: dict[tuple[str, str, str], float] = {}
    for point in points:
        key = (point.benchmark, point.name, point.machine)
        share = point.ratio if point.landed and point.ratio else 1.0
        together[key] = together.get(key, 1.0) * share
        yield replace(point, together=together[key])
