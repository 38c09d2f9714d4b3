"""Killed, refused, out of time: a step of coordination happens whole or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.config.model import Config, Instance
from orchestrator.coordination import cleaning, deciding, decisions, leases, messages, tasks
from orchestrator.coordination.fences import problems
from orchestrator.coordination.leases import Acquired, Held
from orchestrator.store import place
from orchestrator.store.errors import Unwritable
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import SqliteDatabase, SqliteStore, open_store
from orchestrator.store.tables import TABLES
from orchestrator.testing import ManualClock, MemoryStore
from tests.conftest import MakeRepo
from tests.coordination.acting import begin, process
from tests.coordination.leasing import acquired, at, check, take

DAY = 24 * 3600 * 1000
CONFIG = Config("shop", {}, instances={n: Instance(n, "BACKEND") for n in ("ada", "ben")})
Step = Callable[[Transaction], object]


# -- killed at any statement ----------------------------------------------------------------


def acquire(tx: Transaction) -> object:
    return leases.acquire(tx, [at("src/deep/er/a.py"), at("src/*.py")], instance="ada")


def take_over(tx: Transaction) -> object:
    """What ran out ends and is somebody else's, in one."""
    return leases.acquire(tx, [at("old/place/b.py")], instance="ada")


def release(tx: Transaction) -> object:
    return leases.release(tx, None, instance="ben")


def claim(tx: Transaction) -> object:
    return tasks.claim(tx, "T-1", "ada", actor="ada")


def complete(tx: Transaction) -> object:
    """Frees the task that waited, and tells its holder to be."""
    tasks.claim(tx, "T-1", "ada", actor="ada")
    tasks.start(tx, "T-1", "ada", actor="ada")
    return tasks.complete(tx, CONFIG, "T-1", "ada", actor="ada")


def send(tx: Transaction) -> object:
    return messages.send(tx, CONFIG, "ada", "all", messages.Draft("hello"), actor="ada")


def add_decision(tx: Transaction) -> object:
    return decisions.add(tx, decisions.Draft("Use JWT", "it expires"), actor="ada")


def decide(tx: Transaction) -> object:
    name = tx.find("decisions")[0]["id"]
    return deciding.decide(tx, name, rationale="simple", actor="ada", human=True, option="REST")


def clean(tx: Transaction) -> object:
    return cleaning.clean(tx, tx.now)


STEPS = [acquire, take_over, release, claim, complete, send, add_decision, decide, clean]


def fill(tx: Transaction) -> None:
    for name in CONFIG.instances:
        tx.insert("instances", {"id": name, "role": "BACKEND", "state": "STANDBY", "version": 1})
    leases.acquire(tx, [at("old/place/b.py")], instance="ben", ttl_ms=1000)
    tasks.add(tx, CONFIG, tasks.Draft("an API"), by="ben", actor="ben")
    tasks.add(tx, CONFIG, tasks.Draft("next", dependencies=("T-1",)), by="ben", actor="ben")
    options = (decisions.Option("REST"), decisions.Option("GraphQL"))
    draft = decisions.Draft("REST or GraphQL", "how to talk", options=options)
    decisions.propose(tx, draft, actor="ben")
    dead = {"pid": 999_999_999, "pid_started": "1", "host": os.uname().nodename}
    tx.insert("sessions", {"id": "S", "instance": "ben", "heartbeat_at": tx.now, **dead})
    tx.update("instances", {"id": "ben"}, {"session": "S", **dead})


class Mortal(sqlite3.Connection):
    """Does something final before (or after) its n-th statement."""

    at, seen, after = 0, 0, False
    fate: Callable[[], None]

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        Mortal.seen += 1
        due = Mortal.seen == Mortal.at
        if due and not Mortal.after:
            Mortal.fate()
        cursor = super().execute(*arguments)
        if due and Mortal.after:
            Mortal.fate()
        return cursor


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """A store whose connections can be made to fail, a minute after it was filled."""
    clock = ManualClock()
    # A decision's origin is random; two stores are to be compared here.
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 2 * size)
    monkeypatch.setattr(SqliteDatabase, "factory", Mortal)
    monkeypatch.setattr(Mortal, "at", 0)
    store = open_store(tmp_path / "state", clock=clock)
    store.write(fill)
    clock.advance(60_000)
    yield store
    Mortal.at = 0
    store.close()


