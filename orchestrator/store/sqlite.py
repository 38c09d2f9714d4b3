"""The embedded store: SQLite behind the gate. The only module that imports ``sqlite3``.

Write-ahead log, one writer at a time: gate, ``BEGIN IMMEDIATE``, change and
event, commit. Never a deferred ``BEGIN`` for a write (it fails as soon as
somebody else wrote), never an automatic checkpoint: checkpoint and close happen
under the gate, where no commit can be under way.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.errors import OrchestrateError
from orchestrator.store import backup, events, place, schema
from orchestrator.store.errors import (
    Busy,
    Corrupt,
    Duplicate,
    StoreFull,
    Unsupported,
    Unwritable,
)
from orchestrator.store.gate import WAIT, Gate
from orchestrator.store.port import Reader, Row, Transaction, Value
from orchestrator.store.transactions import View, Writing

__all__ = ["FILE", "Clock", "SqliteDatabase", "SqliteStore", "open_store"]

T = TypeVar("T")
Clock = Callable[[], int]

#: The file in the state folder.
FILE = "state.db"
#: The oldest SQLite with STRICT tables.
_OLDEST = (3, 37)
_TYPES = {
    "int": "INTEGER",
    "text": "TEXT",
    "strict": " STRICT",
    "keyed": " STRICT, WITHOUT ROWID",
}
#: A backstop: the gate keeps writers apart, this covers closing and recovery.
_BUSY_SECONDS = 5.0
_CLOSING_SECONDS = 1.0
_CHECKPOINT_BYTES = 4 * 1024 * 1024
_KEEP_RESULTS_MS = 7 * 24 * 3600 * 1000
_PAGE = 1000


class SqliteDatabase:
    """One connection. Every error leaves as one of ``store.errors``."""

    #: Tests put a connection here that fails on purpose.
    factory: type[sqlite3.Connection] = sqlite3.Connection

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path, self._clock = path, clock
        self.inode = path.stat().st_ino if path.exists() else 0
        self._durable: bool | None = None
        try:
            self._raw = sqlite3.connect(
                path,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                factory=self.factory,
            )
        except sqlite3.Error as error:
            raise _translated(error, path) from error

    def rows(self, text: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._raw.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def change(self, text: str, values: Sequence[Value] = ()) -> int:
        try:
            return self._raw.execute(text, values).rowcount
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def clock(self) -> int:
        # SQLite's own clock is this very one, but costs a query.
        return time.time_ns() // 1_000_000 if self._clock is None else self._clock()

    def begin(self, *, durable: bool) -> None:
        """Start a write transaction; ``durable`` commits wait for the disk."""
        if durable != self._durable:
            self.change(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self.change("BEGIN IMMEDIATE")

    def rollback(self) -> None:
        """End the transaction, if there still is one: some errors end it by themselves."""
        if self._raw.in_transaction:
            self.change("ROLLBACK")

    def version(self) -> int:
        """Grows whenever another connection committed."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def schema(self) -> str | None:
        """The version of the tables, or None in an empty file. Raises ``Corrupt``."""
        tables = {name for (name,) in self.rows("SELECT name FROM sqlite_master")}
        if not tables:
            return None
        wanted = 'SELECT "value" FROM "meta" WHERE "name" = ?'
        found = self.rows(wanted, (schema.SCHEMA,)) if "meta" in tables else []
        if not found:
            raise Corrupt(f"{self.path} is not a store of orchestrate", hint=backup.HINT)
        return str(found[0][0])

    def checkpoint(self) -> bool:
        """Bring the log into the file and empty it; False while somebody still reads the log."""
        self.change("PRAGMA busy_timeout = 0")
        try:
            return bool(self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0)
        finally:
            self.change(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")

    def copy_to(self, path: Path) -> None:
        """Write a checked copy of everything committed. Raises ``Corrupt`` for a bad one."""
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as target:
                self._raw.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
                (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            raise _translated(error, path) from error
        if verdict != "ok":
            raise Corrupt(f"{self.path}: {verdict}", hint=backup.HINT)

    def close(self) -> None:
        self._raw.close()


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    """One of ``store.errors``; an error that can only be our own mistake stays as it is."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    text = f"{path}: {error}"
    if code in (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE):
        return Duplicate(f"it exists already ({str(error).partition(': ')[2]})")
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(text)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull(text, hint="free some space and repeat the command")
    damaged = code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    if damaged or code == sqlite3.SQLITE_IOERR_SHORT_READ or "no such table" in str(error):
        return Corrupt(text, hint=backup.HINT)
    refused = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
    if code & 0xFF in (*refused, sqlite3.SQLITE_IOERR):
        return Unwritable(text, hint=f"check the owner, the mode and the disk of {path.parent}")
    return error


class _Connections:
    """The connections of one store in this process: one that reads, one that writes.

    Opened when first needed, again after a fork and when the file was replaced
    (a restore): writing to the old file would lose what is written.
    """

    def __init__(self, folder: Path, clock: Clock | None, wait: float) -> None:
        self.path, self.clock = folder / FILE, clock
        self.gate = Gate(folder / "gate", wait)
        self.open: dict[str, SqliteDatabase] = {}
        self.wrote = self.writing = False

    def get(self, role: str) -> SqliteDatabase:
        """The connection for ``role`` (``read`` or ``write``). Raises ``Corrupt``."""
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            raise Corrupt(f"{self.path} is gone", hint=backup.HINT) from None
        except OSError as error:
            raise Unwritable(f"{self.path}: {error.strerror}") from error
        found = self.open.get(role)
        if found is None or found.inode != inode:
            if found is not None:
                _forgotten.append(found)
            found = self.open[role] = SqliteDatabase(self.path, self.clock)
            found.change("PRAGMA wal_autocheckpoint = 0")
        return found

    def keep_copy(self) -> None:
        """Renew the last good copy if it is old. Best effort: the work is done already."""
        with suppress(OrchestrateError, OSError, sqlite3.Error):
            backup.keep(self.get("write").copy_to, self.path)

    def close(self) -> None:
        """Close under the gate: the last one to close brings the log into the file."""
        if self.wrote:
            self.keep_copy()
            self.wrote = False
        if not self.open:
            return
        try:
            with self.gate.held(_CLOSING_SECONDS):
                self._close_all()
        except Busy:
            # Whoever holds the gate has the file open too, so this is not the last one;
            # unless it is a thread of ours, which needs what would be closed here.
            if not self.writing:
                self._close_all()
                self.gate.close()
        except (Unwritable, StoreFull):
            # Where the gate cannot be opened, there is nothing to write either.
            self._close_all()
            self.gate.close()
        else:
            self.gate.close()

    def _close_all(self) -> None:
        while self.open:
            self.open.popitem()[1].close()

    def after_fork(self) -> None:
        """In a forked child: the connections are the parent's, not even to be closed."""
        _forgotten.extend(self.open.values())
        self.open, self.wrote, self.writing = {}, False, False


class SqliteStore:
    """A ``store.port.Store`` in one file. Made by ``open_store``."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, wait: float = WAIT) -> None:
        self._connections = _Connections(folder, clock, wait)
        self._checkpoint_at, self._log = _CHECKPOINT_BYTES, f"{self.path}-wal"
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
        with self._connections.gate.held():
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
        with self._connections.gate.held():
            if not self._occupied():
                backup.refuse_fresh_start(self.path)
                _touch(self.path)
            _bring_forward(self._connections.get("write"), project)

    def _occupied(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def _page(self, after: int, size: int, where: Mapping[str, Value] | None) -> list[Row]:
        return self.read(lambda r: r.find("events", where, after=("seq", after), limit=size))

    def _checkpoint(self, database: SqliteDatabase) -> bool:
        """Empty a long log, under the gate; what was committed stays committed if it fails."""
        try:
            size = os.stat(self._log).st_size  # noqa: PTH116 – on the path of every write
            if size < self._checkpoint_at:
                return False
            done = database.checkpoint()
        except (OSError, OrchestrateError):
            done, size = False, 0
        # While a reader keeps the log alive, asking after every commit would be a waste.
        self._checkpoint_at = _CHECKPOINT_BYTES if done else size + _CHECKPOINT_BYTES
        return done

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
    if sqlite3.sqlite_version_info < _OLDEST:
        found = sqlite3.sqlite_version
        raise Unsupported(
            f"Python's SQLite is {found}; 3.37 or newer is needed",
            hint="use a Python that brings a newer SQLite",
        )
    place.prepare(state_dir)
    store = SqliteStore(state_dir, clock=clock, wait=wait)
    store.prepare(project)
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
        with suppress(OrchestrateError, sqlite3.Error):
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
        database.rows("PRAGMA journal_mode = WAL")
    _transact(database, lambda tx: _migrate(database, tx, found, project), durable=True, key=None)


def _migrate(
    database: SqliteDatabase, tx: Transaction, found: str | None, project: str | None
) -> None:
    steps = schema.create(_TYPES) if found is None else schema.forward(found, _TYPES)
    for statement in steps:
        database.change(statement)
    version = {"name": schema.SCHEMA, "value": str(schema.VERSION)}
    if found is None:
        tx.insert("meta", version)
        if project is not None:
            tx.insert("meta", {"name": "project", "value": project})
    else:
        tx.update("meta", {"name": schema.SCHEMA}, {"value": version["value"]})


#: Connections to files of others: never closed, because closing would touch those files.
_forgotten: list[SqliteDatabase] = []
_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in list(_stores):
        store.after_fork()


os.register_at_fork(after_in_child=_after_fork)
