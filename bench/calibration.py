"""Figures that mean something on a busy machine: measured in turn with the bare thing.

Batches of the operation alternate with batches of a bare SQLite commit of the
same durability (one row, nothing else), or with the bare interpreter. Told is
the median of the best batch. Where the bare thing takes longer than on a quiet
machine, so may the operation: the budget is stretched by as much, and the table
says so.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.row import Row

__all__ = ["Timed", "beside", "budgeted", "in_turn", "process_ratio"]

#: Seconds of a bare commit where the budgets were set (two cores, a virtual disk, quiet).
QUIET = {"NORMAL": 10e-6, "FULL": 110e-6}
_BATCHES, _EACH = 40, 40


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds: of the best batch and of all, and of the bare commit beside the best."""

    best: float
    usual: float
    bare: float
    level: str

    @property
    def stretch(self) -> float:
        """How much slower than a quiet machine this one was at its best moment."""
        return max(1.0, self.bare / QUIET[self.level])


def in_turn(
    operations: Mapping[str, Callable[[], object]],
    *,
    durable: bool = False,
    batches: int = _BATCHES,
    each: int = _EACH,
) -> dict[str, Timed]:
    """Every operation, its batches in turn with those of the others and of the bare commit."""
    level = "FULL" if durable else "NORMAL"
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in operations}
    with _commit(level) as commit:
        bare = _median(commit, each)
        for _ in range(batches):
            for name, operation in operations.items():
                before, taken = bare, _median(operation, each)
                bare = _median(commit, each)
                found[name].append((taken, min(before, bare)))
    return {name: _timed(pairs, level) for name, pairs in found.items()}


def _timed(pairs: Sequence[tuple[float, float]], level: str) -> Timed:
    """Of batches, each with the bare commit beside it: a processor changes its pace."""
    best, bare = min(pairs)
    return Timed(best, statistics.median(taken for taken, _ in pairs), bare, level)


def beside(seconds: Callable[[], float], batches: int = 5) -> Timed:
    """As ``in_turn``, of something that sets itself up and says how long it took."""
    bare, found = [], []
    with _commit("NORMAL") as commit:
        for _ in range(batches):
            bare.append(_median(commit, _EACH))
            found.append(seconds())
    return Timed(min(found), statistics.median(found), min(bare), "NORMAL")


def budgeted(what: str, timed: Timed, budget: float | None, unit: str = "µs") -> Row:
    """A row of a measured operation; ``budget`` in ``unit`` (µs or ms)."""
    scale = {"µs": 1e6, "ms": 1e3}[unit]
    ratio = timed.best / timed.bare
    note = f"usual {timed.usual * scale:.3g}; bare commit {timed.bare * 1e6:.0f} µs, {ratio:.3g} x"
    return Row(what, timed.best * scale, unit, budget, note, timed.stretch)


def process_ratio(command: Sequence[str], repeats: int, cwd: str) -> tuple[float, float]:
    """How many times the bare interpreter a process takes, each beside one; and its seconds."""
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    pairs = [(_process(bare, cwd), _process(command, cwd)) for _ in range(repeats)]
    return statistics.median(ours / unit for unit, ours in pairs), min(unit for unit, _ in pairs)


def _process(command: Sequence[str], cwd: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, capture_output=True, check=True)
    return time.perf_counter() - start


def _median(body: Callable[[], object], repeats: int) -> float:
    samples = []
    body()  # a change of durability and cold caches are not what is measured
    for _ in range(repeats):
        start = time.perf_counter()
        body()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


@contextmanager
def _commit(level: str) -> Iterator[Callable[[], None]]:
    """One inserted row and its commit, in a log that need not grow."""
    with tempfile.TemporaryDirectory() as folder:
        raw = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        for setting in ("journal_mode = WAL", "wal_autocheckpoint = 0", f"synchronous = {level}"):
            raw.execute(f"PRAGMA {setting}")
        raw.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, x TEXT)")
        count = 0

        def commit() -> None:
            nonlocal count
            count += 1
            if count % 800 == 0:
                raw.execute("PRAGMA wal_checkpoint(RESTART)")
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("INSERT INTO t (x) VALUES ('x')")
            raw.execute("COMMIT")

        for _ in range(800):
            commit()
        yield commit
        raw.close()
