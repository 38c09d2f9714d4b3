"""The store's twin in memory, for tests and for documents that are read like a store.

The twin shares no code with the SQL store but the rules of rows and the chain
of events, so that comparing the two means something. Nothing here is for
production: nothing is kept.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from orchestrator.store import rows
from orchestrator.store.errors import Duplicate
from orchestrator.store.events import Head, link, verify
from orchestrator.store.port import NewEvent, Reader, Row, Transaction, Value
from orchestrator.store.rows import Where
from orchestrator.store.schema import SCHEMA, VERSION
from orchestrator.store.tables import TABLES

__all__ = ["MemoryStore"]

T = TypeVar("T")
_WEEK_MS = 7 * 24 * 3600 * 1000


class _Contents:
    """Everything a store holds."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[Value, ...], Row]] = {name: {} for name in TABLES}
        self.tables["meta"][(SCHEMA,)] = {"name": SCHEMA, "value": str(VERSION)}
        self.events: list[Row] = []
        self.counters: dict[str, int] = {}
        self.operations: dict[str, tuple[str, int]] = {}


class _View:
    """A ``Reader`` of some contents."""

    def __init__(self, contents: _Contents, clock: Callable[[], int]) -> None:
        self._open: _Contents | None = contents
        self._clock, self._now = clock, -1

    @property
    def now(self) -> int:
        if self._now < 0:
            self._now = max(self._clock(), self._head().at)
        return self._now

    def get(self, table: str, **key: Value) -> Row | None:
        return next(iter(self.find(table, key, limit=1)), None)

    def find(
        self,
        table: str,
        where: Where | None = None,
        *,
        order: str | None = None,
        limit: int | None = None,
        after: tuple[str, int] | None = None,
        under: tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[Row]:
        shape = rows.readable(table)
        names = columns or rows.columns_of(shape)
        rows.known(table, shape, [*names, *(bound[0] for bound in (after, under) if bound)])
        found = [row for row in self._rows(table) if self._matches(table, row, where)]
        if after is not None:
            found = [row for row in found if _greater(row[after[0]], after[1])]
        if under is not None:
            column, start = rows.beginning(*under)
            found = [row for row in found if str(row[column] or "").startswith(start)]
        found.sort(key=lambda row: tuple(_rank(row[name]) for name in shape.key))
        if order is not None:
            column = order.removeprefix("-")
            rows.known(table, shape, (column,))
            found.sort(key=lambda row: _rank(row[column]), reverse=order.startswith("-"))
        if limit is not None:
            found = found[: max(0, limit)]
        return [{name: row[name] for name in names} for row in found]

    def count(self, table: str, where: Where | None = None) -> int:
        return len(self.find(table, where))

    def end(self) -> None:
        self._open = None

    @property
    def _contents(self) -> _Contents:
        if self._open is None:
            raise RuntimeError("a view of the store was used after its transaction ended")
        return self._open

    def _rows(self, table: str) -> Iterable[Row]:
        contents = self._contents
        return contents.events if table == "events" else contents.tables[table].values()

    def _matches(self, table: str, row: Row, where: Where | None) -> bool:
        shape = rows.readable(table)
        for column, value in (where or {}).items():
            rows.known(table, shape, (column,))
            options = [value] if value is None or isinstance(value, str | int) else value
            if row[column] not in [
                rows.checked(table, shape, {column: v})[column] for v in options
            ]:
                return False
        return True

    def _head(self) -> Head:
        row = self._contents.tables["meta"].get(("chain",))
        return Head.parse(row["value"] if row else None)


class _Writing(_View):
    """A ``Transaction`` on contents that nobody else sees yet."""

    def insert(self, table: str, row: Row) -> None:
        new = rows.full(table, row)
        place = self._contents.tables[table]
        key = _key(table, new)
        if key in place or self._collides(table, new):
            raise Duplicate(f"it exists already ({table} {key})")
        place[key] = new

    def update(
        self, table: str, key: Mapping[str, Value], changes: Row, *, expect: Row | None = None
    ) -> bool:
        rows.fixed(table, key, changes)
        new = rows.checked(table, rows.writable(table), changes)
        wanted = rows.checked(table, rows.writable(table), {**(expect or {}), **key})
        old = self._contents.tables[table].get(_key(table, wanted))
        if old is None or any(old[column] != value for column, value in wanted.items()):
            return False
        if self._collides(table, {**old, **new}):
            raise Duplicate(f"it exists already ({table})")
        old.update(new)
        return True

    def delete(self, table: str, where: Where) -> int:
        rows.writable(table)
        if not where:
            raise ValueError("delete needs a condition")
        gone = [_key(table, row) for row in self.find(table, where)]
        for key in gone:
            del self._contents.tables[table][key]
        return len(gone)

    def number(self, counter: str) -> int:
        counters = self._contents.counters
        counters[counter] = counters.get(counter, 0) + 1
        return counters[counter]

    def record(self, event: NewEvent) -> int:
        row = link(self._head(), event, self.now)
        shape = rows.readable("events")
        self._contents.events.append(rows.checked("events", shape, row))
        head = Head(row["seq"], row["at"], row["hash"])
        self._contents.tables["meta"][("chain",)] = {"name": "chain", "value": head.text()}
        return int(row["seq"])

    def once(self, key: str, body: Callable[[Transaction], Any]) -> Any:
        """The result of ``body``, run at most once per key."""
        done = self._contents.operations
        if key not in done:
            text = json.dumps(body(self))
            for old in [name for name, (_, at) in done.items() if at < self.now - _WEEK_MS]:
                del done[old]
            done[key] = (text, self.now)
        return json.loads(done[key][0])

    def _collides(self, table: str, new: Row) -> bool:
        """Another row has the same values in columns that are unique together."""
        for columns in TABLES[table].unique:
            mine = [new[column] for column in columns]
            for key, row in self._contents.tables[table].items():
                same = [row[column] for column in columns] == mine
                if key != _key(table, new) and None not in mine and same:
                    return True
        return False


class MemoryStore:
    """A ``store.port.Store`` in memory, for one process."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock or (lambda: time.time_ns() // 1_000_000)
        self._contents = _Contents()
        self._lock = threading.RLock()
        self._view: _View | None = None
        self._writing = False
        self._version = 1

    def read(self, body: Callable[[Reader], T]) -> T:
        with self._lock:
            if self._view is not None:
                return body(self._view)
            view = self._view = _View(self._contents, self._clock)
            try:
                return body(view)
            finally:
                self._view = None
                view.end()

    def write(
        self,
        body: Callable[[Transaction], T],
        *,
        durable: bool = False,
        key: str | None = None,
    ) -> T:
        with self._lock:
            if self._writing or self._view is not None:
                raise RuntimeError("a write inside a transaction")
            self._writing = True
            fresh = copy.deepcopy(self._contents)
            transaction = _Writing(fresh, self._clock)
            try:
                result: T = transaction.once(key, body) if key else body(transaction)
            finally:
                self._writing = False
                transaction.end()
            self._contents = fresh
            self._version += 1
            return result

    def version(self) -> int:
        return self._version

    def events(
        self, *, after: int = 0, limit: int | None = None, where: Mapping[str, Value] | None = None
    ) -> Iterator[Row]:
        return iter(self.read(lambda r: r.find("events", where, after=("seq", after), limit=limit)))

    def verify_events(self) -> int:
        with self._lock:
            row = self._contents.tables["meta"].get(("chain",))
            return verify(self._contents.events, Head.parse(row["value"] if row else None))

    def close(self) -> None:
        """Nothing to release."""


def _key(table: str, row: Row) -> tuple[Value, ...]:
    return tuple(row[name] for name in TABLES[table].key)


def _rank(value: Value) -> tuple[int, Any]:
    """Nothing (None) comes first."""
    return (0, 0) if value is None else (1, value)


def _greater(value: Value, than: int) -> bool:
    return isinstance(value, int) and value > than
