"""The embedded store: SQLite behind the gate.

Write-ahead log, one writer at a time: gate, ``BEGIN IMMEDIATE``, change and
event, commit. Never a deferred ``BEGIN`` for a write (it fails as soon as
somebody else wrote), never an automatic checkpoint: checkpoint and close happen
under the gate, where no commit can be under way.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import OrchestrateError
from orchestrator.store import backup, events, log, place, schema
from orchestrator.store.connections import FILE, Connections
from orchestrator.store.driver import TYPES, Clock, DriverError, SqliteDatabase, refuse_old_driver
from orchestrator.store.gate import WAIT
from orchestrator.store.port import Reader, Row, Transaction, Value
from orchestrator.store.transactions import View, Writing

__all__ = ["FILE", "Clock", "SqliteDatabase", "SqliteStore", "open_store"]

T = TypeVar("T")

_CHECKPOINT_BYTES = log.BYTES
#: Writes between two looks at the length of the log.
_LOOK_EVERY = 8
_KEEP_RESULTS_MS = 7 * 24 * 3600 * 1000
_PAGE = 1000


class SqliteStore:
    """A ``store.port.Store`` in one file. Made by ``open_store``."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, wait: float = WAIT) -> None:
        self._connections = Connections(folder, clock, wait)
        self._checkpoint_at, self._log = _CHECKPOINT_BYTES, f"{self.path}-wal"
        self._writes = 0
        self._reading = threading.RLock()
        self._view: View | None = None
        self._writer: int | None = None
        weakref.finalize(self, self._connections.close)
        _stores.add(self)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._connections.path

    def read(self, body: Callable[[Reader], T]) -> T:
        with self._reading:
            if self._view is not None:
                return body(self._view)
            database = self._connections.get("read")
            database.change("BEGIN")
            view = self._view = View(database)
            try:
                return body(view)
            finally:
                self._view = None
                view.end()
                database.rollback()

    def write(
        self,
        body: Callable[[Transaction], T],
        *,
        durable: bool = False,
        key: str | None = None,
    ) -> T:
        self._refuse_nesting()
        events.sha256()  # imported before anybody waits for us
        with self._connections.gate:
            self._writer, self._connections.writing = threading.get_ident(), True
            try:
                database = self._connections.get("write")
                result = _transact(database, body, durable=durable, key=key)
                self._connections.wrote = True
                checkpointed = self._checkpoint(database)
            finally:
                self._writer, self._connections.writing = None, False
        if checkpointed:
            self._connections.keep_copy()
        return result

    def version(self) -> int:
        with self._reading:
            return self._connections.get("read").version()

    def events(
        self, *, after: int = 0, limit: int | None = None, where: Mapping[str, Value] | None = None
    ) -> Iterator[Row]:
        left = limit
        while left is None or left > 0:
            page = self._page(after, _PAGE if left is None else min(left, _PAGE), where)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1]["seq"]
            left = None if left is None else left - len(page)

    def verify_events(self) -> int:
        def body(reader: Reader) -> int:
            assert isinstance(reader, View)
            return events.verify(_all_events(reader), reader.head())

        return self.read(body)

    def close(self) -> None:
        with self._reading:
            self._connections.close()

    def prepare(self, project: str | None) -> None:
        """Make the tables, or bring older ones forward; safe for two processes at once."""
        if self._occupied() and self._connections.get("read").schema() == str(schema.VERSION):
            return
        with self._connections.gate:
            if not self._occupied():
                backup.refuse_fresh_start(self.path)
                _touch(self.path)
            _bring_forward(self._connections.get("write"), project)

    def _occupied(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def _page(self, after: int, size: int, where: Mapping[str, Value] | None) -> list[Row]:
        return self.read(lambda r: r.find("events", where, after=("seq", after), limit=size))

    def _checkpoint(self, database: SqliteDatabase) -> bool:
        """Empty a long log, under the gate; what was committed stays committed if it fails.

        Looked at with the first write of a process and then now and again: a log
        that is a few commits longer does no harm.
        """
        self._writes += 1
        if self._writes % _LOOK_EVERY != 1:
            return False
        try:
            if not log.reaches(self._log, self._checkpoint_at):
                return False
            left = database.checkpoint()
        except (OSError, OrchestrateError):
            left = self._checkpoint_at
        # While a reader keeps the log alive, asking after every commit would be a waste.
        self._checkpoint_at = left + _CHECKPOINT_BYTES
        return not left

    def _refuse_nesting(self) -> None:
        """A second transaction of one thread would wait for its own first one."""
        if self._writer == threading.get_ident():
            raise RuntimeError("a write inside a write: pass the transaction along instead")
        if self._view is not None and self._reading.acquire(blocking=False):
            try:
                if self._view is not None:
                    raise RuntimeError("a write inside a read: read inside the write instead")
            finally:
                self._reading.release()

    def after_fork(self) -> None:
        """In a forked child: start anew with connections and locks of its own."""
        self._reading, self._view, self._writer = threading.RLock(), None, None
        self._connections.after_fork()


def open_store(
    state_dir: Path,
    *,
    project: str | None = None,
    clock: Clock | None = None,
    wait: float = WAIT,
) -> SqliteStore:
    """Open the store in ``state_dir``, making folder and tables where they are missing.

    ``clock`` (ms) replaces SQLite's in tests; ``wait`` bounds a write's waiting
    in seconds. Raises ``Unsupported``, ``Corrupt``, ``NewerStore``, ``Busy``,
    ``StoreFull``, ``Unwritable``.
    """
    refuse_old_driver()
    place.prepare(state_dir)
    store = SqliteStore(state_dir, clock=clock, wait=wait)
    try:
        store.prepare(project)
    except BaseException:
        # Here, not when it happens to be collected: that may be while another store
        # of this thread holds the gate, for which closing would wait.
        store.close()
        raise
    return store


def _transact(
    database: SqliteDatabase, body: Callable[[Transaction], T], *, durable: bool, key: str | None
) -> T:
    """One write transaction: everything or nothing, whatever is raised."""
    database.begin(durable=durable)
    transaction = Writing(database)
    try:
        result = _once(transaction, body, key)
        database.change("COMMIT")
    except BaseException:
        with suppress(OrchestrateError, DriverError):
            database.rollback()
        raise
    finally:
        transaction.end()
    return result


def _once(transaction: Writing, body: Callable[[Transaction], T], key: str | None) -> T:
    """Run ``body``, or give the recorded result of an earlier run with the same key."""
    if key is None:
        return body(transaction)
    recorded = transaction.recorded(key)
    if recorded is None:
        recorded = json.dumps(body(transaction))
        transaction.remember(key, recorded, _KEEP_RESULTS_MS)
    result: T = json.loads(recorded)
    return result


def _all_events(reader: Reader) -> Iterator[Row]:
    """Every event of one view, a page at a time."""
    after = -(2**63)
    while page := reader.find("events", after=("seq", after), limit=_PAGE):
        yield from page
        after = page[-1]["seq"]


def _touch(path: Path) -> None:
    """Make the file before SQLite does, for this user only."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _bring_forward(database: SqliteDatabase, project: str | None) -> None:
    """Under the gate: create or migrate in one transaction."""
    found = database.schema()
    if found is None:
        database.start_log()
    _transact(database, lambda tx: _migrate(database, tx, found, project), durable=True, key=None)


def _migrate(
    database: SqliteDatabase, tx: Transaction, found: str | None, project: str | None
) -> None:
    steps = schema.create(TYPES) if found is None else schema.forward(found, TYPES)
    for statement in steps:
        database.change(statement)
    version = {"name": schema.SCHEMA, "value": str(schema.VERSION)}
    if found is None:
        tx.insert("meta", version)
        if project is not None:
            tx.insert("meta", {"name": "project", "value": project})
    else:
        tx.update("meta", {"name": schema.SCHEMA}, {"value": version["value"]})


_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in list(_stores):
        store.after_fork()


os.register_at_fork(after_in_child=_after_fork)