def contents(store: Store) -> dict[str, list[Row]]:
    """Everything there is."""
    return store.read(lambda r: {name: r.find(name) for name in (*TABLES, "events")})


def ended_by(store: SqliteStore, step: Step, statement: int, *, after: bool) -> int | None:
    """Run ``step`` in a child killed at a statement: the signal, or None when it got through."""
    child = os.fork()
    if child == 0:
        try:
            Mortal.at, Mortal.seen, Mortal.after, Mortal.fate = statement, 0, after, kill
            store.write(step)
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"the child failed with {status}"
    return None if status == 0 else -status


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_any_statement_nothing_happened(filled: SqliteStore, step: Step) -> None:
    before, statement = contents(filled), 1
    while ended_by(filled, step, statement, after=False):
        assert contents(filled) == before, f"killed before statement {statement}"
        statement += 1
    assert statement > 5, "a whole step has to be walked through"
    assert contents(filled) != before
    filled.verify_events()


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_statement_nothing_or_everything_happened(
    filled: SqliteStore, step: Step
) -> None:
    before, statement = contents(filled), 1
    while ended_by(filled, step, statement, after=True):
        there = contents(filled)
        if there != before:
            break
        statement += 1
    assert statement > 5
    assert there == after_all_of(step)
    filled.verify_events()


def after_all_of(step: Step) -> dict[str, list[Row]]:
    """What ``step`` makes of the same beginning where nobody is killed."""
    clock = ManualClock()
    twin = MemoryStore(clock)
    twin.write(fill)
    clock.advance(60_000)
    twin.write(step)
    return contents(twin)


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_fails_at_any_statement_changes_nothing_and_a_repeat_works(
    filled: SqliteStore, step: Step
) -> None:
    before = contents(filled)
    for statement in range(1, 200):
        Mortal.at, Mortal.seen, Mortal.after, Mortal.fate = statement, 0, False, fail
        try:
            filled.write(step)
        except Unwritable:
            Mortal.at = 0
            assert contents(filled) == before
            continue
        break
    Mortal.at = 0
    assert 5 < statement < 199
    assert contents(filled) != before
    filled.verify_events()


# -- killed holders and clocks that jump --------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    memory = request.param == "memory"
    made: Store = MemoryStore(clock) if memory else open_store(tmp_path / "state", clock=clock)
    yield made
    made.close()


def test_what_a_killed_client_held_is_free_for_the_next(store: Store) -> None:
    store.write(lambda tx: tx.insert("instances", {"id": "ben", "state": "STANDBY", "version": 1}))
    with process() as client:
        begin(store, "S", "ben", client.pid)
        acquired(store, "ben", "a.py", session="S")
        client.send_signal(signal.SIGSTOP)
        assert isinstance(take(store, "ada", "a.py"), Held), "a stopped client lives"
    assert isinstance(take(store, "ada", "a.py"), Acquired)


@pytest.mark.parametrize("jump", [DAY, 400 * DAY])
def test_a_clock_that_jumps_forward_and_back_never_makes_two_holders(
    store: Store, clock: ManualClock, jump: int
) -> None:
    (mine,) = acquired(store, "ada", "a.py")
    clock.advance(jump)
    (taken,) = acquired(store, "ben", "a.py")
    clock.advance(-jump)
    assert check(store, "ada", "a.py").state == "held"
    assert isinstance(take(store, "ada", "a.py"), Held)
    assert taken["fence"] > mine["fence"]
    assert [row["id"] for row in store.read(leases.held)] == [taken["id"]]
    (said,) = store.read(lambda r: problems(r, "ada", [at("a.py")]))
    assert "leased by ben" in said


