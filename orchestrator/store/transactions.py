"""Views and transactions over any SQL database: the operations of ``store.port``.

Knows the tables and the chain of events, not the database: a ``Database`` runs
the statements. One writer at a time is the store's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orchestrator.store import rows, sql
from orchestrator.store.events import Head, link
from orchestrator.store.port import NewEvent, Row, Value
from orchestrator.store.rows import Where

__all__ = ["CHAIN", "Database", "View", "Writing"]

#: The row of ``meta`` that holds the end of the chain of events.
CHAIN = "chain"
_HEAD = 'SELECT "value" FROM "meta" WHERE "name" = ?'
_SET_HEAD = (
    'INSERT INTO "meta" ("name", "value") VALUES (?, ?) '
    'ON CONFLICT ("name") DO UPDATE SET "value" = excluded."value"'
)
_COUNT = (
    'INSERT INTO "counters" ("name", "value") VALUES (?, 1) '
    'ON CONFLICT ("name") DO UPDATE SET "value" = "counters"."value" + 1'
)
_COUNTED = 'SELECT "value" FROM "counters" WHERE "name" = ?'


class Database(Protocol):
    """What a database adapter does with statements. Raises ``store.errors``."""

    def rows(self, text: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Run a query; its rows."""

    def change(self, text: str, values: Sequence[Value] = ()) -> int:
        """Run a change; how many rows it touched."""

    def clock(self) -> int:
        """The database's clock, in ms since the epoch."""


class View:
    """A consistent view, usable until its ``read`` or ``write`` returns."""

    def __init__(self, database: Database) -> None:
        self._open: Database | None = database
        self._now: int | None = None
        self._head: Head | None = None

    @property
    def now(self) -> int:
        """The moment of this view: the database's clock, never before the last event."""
        if self._now is None:
            self._now = max(self._database.clock(), self.head().at)
        return self._now

    def get(self, table: str, **key: Value) -> Row | None:
        found = self.find(table, key, limit=1)
        return found[0] if found else None

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
        names = tuple(columns) if columns else rows.all_columns(table)
        text, values = sql.select(table, where, order, limit, after, under, names)
        return rows.maker(names)(self._database.rows(text, values))

    def count(self, table: str, where: Where | None = None) -> int:
        return int(self._database.rows(*sql.count(table, where))[0][0])

    def head(self) -> Head:
        """The end of the chain of events."""
        if self._head is None:
            found = self._database.rows(_HEAD, (CHAIN,))
            self._head = Head.parse(found[0][0] if found else None)
        return self._head

    def end(self) -> None:
        """Make this view unusable: what it would say is no longer consistent."""
        self._open = None

    @property
    def _database(self) -> Database:
        if self._open is None:
            raise RuntimeError("a view of the store was used after its transaction ended")
        return self._open


class Writing(View):
    """A write transaction."""

    def insert(self, table: str, row: Row) -> None:
        self._database.change(*sql.insert(table, rows.full(table, row)))

    def update(
        self, table: str, key: Mapping[str, Value], changes: Row, *, expect: Row | None = None
    ) -> bool:
        if not changes:
            return int(self._database.rows(*sql.present(table, key, expect))[0][0]) == 1
        return self._database.change(*sql.update(table, key, changes, expect)) == 1

    def delete(self, table: str, where: Where) -> int:
        return self._database.change(*sql.delete(table, where))

    def number(self, counter: str) -> int:
        # Two statements: RETURNING costs several times as much as asking.
        self._database.change(_COUNT, (counter,))
        return int(self._database.rows(_COUNTED, (counter,))[0][0])

    def record(self, event: NewEvent) -> int:
        head = self.head()
        row = link(head, event, self.now)
        self._database.change(*sql.insert_event(row))
        self._set_head(Head(row["seq"], row["at"], row["hash"]))
        return int(row["seq"])

    def _set_head(self, head: Head) -> None:
        self._database.change(_SET_HEAD, (CHAIN, head.text()))
        self._head = head

    # -- idempotency ------------------------------------------------------------------

    def recorded(self, key: str) -> str | None:
        """The result (JSON) of the operation ``key``, if it happened."""
        found = self._database.rows('SELECT "result" FROM "operations" WHERE "key" = ?', (key,))
        return str(found[0][0]) if found else None

    def remember(self, key: str, result: str, keep: int) -> None:
        """Record the result of ``key``; forget those older than ``keep`` ms."""
        self._database.change('DELETE FROM "operations" WHERE "at" < ?', (self.now - keep,))
        self._database.change(
            'INSERT INTO "operations" ("key", "result", "at") VALUES (?, ?, ?)',
            (key, result, self.now),
        )
