"""The budget of decisions: an append with its event, on the disk; a query of many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, median_of
from bench.store import flush
from orchestrator.coordination.decisions import Draft, add, listed
from orchestrator.coordination.health import concerns
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_DRAFT = Draft("Use JWT", "tokens of 15 minutes", "security", "service", affects=("all",))
_SIZES = (10, 1000, 10_000)


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
    append = median_of(lambda: store.write(_append, durable=True), 200)
    note = f"disk flush alone {flush():.0f} µs"
    yield Row(f"decision append and event, {size:,} rows", append * 1e6, "µs", 400, note)
    newest = median_of(lambda: store.read(lambda reader: listed(reader, limit=20)), 20)
    yield Row(f"the newest 20 of {size:,}", newest * 1e3, "ms")
    health = median_of(lambda: store.read(concerns), 5)
    yield Row(f"health, {size:,} decisions", health * 1e3, "ms")


def _append(tx: Transaction) -> object:
    return add(tx, _DRAFT, actor="backend")["id"]


def _fill(store: SqliteStore, count: int) -> None:
    def body(tx: Transaction) -> None:
        for _ in range(count):
            add(tx, _DRAFT, actor="backend")

    store.write(body)
