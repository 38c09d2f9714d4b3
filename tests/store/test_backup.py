"""The last good copy: when it is made, and what a restore says."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.store import backup
from orchestrator.store.errors import Corrupt, StoreFull
from orchestrator.store.port import NewEvent
from orchestrator.store.sqlite import SqliteStore, open_store


def record(store: SqliteStore, count: int) -> None:
    for _ in range(count):
        store.write(lambda tx: tx.record(NewEvent("a.b", "x")))


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0:4096] = b"\xff" * 4096
    path.write_bytes(data)


def events_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("SELECT count(*) FROM events").fetchone()[0])


def test_a_copy_is_made_when_a_writer_closes_and_not_again_soon(sqlite: SqliteStore) -> None:
    copy = backup.copy_of(sqlite.path)
    sqlite.close()
    assert not copy.exists()
    record(sqlite, 2)
    sqlite.close()
    assert events_in(copy) == 2
    assert copy.stat().st_mode & 0o077 == 0
    record(sqlite, 1)
    sqlite.close()
    assert events_in(copy) == 2
    age(copy, backup.EVERY + 1)
    record(sqlite, 1)
    sqlite.close()
    assert events_in(copy) == 4


def test_a_copy_that_fails_leaves_the_older_one(sqlite: SqliteStore) -> None:
    record(sqlite, 1)
    sqlite.close()
    copy = backup.copy_of(sqlite.path)
    age(copy, backup.EVERY + 1)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise StoreFull

    with pytest.raises(StoreFull):
        backup.keep(fail, sqlite.path)
    assert events_in(copy) == 1
    assert [path.name for path in sqlite.path.parent.glob("*.copying")] == []


def test_one_process_copies_at_a_time_and_a_killed_one_is_forgotten(sqlite: SqliteStore) -> None:
    under_way = sqlite.path.with_name("state.db.copying")
    under_way.touch()
    made: list[Path] = []
    assert not backup.keep(made.append, sqlite.path)
    assert made == []
    age(under_way, 3600)
    assert backup.keep(made.append, sqlite.path)
    assert made == [under_way]


def test_restore_brings_the_copy_back_and_says_what_was_lost(sqlite: SqliteStore) -> None:
    state = sqlite.path.parent
    record(sqlite, 3)
    sqlite.close()
    record(sqlite, 4)
    sqlite.close()
    with closing(sqlite3.connect(sqlite.path)) as raw:
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    data = bytearray(sqlite.path.read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    sqlite.path.write_bytes(data)
    told = backup.restore(state)
    assert "restored the last good copy with 3 events" in told
    assert "lost: events 4 to 7, everything after 2026-01-01T00:00:00Z" in told
    (kept,) = (path for path in state.glob("state.db.damaged-*"))
    assert kept.read_bytes() == data
    assert sqlite.verify_events() == 3
    record(sqlite, 1)
    assert sqlite.verify_events() == 4


def test_restore_of_an_unreadable_file_says_that_it_cannot_tell(sqlite: SqliteStore) -> None:
    record(sqlite, 2)
    sqlite.close()
    damage(sqlite.path)
    with pytest.raises(Corrupt):
        open_store(sqlite.path.parent)
    assert "how much cannot be told" in backup.restore(sqlite.path.parent)
    store = open_store(sqlite.path.parent)
    assert store.verify_events() == 2
    store.close()


def test_restore_of_a_missing_file_works_too(sqlite: SqliteStore) -> None:
    record(sqlite, 2)
    sqlite.close()
    sqlite.path.unlink()
    assert "with 2 events" in backup.restore(sqlite.path.parent)
    assert sqlite.verify_events() == 2


def test_restore_without_a_copy_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"broken" * 1000)
    with pytest.raises(Corrupt, match="no good copy"):
        backup.restore(tmp_path)
    assert (tmp_path / "state.db").read_bytes() == b"broken" * 1000
