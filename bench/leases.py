"""The budgets of leases: acquire, renew and look, with few and with very many held."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bench.calibration import Timed, budgeted, in_turn
from bench.row import Row
from orchestrator.coordination import leases
from orchestrator.coordination.paths import file_target
from orchestrator.store.port import NewEvent, Reader, Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_SIZES = (10, 1_000, 100_000)
_numbers = count()


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "state")
        try:
            yield from _sizes(store)
        finally:
            store.close()


def _sizes(store: SqliteStore) -> Iterator[Row]:
    first: dict[str, Timed] = {}
    held = 0
    for size in _SIZES:
        _hold(store, held, size)
        held = size
        for what, timed in _measured(store).items():
            budget = None if what == "event" else 150.0
            yield budgeted(f"{what}, {size:,} held", timed, budget)
            if size == _SIZES[-1] and what != "event":
                # Each against its own bare commit: the machine may have changed meanwhile.
                before = first[what].best / first[what].bare
                ratio = timed.best / timed.bare / before
                yield Row(f"… {what} against {_SIZES[0]}", ratio, "x", 1.5)
            first.setdefault(what, timed)


def _measured(store: SqliteStore) -> dict[str, Timed]:
    """The event is the part of acquire that every change pays."""
    store.write(_renew)
    return in_turn(
        {
            "event": lambda: store.write(_event),
            "acquire": lambda: store.write(_acquire),
            "renew": lambda: store.write(_renew),
            "look": lambda: store.read(_look),
        }
    )


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
