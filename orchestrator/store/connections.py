"""The connections of one store in this process, across forks and restored files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import OrchestrateError
from orchestrator.store import backup
from orchestrator.store.driver import Clock, DriverError, SqliteDatabase
from orchestrator.store.errors import Busy, Corrupt, StoreFull, Unwritable
from orchestrator.store.gate import Gate

__all__ = ["FILE", "Connections"]

#: The file in the state folder.
FILE = "state.db"
_CLOSING_SECONDS = 1.0

#: Connections to files of others: never closed, because closing would touch those files.
_forgotten: list[SqliteDatabase] = []


class Connections:
    """The connections of one store in this process: one that reads, one that writes.

    Opened when first needed, again after a fork and when the file was replaced
    (a restore): writing to the old file would lose what is written.
    """

    def __init__(self, folder: Path, clock: Clock | None, wait: float) -> None:
        self.path, self.clock = folder / FILE, clock
        self._file = str(self.path)
        self.gate = Gate(folder / "gate", wait)
        self.open: dict[str, SqliteDatabase] = {}
        self.wrote = self.writing = False

    def get(self, role: str) -> SqliteDatabase:
        """The connection for ``role`` (``read`` or ``write``). Raises ``Corrupt``."""
        try:
            inode = os.stat(self._file).st_ino  # noqa: PTH116 – asked before every transaction
        except FileNotFoundError:
            raise Corrupt(f"{self.path} is gone", hint=backup.HINT) from None
        except OSError as error:
            raise Unwritable(f"{self.path}: {error.strerror}") from error
        found = self.open.get(role)
        if found is None or found.inode != inode:
            if found is not None:
                _forgotten.append(found)
            found = self.open[role] = SqliteDatabase(self.path, self.clock)
            found.keep_log()
        return found

    def keep_copy(self) -> None:
        """Renew the last good copy if it is old. Best effort: the work is done already."""
        with suppress(OrchestrateError, OSError, DriverError):
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
