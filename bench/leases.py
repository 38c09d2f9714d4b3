"""The budgets of leases: acquire, renew and look, with few and with very many held."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bench.row import Row, median_of
from orchestrator.coordination import leases
from orchestrator.coordination.paths import file_target
from orchestrator.store.port import NewEvent, Reader, Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_SIZES = (10, 1_000, 100_000)
_REPEATS = 500
_numbers = count()


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "state")
        try:
            yield from _sizes(store)
        finally:
            store.close()


def _sizes(store: SqliteStore) -> Iterator[Row]:
    first: dict[str, float] = {}
    held = 0
    for size in _SIZES:
        _hold(store, held, size)
        held = size
        for what, seconds in _measured(store).items():
            budget = None if what == "bare event" else 150.0
            yield Row(f"{what}, {size:,} held", seconds * 1e6, "µs", budget)
            if size == _SIZES[-1] and what != "bare event":
                yield Row(f"… {what} against {_SIZES[0]}", seconds / first[what], "x", 1.5)
            first.setdefault(what, seconds)


def _measured(store: SqliteStore) -> dict[str, float]:
    """Medians in seconds. The bare event is the part of acquire that every change pays."""
    return {
        "bare event": median_of(lambda: store.write(_event), _REPEATS),
        "acquire": median_of(lambda: store.write(_acquire), _REPEATS),
        "renew": median_of(lambda: store.write(_renew), _REPEATS),
        "look": median_of(lambda: store.read(_look), _REPEATS),
    }


def _hold(store: SqliteStore, start: int, end: int) -> None:
    def body(tx: Transaction) -> None:
        for number in range(start, end):
            path = f"src/part{number % 100}/file{number}.py"
            leases.acquire(
                tx,
                [file_target(path)],
                instance=f"i{number % 50}",
                ttl_ms=leases.LONGEST_MS,
            )

    store.write(body)


def _event(tx: Transaction) -> None:
    tx.record(NewEvent("bench.nothing", "me"))


def _acquire(tx: Transaction) -> None:
    leases.acquire(tx, [file_target(f"src/mine/new{next(_numbers)}.py")], instance="me")


def _renew(tx: Transaction) -> None:
    leases.acquire(tx, [file_target("src/mine/new0.py")], instance="me")


def _look(reader: Reader) -> None:
    leases.check(reader, file_target("src/part1/file1.py"), instance="me")
