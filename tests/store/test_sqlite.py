"""What only the embedded store has: its file, its log, its faults."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import OrchestrateError
from orchestrator.store import connections, place, schema
from orchestrator.store import sqlite as module
from orchestrator.store.errors import (
    Busy,
    Corrupt,
    NewerStore,
    StoreFull,
    Unsupported,
    Unwritable,
)
from orchestrator.store.gate import Gate
from orchestrator.store.port import NewEvent, Transaction
from orchestrator.store.sqlite import SqliteDatabase, SqliteStore, open_store
from orchestrator.store.tables import EVENTS, INTEGERS, TABLES
from orchestrator.testing import ManualClock


def raw(state: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def fill(tx: Transaction) -> None:
    """A write with a bit of everything."""
    tx.insert("instances", {"id": "a", "version": 1})
    tx.update("instances", {"id": "a"}, {"version": 2}, expect={"version": 1})
    tx.number("handoff")
    tx.record(NewEvent("instance.made", "a", before=1, after=2))


# -- the file ---------------------------------------------------------------------------


def test_schema_has_the_tables_and_columns_of_tables_py(sqlite: SqliteStore) -> None:
    for name, table in {**TABLES, "events": EVENTS}.items():
        columns = raw(sqlite.path.parent, f"PRAGMA table_info({name})")
        assert {row[1] for row in columns} == {*table.key, *table.columns}
        assert tuple(row[1] for row in columns if row[5]) == table.key
        integers = {row[1] for row in columns if row[2] == "INTEGER"}
        assert integers == {*table.key, *table.columns} & set(INTEGERS)


def test_folder_and_files_are_for_their_user_only(sqlite: SqliteStore) -> None:
    sqlite.write(fill)
    folder = sqlite.path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_log_is_in_the_file_after_closing(sqlite: SqliteStore) -> None:
    sqlite.write(fill)
    sqlite.close()
    assert not Path(f"{sqlite.path}-wal").exists()
    assert raw(sqlite.path.parent, "SELECT count(*) FROM events") == [(1,)]
    assert sqlite.read(lambda reader: reader.count("instances")) == 1


def test_a_closed_store_keeps_no_file_open(tmp_path: Path) -> None:
    before = set(Path("/dev/fd").iterdir())
    store = open_store(tmp_path / "state")
    store.write(fill)
    store.read(lambda reader: reader.count("instances"))
    store.close()
    assert set(Path("/dev/fd").iterdir()) == before


def test_a_store_that_goes_away_closes_itself(tmp_path: Path) -> None:
    open_store(tmp_path / "state").write(fill)
    assert not (tmp_path / "state" / "state.db-wal").exists()


def test_a_long_log_is_emptied_under_way(sqlite: SqliteStore) -> None:
    log = Path(f"{sqlite.path}-wal")
    text = "x" * 500_000
    for number in range(12):
        row = {"id": str(number), "notes": text}
        sqlite.write(lambda tx, r=row: tx.insert("handoffs", r))  # type: ignore[misc]
        assert log.stat().st_size < module._CHECKPOINT_BYTES + 2 * len(text)


def test_an_emptied_log_is_written_from_its_start_by_every_writer(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[SqliteDatabase] = []
    checkpoint = SqliteDatabase.checkpoint

    def counted(self: SqliteDatabase) -> int:
        emptied.append(self)
        return checkpoint(self)

    monkeypatch.setattr(module, "_CHECKPOINT_BYTES", 60_000)
    monkeypatch.setattr(SqliteDatabase, "checkpoint", counted)
    other = open_store(sqlite.path.parent)
    sizes = []
    for store in (sqlite, other):
        store._checkpoint_at = 60_000
        for number in range(80):
            store.write(lambda tx, n=number: tx.record(NewEvent("k.v", "a", reason=f"{n}" * 99)))  # type: ignore[misc]
            sizes.append(Path(f"{sqlite.path}-wal").stat().st_size)
    assert len(set(sizes)) == 1
    assert 4 <= len(emptied) <= 40
    assert len(set(emptied)) == 2
    assert other.verify_events() == 160
    other.close()


def test_a_log_that_a_reader_made_long_is_cut_afterwards(sqlite: SqliteStore) -> None:
    sqlite.write(lambda tx: tx.insert("handoffs", {"id": "long", "notes": "x" * 6_000_000}))
    assert Path(f"{sqlite.path}-wal").stat().st_size > 6_000_000
    sqlite.write(fill)
    assert Path(f"{sqlite.path}-wal").stat().st_size <= module._CHECKPOINT_BYTES


def test_a_reader_that_stays_does_not_stop_writers(sqlite: SqliteStore) -> None:
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as reader:
        sqlite.write(lambda tx: tx.insert("handoffs", {"id": "first"}))
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM handoffs").fetchone() == (1,)
        for number in range(12):
            row = {"id": str(number), "notes": "x" * 500_000}
            sqlite.write(lambda tx, r=row: tx.insert("handoffs", r))  # type: ignore[misc]
        assert reader.execute("SELECT count(*) FROM handoffs").fetchone() == (1,)
        reader.execute("ROLLBACK")
    assert sqlite.read(lambda r: r.count("handoffs")) == 13


def test_the_clock_is_the_databases(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    (now,) = raw(tmp_path / "state", "SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000")[0]
    assert abs(store.read(lambda reader: reader.now) - now) < 60_000
    store.close()


def test_a_durable_write_waits_for_the_disk(sqlite: SqliteStore) -> None:
    seen: list[str] = []
    database = sqlite._connections.get("write")
    database._raw.set_trace_callback(seen.append)
    sqlite.write(lambda tx: tx.number("x"))
    sqlite.write(fill, durable=True)
    wanted = [text for text in seen if text.startswith(("PRAGMA synchronous", "BEGIN"))]
    assert wanted == [
        "PRAGMA synchronous = NORMAL",
        "BEGIN IMMEDIATE",
        "PRAGMA synchronous = FULL",
        "BEGIN IMMEDIATE",
    ]


# -- versions ---------------------------------------------------------------------------


def test_a_newer_store_is_refused_and_left_alone(sqlite: SqliteStore) -> None:
    sqlite.close()
    raw(sqlite.path.parent, "UPDATE meta SET value = '99' WHERE name = 'schema'")
    before = sqlite.path.read_bytes()
    with pytest.raises(NewerStore, match="version 99, this program knows 1"):
        open_store(sqlite.path.parent)
    assert sqlite.path.read_bytes() == before


def test_an_older_store_is_brought_forward_once_and_keeps_its_rows(
    sqlite: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.write(fill)
    sqlite.close()
    folder = tmp_path / "next"
    (folder / "migrations").mkdir(parents=True)
    two, three = (folder / "migrations" / name for name in ("0002_a.sql", "0003_b.sql"))
    two.write_text('-- a; comment\nCREATE TABLE "extra" ("id" {text}){strict};\n')
    three.write_text(
        'ALTER TABLE "extra" ADD COLUMN "n" {int};\nINSERT INTO "extra" VALUES (\'x\', 1);'
    )
    forward = schema.forward

    def newer(found: str, types: dict[str, str]) -> list[str]:
        return forward(found, types, folder=folder, version=3)

    monkeypatch.setattr(schema, "forward", newer)
    monkeypatch.setattr(schema, "VERSION", 3)
    for _ in range(2):
        store = open_store(sqlite.path.parent)
        assert store.read(lambda reader: reader.count("instances")) == 1
        store.close()
    assert raw(sqlite.path.parent, "SELECT id, n FROM extra") == [("x", 1)]
    assert raw(sqlite.path.parent, "SELECT value FROM meta WHERE name = 'schema'") == [("3",)]


def test_the_shipped_steps_end_in_the_shipped_version() -> None:
    steps = sorted((schema.FOLDER / "migrations").glob("*.sql"))
    numbers = [int(step.name[:4]) for step in steps]
    assert numbers == list(range(2, schema.VERSION + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql", step.name) for step in steps)


# -- places -----------------------------------------------------------------------------

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/ada/local\\040disk xfs rw 0 0
none /over tmpfs rw 0 0
host /over 9p rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/work/shop/.git/orchestrator", "ext4"),
        ("/home/ada/shop", "nfs4"),
        ("/home/ada/local disk/shop", "xfs"),
        ("/homework", "ext4"),
        ("/over/x", "9p"),
    ],
)
def test_the_file_system_of_a_folder_is_found(folder: str, kind: str) -> None:
    assert place.file_system(Path(folder), MOUNTS) == kind


def test_a_network_file_system_is_refused_with_what_to_use_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_mounts", lambda: "server:/x / nfs rw 0 0\n")
    with pytest.raises(Unsupported, match=r"network file system \(nfs\)") as refused:
        open_store(tmp_path / "state")
    assert "ORCHESTRATE_STATE" in (refused.value.hint or "")


def test_where_mounts_cannot_be_read_the_place_is_allowed() -> None:
    assert place.file_system(Path("/anywhere"), "") is None


def test_a_file_where_the_folder_should_be_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(Unwritable, match="cannot make the folder"):
        open_store(tmp_path / "state")


# -- damage -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", [b"not a database" * 400, b"SQLite format 3\x00" + b"\xff" * 9000]
)
def test_a_corrupt_file_is_said_so_and_stays(tmp_path: Path, damage: bytes) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "state.db").write_bytes(damage)
    with pytest.raises(Corrupt) as refused:
        open_store(state)
    assert "orchestrate doctor --fix" in (refused.value.hint or "")
    assert (state / "state.db").read_bytes() == damage


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    raw(state, "CREATE TABLE photos (id)")
    with pytest.raises(Corrupt, match="is not a store of orchestrate"):
        open_store(state)
    assert raw(state, "SELECT name FROM sqlite_master") == [("photos",)]


def test_an_empty_file_of_a_killed_creation_becomes_a_store(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    raw(state, "PRAGMA journal_mode = WAL")
    store = open_store(state, project="shop")
    row = store.read(lambda reader: reader.get("meta", name="project"))
    assert row == {"name": "project", "value": "shop"}
    store.close()


@pytest.mark.parametrize("loss", ["missing", "empty"])
def test_a_lost_store_is_not_started_anew(sqlite: SqliteStore, loss: str) -> None:
    sqlite.write(fill)
    sqlite.close()
    if loss == "missing":
        sqlite.path.unlink()
    else:
        sqlite.path.write_bytes(b"")
    with pytest.raises(Corrupt, match="missing or empty, but it was there before"):
        open_store(sqlite.path.parent)
    with pytest.raises(Corrupt):
        sqlite.write(lambda tx: tx.number("x"))


# -- faults at every step ---------------------------------------------------------------


class Failing(sqlite3.Connection):
    """Fails at the statement with number ``at``, as a full disk would."""

    at = 0
    seen = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        kind = type(self)
        kind.seen += 1
        if kind.seen == kind.at:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return super().execute(*arguments)


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.setattr(Failing, "at", 0)
    monkeypatch.setattr(SqliteDatabase, "factory", Failing)
    store = open_store(tmp_path / "state", clock=ManualClock())
    yield store
    Failing.at = 0
    store.close()


def test_a_fault_at_any_step_of_a_write_changes_nothing(failing: SqliteStore) -> None:
    failing.write(lambda tx: tx.record(NewEvent("first.event", "x")))
    before = contents(failing)
    for step in range(1, 100):
        Failing.seen, Failing.at = 0, step
        try:
            failing.write(fill, durable=True, key="k")
        except StoreFull:
            Failing.at = 0
            assert contents(failing) == before
            continue
        break
    assert step > 10
    Failing.at = 0
    assert failing.read(lambda r: r.count("instances")) == 1
    assert failing.verify_events() == 2


def contents(store: SqliteStore) -> Any:
    return store.read(
        lambda reader: [reader.find(name) for name in [*TABLES, "events"]]
    ), store.verify_events()


def test_a_fault_at_any_step_of_creating_leaves_a_place_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteDatabase, "factory", Failing)
    state = tmp_path / "state"
    for step in range(1, 100):
        monkeypatch.setattr(Failing, "seen", 0)
        monkeypatch.setattr(Failing, "at", step)
        try:
            store = open_store(state)
        except StoreFull:
            continue
        break
    assert step > 20
    monkeypatch.setattr(Failing, "at", 0)
    store.write(fill)
    assert store.verify_events() == 1
    store.close()


class Small(sqlite3.Connection):
    """A database that may not grow."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.execute("PRAGMA max_page_count = 120")


