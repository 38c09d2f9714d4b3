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
    """``value`` and ``budget`` in ``unit`` (``x`` for a ratio within this run).

    ``stretch`` is how much slower than a quiet machine this one was meanwhile.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""
    stretch: float = 1.0

    @property
    def ok(self) -> bool:
        return self.budget is None or self.value <= self.budget * self.stretch

    @property
    def verdict(self) -> str:
        """In a word; what only fits because the machine was busy is told apart."""
        if self.budget is None:
            return ""
        if self.value <= self.budget:
            return "ok"
        return f"ok on a machine {self.stretch:.2g} x slower" if self.ok else "OVER"


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
