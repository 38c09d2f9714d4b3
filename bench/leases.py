"""The budgets of leases: acquire, renew and look, with few and with very many held."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
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
#: In µs. The event is the part of acquire that every change pays.
_BUDGETS = {"event": None, "acquire": 150.0, "renew": 150.0, "look": 150.0}
_numbers = count()


def measure() -> Iterator[Row]:
    with ExitStack() as stack:
        stores = {size: stack.enter_context(_holding(size)) for size in _SIZES}
        yield from _rows(in_turn(dict(_operations(stores))))


def _rows(measured: Mapping[str, Timed]) -> Iterator[Row]:
    """In turn means that every size saw the same machine, so sizes can be compared."""
    for what, budget in _BUDGETS.items():
        for size in _SIZES:
            yield budgeted(_name(what, size), measured[_name(what, size)], budget)
        if budget:
            few, many = (measured[_name(what, size)].best for size in (_SIZES[0], _SIZES[-1]))
            yield Row(f"… {what} against {_SIZES[0]}", many / few, "x", 1.5)


def _operations(stores: Mapping[int, SqliteStore]) -> Iterator[tuple[str, Callable[[], object]]]:
    for size, store in stores.items():
        store.write(_renew)
        yield _name("event", size), partial(store.write, _event)
        yield _name("acquire", size), partial(store.write, _acquire)
        yield _name("renew", size), partial(store.write, _renew)
        yield _name("look", size), partial(store.read, _look)


def _name(what: str, size: int) -> str:
    return f"{what}, {size:,} held"


@contextmanager
def _holding(size: int) -> Iterator[SqliteStore]:
    """A store in which so many leases are held."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "state")
        try:
            _hold(store, size)
            yield store
        finally:
            store.close()


def _hold(store: SqliteStore, size: int) -> None:
    def body(tx: Transaction) -> None:
        for number in range(size):
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
