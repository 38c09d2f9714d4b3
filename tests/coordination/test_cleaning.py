"""Only what is known dead is cleaned away, with what it held; what a handoff needs stays."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.coordination.cleaning import Cleaned, clean, end_session
from orchestrator.coordination.leases import acquire
from orchestrator.coordination.liveness import TTL_MS
from orchestrator.coordination.paths import Target
from orchestrator.coordination.sessions import add_agent
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.acting import add_instance, begin, kinds, process, row_of

ON_THE_SPOT = "claude-20261121-120000-0123abcd"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made: Store = (
        MemoryStore(clock) if request.param == "memory" else open_store(tmp_path, clock=clock)
    )
    add_instance(made, "backend")
    add_instance(made, "frontend")
    yield made
    made.close()


def cleaned(store: Store) -> Cleaned:
    return store.write(lambda tx: clean(tx, tx.now))


def lease(store: Store, session: str, path: str = "src/a.py", instance: str = "backend") -> None:
    target = Target("file", path, path)
    store.write(lambda tx: acquire(tx, [target], instance=instance, session=session))


def add_task(store: Store, name: str, status: str = "in_progress", **columns: object) -> None:
    row = {"id": name, "title": name, "status": status, "version": 1, "assigned_to": "backend"}
    store.write(lambda tx: tx.insert("tasks", {**row, **columns}))


def leave(store: Store, session: str) -> None:
    def body(tx: Transaction) -> None:
        row = tx.get("sessions", id=session)
        assert row is not None
        end_session(tx, row, reason="checked out", actor="backend")

    store.write(body)


def task(store: Store, name: str) -> Row:
    return row_of(store, "tasks", id=name)


def test_nothing_live_is_cleaned_away(store: Store, clock: ManualClock) -> None:
    with process() as running, process() as stopped:
        begin(store, "s-1", "backend", pid=running.pid)
        begin(store, "s-2", "frontend", pid=stopped.pid)
        stopped.send_signal(signal.SIGSTOP)
        clock.advance(1000 * TTL_MS)
        assert cleaned(store) == Cleaned()


def test_what_is_unknown_is_not_cleaned_before_its_time(store: Store, clock: ManualClock) -> None:
    begin(store, "s-1")
    clock.advance(TTL_MS)
    assert cleaned(store) == Cleaned()
    clock.advance(1)
    assert cleaned(store).sessions == ("s-1",)


def test_a_clock_that_jumps_back_kills_nobody(store: Store, clock: ManualClock) -> None:
    begin(store, "s-1")
    clock.advance(-1000 * TTL_MS)
    assert cleaned(store) == Cleaned()


def test_a_client_on_another_host_is_judged_by_its_heartbeat(
    store: Store, clock: ManualClock
) -> None:
    begin(store, "s-1")
    away = {"host": "elsewhere", "pid": 1, "pid_started": "7"}
    store.write(lambda tx: tx.update("sessions", {"id": "s-1"}, away))
    clock.advance(TTL_MS)
    assert cleaned(store) == Cleaned()
    clock.advance(1)
    assert cleaned(store).sessions == ("s-1",)


def test_a_killed_client_loses_its_leases_and_its_tasks_are_free_again(store: Store) -> None:
    add_task(store, "T-1")
    with process() as client:
        begin(store, "s-1", pid=client.pid)
        lease(store, "s-1")
        assert cleaned(store) == Cleaned()
    (ended,) = cleaned(store).ended
    assert (ended.session, ended.instance, ended.leases, ended.tasks) == (
        "s-1", "backend", 1, ("T-1",),
    )  # fmt: skip
    assert (task(store, "T-1")["status"], task(store, "T-1")["assigned_to"]) == ("ready", None)
    assert store.read(lambda r: r.count("leases", {"status": "held"})) == 0
    assert row_of(store, "sessions", id="s-1")["ended_at"] is not None
    assert kinds(store)[-2:] == ["task.return", "session.end"]


def test_cleaning_twice_finds_nothing_more(store: Store) -> None:
    with process() as client:
        begin(store, "s-1", pid=client.pid)
    cleaned(store)
    before = kinds(store)
    assert cleaned(store) == Cleaned()
    assert kinds(store) == before


def test_only_the_sessions_asked_about_are_cleaned(store: Store) -> None:
    with process() as one, process() as other:
        begin(store, "s-1", pid=one.pid)
        begin(store, "s-2", "frontend", pid=other.pid)
    assert store.write(lambda tx: clean(tx, tx.now, only=["s-2"])).sessions == ("s-2",)
    assert store.write(lambda tx: clean(tx, tx.now, only=[])).sessions == ()
    assert cleaned(store).sessions == ("s-1",)


def test_the_instance_keeps_the_signs_of_its_dead_client(store: Store) -> None:
    with process() as client:
        begin(store, "s-1", pid=client.pid)
    cleaned(store)
    assert row_of(store, "instances", id="backend")["pid"] == client.pid


def test_the_task_of_an_open_handoff_is_not_returned(store: Store) -> None:
    add_task(store, "T-1")
    add_task(store, "T-2", "assigned")
    add_task(store, "T-3", handoff="H-2")
    handoff: Row = {"id": "H-1", "producer": "backend", "task": "T-1", "status": "open"}
    store.write(lambda tx: tx.insert("handoffs", {**handoff, "version": 1}))
    changes = {"handoff": "H-1", "task": "T-1", "state": "HANDOFF_READY"}
    store.write(lambda tx: tx.update("instances", {"id": "backend"}, changes))
    begin(store, "s-1")
    leave(store, "s-1")
    statuses = [task(store, name)["status"] for name in ("T-1", "T-2", "T-3")]
    assert statuses == ["in_progress", "ready", "in_progress"]
    assert row_of(store, "instances", id="backend")["state"] == "HANDOFF_READY"


def test_an_instance_whose_task_is_returned_stands_by(store: Store) -> None:
    add_task(store, "T-1")
    changes = {"task": "T-1", "state": "ACTIVE"}
    store.write(lambda tx: tx.update("instances", {"id": "backend"}, changes))
    begin(store, "s-1")
    leave(store, "s-1")
    row = row_of(store, "instances", id="backend")
    assert (row["state"], row["task"], row["version"]) == ("STANDBY", None, 2)
    assert kinds(store) == ["session.start", "task.return", "instance.release", "session.end"]


def test_work_that_was_given_in_words_stays_with_a_named_instance(store: Store) -> None:
    changes = {"task": "mend the login", "state": "ACTIVE"}
    store.write(lambda tx: tx.update("instances", {"id": "backend"}, changes))
    begin(store, "s-1")
    leave(store, "s-1")
    row = row_of(store, "instances", id="backend")
    assert (row["state"], row["task"]) == ("ACTIVE", "mend the login")


def test_a_successor_keeps_the_tasks_of_the_instance(store: Store) -> None:
    add_task(store, "T-1")
    with process() as client:
        begin(store, "s-1", pid=client.pid)
    begin(store, "s-2")
    (ended,) = cleaned(store).ended
    assert (ended.session, ended.tasks) == ("s-1", ())
    assert task(store, "T-1")["assigned_to"] == "backend"


def test_sub_agents_end_with_their_session_and_it_goes_on_without_them(store: Store) -> None:
    add_task(store, "T-1")
    begin(store, "s-1")
    store.write(lambda tx: add_agent(tx, "s-1", "a1"))
    store.write(lambda tx: add_agent(tx, "s-1", "a2"))
    leave(store, "s-1/a1")
    assert row_of(store, "sessions", id="s-1")["ended_at"] is None
    assert task(store, "T-1")["assigned_to"] == "backend"
    leave(store, "s-1")
    assert row_of(store, "sessions", id="s-1/a2")["ended_at"] is not None


@pytest.mark.parametrize("handed_off", [False, True])
def test_an_instance_made_on_the_spot_goes_with_its_session_unless_work_is_on_record(
    store: Store, handed_off: bool
) -> None:
    add_instance(store, ON_THE_SPOT, state="ACTIVE", task="try it", configured=0)
    if handed_off:
        row: Row = {"id": "H-1", "producer": ON_THE_SPOT, "status": "landed"}
        store.write(lambda tx: tx.insert("handoffs", row))
    begin(store, "s-1", ON_THE_SPOT)
    leave(store, "s-1")
    there = store.read(lambda r: r.get("instances", id=ON_THE_SPOT)) is not None
    assert there is handed_off