def test_a_full_disk_changes_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteDatabase, "factory", Small)
    store = open_store(tmp_path / "state")

    def large(tx: Transaction) -> None:
        tx.insert("instances", {"id": "a"})
        tx.insert("handoffs", {"id": "H-1", "notes": "x" * 1_000_000})

    with pytest.raises(StoreFull) as refused:
        store.write(large)
    assert "free some space" in (refused.value.hint or "")
    assert store.read(lambda reader: reader.count("instances")) == 0
    store.write(fill)
    assert store.verify_events() == 1
    store.close()


LIMITED = """
import resource, sys
from pathlib import Path
from orchestrator.errors import OrchestrateError
from orchestrator.store.sqlite import open_store

store = open_store(Path(sys.argv[1]))
store.write(lambda tx: tx.insert("instances", {"id": "first"}))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(100):
    try:
        row = {"id": str(number), "notes": "x" * 20_000}
        store.write(lambda tx: tx.insert("handoffs", row), durable=True)
    except OrchestrateError as error:
        print(number, error.code)
        break
store.close()
"""


def test_a_file_that_may_not_grow_keeps_what_was_committed(tmp_path: Path) -> None:
    """The system itself refuses to write, at a place nobody chose."""
    state = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(state)], capture_output=True, text=True, check=True
    )
    committed, code = done.stdout.split()
    assert code in ("E206", "E207")
    store = open_store(state)
    assert store.read(lambda reader: reader.count("handoffs")) == int(committed)
    assert raw(state, "PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_an_error_while_emptying_the_log_does_not_undo_the_answer(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: SqliteDatabase) -> bool:
        raise StoreFull

    monkeypatch.setattr(module, "_CHECKPOINT_BYTES", 1)
    monkeypatch.setattr(SqliteDatabase, "checkpoint", refuse)
    sqlite._checkpoint_at = 1
    sqlite.write(fill)
    assert sqlite.read(lambda reader: reader.count("instances")) == 1


# -- other processes --------------------------------------------------------------------


def test_a_writer_that_waits_too_long_is_busy_and_nothing_happened(
    tmp_path: Path, sqlite: SqliteStore
) -> None:
    patient = open_store(sqlite.path.parent, wait=0.05)
    with Gate(sqlite.path.parent / "gate"), pytest.raises(Busy, match="held"):
        patient.write(fill)
    assert patient.read(lambda reader: reader.count("instances")) == 0
    patient.close()


def test_closing_waits_for_a_thread_that_writes(sqlite: SqliteStore) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def body(tx: Transaction) -> None:
        inside.set()
        go_on.wait(20)
        fill(tx)

    writer = threading.Thread(target=sqlite.write, args=(body,))
    writer.start()
    assert inside.wait(20)
    closer = threading.Thread(target=sqlite.close)
    closer.start()
    go_on.set()
    writer.join()
    closer.join()
    assert sqlite.read(lambda reader: reader.count("instances")) == 1


def test_closing_never_pulls_the_rug_from_under_a_thread(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_CLOSING_SECONDS", 0.0)

    def body(tx: Transaction) -> None:
        closer = threading.Thread(target=sqlite.close)
        closer.start()
        closer.join()
        fill(tx)

    sqlite.write(body)
    assert sqlite.read(lambda reader: reader.count("instances")) == 1


def test_a_forked_child_has_a_store_of_its_own(sqlite: SqliteStore) -> None:
    sqlite.write(lambda tx: tx.insert("instances", {"id": "a"}))
    sqlite.read(lambda reader: reader.count("instances"))
    child = os.fork()
    if child == 0:
        try:
            sqlite.write(lambda tx: tx.insert("instances", {"id": "b"}))
            os._exit(sqlite.read(lambda reader: reader.count("instances")))
        except BaseException:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    sqlite.write(lambda tx: tx.insert("instances", {"id": "c"}))
    assert sqlite.read(lambda reader: reader.count("instances")) == 3


def test_a_replaced_file_is_noticed(sqlite: SqliteStore) -> None:
    """After a restore nobody may go on writing to the file that was moved aside."""
    sqlite.write(lambda tx: tx.insert("instances", {"id": "a"}))
    sqlite.close()
    copy = sqlite.path.read_bytes()
    sqlite.write(lambda tx: tx.insert("instances", {"id": "lost"}))
    for suffix in ("-wal", "-shm", ""):
        Path(f"{sqlite.path}{suffix}").rename(f"{sqlite.path}.aside{suffix}")
    sqlite.path.write_bytes(copy)
    sqlite.write(lambda tx: tx.insert("instances", {"id": "b"}))
    found = sqlite.read(lambda reader: [row["id"] for row in reader.find("instances")])
    assert found == ["a", "b"]


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(Unsupported, match=r"3\.37 or newer"):
        open_store(tmp_path / "state")


def test_every_error_of_the_store_says_what_to_do() -> None:
    from orchestrator.store import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, OrchestrateError)
        assert len((kind.__doc__ or "").split("\n\n")) == 2