def test_time_on_record_never_runs_backwards(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    clock.advance(-DAY)
    acquired(store, "ada", "b.py")
    (first, second) = store.read(leases.held)
    assert second["acquired_at"] >= first["acquired_at"]
    times = [event["at"] for event in store.events()]
    assert times == sorted(times)


def test_a_clock_that_jumps_forward_cleans_no_living_client_away(
    store: Store, clock: ManualClock
) -> None:
    store.write(lambda tx: tx.insert("instances", {"id": "ben", "state": "STANDBY", "version": 1}))
    begin(store, "S", "ben", os.getpid())
    clock.advance(400 * DAY)
    assert not store.write(clean_up).sessions
    assert store.read(lambda r: r.count("sessions", {"ended_at": None})) == 1


def clean_up(tx: Transaction) -> cleaning.Cleaned:
    return cleaning.clean(tx, tx.now)


@pytest.mark.parametrize("ttl", [0, -1, -(2**62), leases.LONGEST_MS + 1, 2**62])
def test_a_length_out_of_bounds_is_refused_by_every_way_to_a_lease(store: Store, ttl: int) -> None:
    acquired(store, "ada", "a.py")
    for way in (
        lambda tx: leases.acquire(tx, [at("b.py")], instance="ada", ttl_ms=ttl),
        lambda tx: leases.renew_on(tx, [at("a.py")], instance="ada", ttl_ms=ttl),
        lambda tx: leases.steal(tx, at("a.py"), instance="ben", actor="human:eve", human=True,
                                reason="x", ttl_ms=ttl),
    ):  # fmt: skip
        with pytest.raises(leases.BadLease):
            store.write(way)
    (row,) = store.read(leases.held)
    assert (row["path"], row["instance"]) == ("a.py", "ada")
    assert row["expires_at"] == row["acquired_at"] + leases.TTL_MS


# -- the command line ----------------------------------------------------------------------------

SHOP = """\
version: 1
project: shop
coordinator: {instance: coordinator}
instances:
  coordinator: {role: C}
  backend: {role: B, file_patterns: ["src/**"]}
layers:
  code: {paths: ["src/**"]}
"""


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": SHOP, "src/a.py": "a\n"})
    monkeypatch.chdir(folder)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return folder


def test_a_file_called_like_an_option_is_leased_checked_and_released(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("-n", "--ttl", "-"):
        (repo / name).write_text("odd\n")
        for verb in ("acquire", "check", "renew", "release"):
            assert run(["lease", verb, "--", name]) == 0, (verb, name)
        assert run(["lease", "acquire", f"./{name}"]) == 0
        assert run(["lease", "release", f"./{name}"]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_the_longest_path_is_leased_and_a_longer_one_refused(repo: Path) -> None:
    longest = "/".join(["d" * 200] * 20) + "/" + "f" * 75
    assert len(longest.encode()) == 4095
    assert run(["lease", "acquire", longest]) == 0
    assert run(["lease", "release", longest]) == 0
    assert run(["lease", "acquire", longest + "f"]) == 2


def test_a_link_out_of_the_tree_is_no_way_out(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (repo / "out").symlink_to(tmp_path / "elsewhere")
    (repo / "etc").symlink_to("/etc/passwd")
    for path in ("out/new.py", "out/", "out/*.py", "out", "etc", "out/../../x"):
        assert run(["lease", "acquire", "--", path]) == 2, path
        assert "E361" in capsys.readouterr().err
    assert run(["task", "add", "x", "--deliverable", "../x"]) == 2
    assert run(["lease", "list"]) == 0
    assert "nothing is leased" in capsys.readouterr().out


def test_a_network_file_system_is_refused_with_what_to_use_instead(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place, "_mounts", lambda: "server:/x / nfs4 rw 0 0\n")
    for command in (["lease", "acquire", "src/a.py"], ["task", "list"], ["decision", "list"]):
        assert run(command) not in (0, 10, 11, 12, 13), command
        told = capsys.readouterr().err
        assert "network file system (nfs4)" in told
        assert "ORCHESTRATE_STATE" in told


# -- a folder that cannot be written ------------------------------------------------------------


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Who may look at ``folder`` but not write; root would be let through."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.parametrize("step", STEPS)
def test_a_read_only_state_folder_is_said_and_keeps_everything(step: Step) -> None:
    # Not below pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        state = Path(made) / "state"
        store = open_store(state)
        store.write(fill)
        before = contents(store)
        store.close()
        with as_nobody(state), pytest.raises(Unwritable) as refused:
            open_store(state).write(step)
        assert str(state) in (refused.value.hint or "")
        for path in state.iterdir():
            path.chmod(0o600)
        again = open_store(state)
        assert contents(again) == before
        again.close()
