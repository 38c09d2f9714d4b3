"""The driver: one SQLite connection. The only module that imports ``sqlite3``.

Runs statements and knows SQLite's own errors, settings and files. Who may write
when is the business of ``store.sqlite``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestrator.store import backup, log, schema
from orchestrator.store.errors import (
    Busy,
    Corrupt,
    Duplicate,
    StoreFull,
    Unsupported,
    Unwritable,
)
from orchestrator.store.port import Value

__all__ = ["TYPES", "Clock", "DriverError", "SqliteDatabase", "library", "refuse_old_driver"]

Clock = Callable[[], int]
#: What ``SqliteDatabase`` lets through untranslated: a mistake of this program.
DriverError = sqlite3.Error

#: What ``schema.sql`` leaves to the database.
TYPES = {
    "int": "INTEGER",
    "text": "TEXT",
    "strict": " STRICT",
    "keyed": " STRICT, WITHOUT ROWID",
}
#: The oldest SQLite with STRICT tables.
_OLDEST = (3, 37)
#: A backstop: the gate keeps writers apart, this covers closing and recovery.
_BUSY_SECONDS = 5.0
#: A commit writes whole pages: half of the usual size makes it a third faster.
_PAGE_BYTES = 2048


def refuse_old_driver() -> None:
    """Raise ``Unsupported`` when Python brings a SQLite that is too old."""
    if sqlite3.sqlite_version_info < _OLDEST:
        found = sqlite3.sqlite_version
        raise Unsupported(
            f"Python's SQLite is {found}; 3.37 or newer is needed",
            hint="use a Python that brings a newer SQLite",
        )


def library() -> tuple[bool, str]:
    """Whether the library that Python brings will do, and in words what it is."""
    words = f"{sqlite3.sqlite_version}, threads: {sqlite3.threadsafety}"
    return sqlite3.sqlite_version_info >= _OLDEST, words


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

    def start_log(self) -> None:
        """In an empty file, before there are tables: write-ahead log, small pages."""
        self.change(f"PRAGMA page_size = {_PAGE_BYTES}")
        self.rows("PRAGMA journal_mode = WAL")

    def keep_log(self) -> None:
        """No checkpoint but our own; the log's file is used again instead of growing anew."""
        self.change("PRAGMA wal_autocheckpoint = 0")
        self.rows(f"PRAGMA journal_size_limit = {log.BYTES}")

    def checkpoint(self) -> int:
        """Bring the log into the file; how many bytes stay in it, because somebody reads them.

        The log's file stays as it is and is written from its start again: a
        commit that need not lengthen a file is on the disk in half the time.
        """
        self.change("PRAGMA busy_timeout = 0")
        try:
            busy, frames, _ = self.rows("PRAGMA wal_checkpoint(RESTART)")[0]
            return log.size(frames, self.rows("PRAGMA page_size")[0][0]) if busy else 0
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
