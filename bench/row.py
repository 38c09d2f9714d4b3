"""One measured figure beside its budget."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Row", "floor", "median_of", "process_seconds"]


@dataclass(frozen=True, slots=True)
class Row:
    """``value`` and ``budget`` in ``unit`` (``x`` for a ratio within this run)."""

    what: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.budget is None or self.value <= self.budget


def median_of(body: Callable[[], object], repeats: int) -> float:
    """Median seconds of ``body``."""
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        body()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def process_seconds(command: Sequence[str], repeats: int = 15, cwd: str | None = None) -> float:
    """Median seconds of a whole process."""
    return median_of(
        lambda: subprocess.run(command, cwd=cwd, capture_output=True, check=True), repeats
    )


def floor(repeats: int = 25) -> float:
    """Median seconds of the bare interpreter, the unit of the process budgets."""
    return process_seconds([sys.executable, "-I", "-S", "-c", "pass"], repeats)
