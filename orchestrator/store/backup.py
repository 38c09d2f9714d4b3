"""The last good copy of the store, and how to come back from it.

A copy is made beside the store when a writer closes or the log is emptied, at
most every few minutes, checked, and only then renamed over the older one.
Nothing here is ever done to a store that can still be read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestrator.store.errors import Corrupt

__all__ = ["EVERY", "HINT", "copy_of", "keep", "refuse_fresh_start", "restore"]

#: Seconds between copies.
EVERY = 300.0
#: A copy under way that is older than this belongs to a process that was killed.
_STALE = 900.0
HINT = "orchestrate doctor --fix restores the last good copy and says what was lost"


def copy_of(store: Path) -> Path:
    """Where the copy of the store file is."""
    return store.with_name(f"{store.name}.good")


def keep(copy: Callable[[Path], None], store: Path) -> bool:
    """Make a new copy with ``copy(path)`` unless there is a recent one; whether it was made.

    Raises what ``copy`` raises; the older copy then stays.
    """
    target, beside = copy_of(store), store.with_name(f"{store.name}.copying")
    if _age(target) < EVERY or not _claim(beside):
        return False
    try:
        copy(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return True


def refuse_fresh_start(store: Path) -> None:
    """Raise ``Corrupt`` where a store was lost: starting empty would hide that."""
    if copy_of(store).exists():
        raise Corrupt(
            f"{store} is missing or empty, but it was there before",
            hint=f"{HINT}; to start with nothing instead, remove {store.parent}",
        )


def restore(state_dir: Path) -> str:
    """Put the last good copy in the store's place; a text that says what was lost.

    The damaged file is kept beside it. Raises ``Corrupt`` when there is no
    copy, ``Busy`` while somebody writes.
    """
    from orchestrator.store.gate import Gate
    from orchestrator.store.sqlite import FILE

    store = state_dir / FILE
    if not copy_of(store).is_file():
        raise Corrupt(
            f"there is no good copy of {store}",
            hint=f"move {store} away to start with an empty record, and keep it",
        )
    gate = Gate(state_dir / "gate")
    try:
        with gate:
            return _replace(store)
    finally:
        gate.close()


def _replace(store: Path) -> str:
    """Under the gate: damaged file aside, copy in its place."""
    aside = store.with_name(f"{store.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    before = _last_event(store)
    for suffix in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            store.with_name(store.name + suffix).rename(aside.with_name(aside.name + suffix))
    beside = store.with_name(f"{store.name}.restoring")
    beside.write_bytes(copy_of(store).read_bytes())
    beside.chmod(0o600)
    beside.replace(store)
    return _account(_last_event(store), before, aside)


def _account(kept: tuple[int, int] | None, before: tuple[int, int] | None, aside: Path) -> str:
    """What was lost, in words; events are (number, time in ms)."""
    count, at = kept or (0, 0)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000)) if at else "its start"
    if before is None:
        lost = f"what happened after event {count} ({until}) is lost; how much cannot be told"
    elif before[0] <= count:
        lost = f"no event is lost: the copy has all {count}"
    else:
        lost = f"lost: events {count + 1} to {before[0]}, everything after {until}"
    return f"restored the last good copy with {count} events; {lost}. The damaged file is {aside}"


def _last_event(store: Path) -> tuple[int, int] | None:
    """The last event a perhaps damaged file still tells, or None."""
    from orchestrator.errors import OrchestrateError
    from orchestrator.store.sqlite import SqliteDatabase

    if not store.is_file() or not store.stat().st_size:
        return None
    with suppress(OrchestrateError, ValueError):
        database = SqliteDatabase(store)
        try:
            found = database.rows('SELECT "seq", "at" FROM "events" ORDER BY "seq" DESC LIMIT 1')
            return (int(found[0][0]), int(found[0][1])) if found else (0, 0)
        finally:
            database.close()
    return None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _claim(path: Path) -> bool:
    """Make the file of a copy under way; False when another process makes one."""
    if path.exists() and _age(path) > _STALE:
        path.unlink(missing_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True
