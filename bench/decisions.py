"""The budget of decisions: an append with its event, on the disk; a query of many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.calibration import budgeted, in_turn
from bench.row import Row
from orchestrator.coordination.decisions import Draft, add, listed
from orchestrator.coordination.health import concerns
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_DRAFT = Draft("Use JWT", "tokens of 15 minutes", "security", "service", affects=("all",))
_SIZES = (10, 1_000, 10_000)


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "state")
        try:
            for size in _SIZES:
                yield from _at(store, size)
        finally:
            store.close()


def _at(store: SqliteStore, size: int) -> Iterator[Row]:
    """Everything with ``size`` decisions in the log."""
    _fill(store, size - store.read(lambda reader: reader.count("decisions")))
    append = in_turn({"": lambda: store.write(_append, durable=True)}, durable=True)[""]
    yield budgeted(f"decision append and event, {size:,} rows", append, 400)
    looks = in_turn(
        {
            f"the newest 20 of {size:,}": lambda: store.read(lambda r: listed(r, limit=20)),
            f"health, {size:,} decisions": lambda: store.read(concerns),
        },
        batches=5,
        each=5,
    )
    for what, timed in looks.items():
        yield budgeted(what, timed, None, "ms")


def _append(tx: Transaction) -> object:
    return add(tx, _DRAFT, actor="backend")["id"]


def _fill(store: SqliteStore, count: int) -> None:
    def body(tx: Transaction) -> None:
        for _ in range(count):
            add(tx, _DRAFT, actor="backend")

    store.write(body)
