"""What the rest of the program may ask of a store, whatever database is under it.

Rows are dicts of plain values (str, int, None); JSON goes in as text. There is
one writer at a time per project and every write is one transaction that also
appends its events. ``store.sqlite`` is the embedded default,
``orchestrator.testing.MemoryStore`` the twin in memory; both pass the same
conformance suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

__all__ = ["NewEvent", "Reader", "Row", "Store", "Transaction", "Value"]

Value = str | int | None
Row = dict[str, Any]
T = TypeVar("T")


class NewEvent(NamedTuple):
    """An event to append. ``kind`` is ``noun.verb`` (``handoff.approve``).

    ``actor`` is an instance id, ``human:<user>`` or ``coordinator``; ``before``
    and ``after`` are the versions of the changed row, where there is one;
    ``data`` is a JSON object.
    """

    kind: str
    actor: str
    instance: str | None = None
    handoff: str | None = None
    reason: str | None = None
    before: int | None = None
    after: int | None = None
    data: Mapping[str, Any] = MappingProxyType({})


class Reader(Protocol):
    """A consistent view of every table at one moment."""

    @property
    def now(self) -> int:
        """The store's clock: milliseconds since the epoch, UTC."""

    def get(self, table: str, **key: Value) -> Row | None:
        """The one row with these values, or None."""

    def find(
        self,
        table: str,
        where: Mapping[str, Value | Sequence[Value]] | None = None,
        *,
        order: str | None = None,
        limit: int | None = None,
        after: tuple[str, int] | None = None,
        under: tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[Row]:
        """Rows whose columns equal the given values (a sequence means: any of).

        ``table`` is one of ``tables.TABLES``, or ``events``. Raises ValueError
        for a table or column that does not exist.

        ``order`` is a column, ``-column`` for descending; default is the key.
        ``after`` is (column, number): only rows with a greater value.
        ``under`` is (column, text): only rows whose value begins with that text.
        ``columns`` leaves out the others (a run's report is large).
        """

    def count(self, table: str, where: Mapping[str, Value | Sequence[Value]] | None = None) -> int:
        """How many rows ``find`` would give without a limit."""


class Transaction(Reader, Protocol):
    """A write transaction: all of it happens or nothing."""

    def insert(self, table: str, row: Row) -> None:
        """Add a row. Raises ``store.errors.Duplicate`` when its key is taken."""

    def update(
        self, table: str, key: Mapping[str, Value], changes: Row, *, expect: Row | None = None
    ) -> bool:
        """Change the row with ``key`` if its columns still are as in ``expect``.

        False when there is no such row or something moved: compare-and-set.
        """

    def delete(self, table: str, where: Mapping[str, Value | Sequence[Value]]) -> int:
        """Remove the matching rows; how many there were. ``where`` may not be empty."""

    def number(self, counter: str) -> int:
        """The next number of a named counter, from 1, without gaps in one store."""

    def record(self, event: NewEvent) -> int:
        """Append an event to the hash chain; its sequence number."""


class Store(Protocol):
    """A project's store. Safe to use from several threads and processes."""

    def read(self, body: Callable[[Reader], T]) -> T:
        """Run ``body`` on a consistent view."""

    def write(
        self,
        body: Callable[[Transaction], T],
        *,
        durable: bool = False,
        key: str | None = None,
    ) -> T:
        """Run ``body`` in a write transaction and commit it; roll back if it raises.

        ``durable`` waits for the disk (transitions, decisions, messages).
        ``key`` makes it happen once: a second call with the same key changes
        nothing and returns the recorded result, which then must be JSON.
        """

    def version(self) -> int:
        """A number that grows whenever anybody committed; costs microseconds."""

    def events(
        self, *, after: int = 0, limit: int | None = None, where: Mapping[str, Value] | None = None
    ) -> Iterable[Row]:
        """Events in order, those with a sequence number greater than ``after``."""

    def verify_events(self) -> int:
        """Check the hash chain; how many events there are. Raises ``store.errors.Tampered``."""

    def close(self) -> None:
        """Release everything. Harmless twice."""
