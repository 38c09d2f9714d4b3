"""A session is one instance, one live session occupies it, and what it is nobody else is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.coordination.liveness import TTL_MS
from orchestrator.coordination.sessions import (
    NoSession,
    NotYou,
    Occupied,
    add_agent,
    children,
    heartbeat,
    instance_of,
    session_liveness,
)
from orchestrator.store.port import Row, Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.acting import add_instance, begin, kinds, process, row_of


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


def beating(age: int, **columns: object) -> Row:
    """The signs of life of a session whose last heartbeat was ``age`` ms before 10,000,000."""
    row = {"pid": None, "pid_started": None, "host": None, "ended_at": None}
    return {**row, "heartbeat_at": 10_000_000 - age, **columns}


def test_a_session_occupies_its_instance_with_its_signs_of_life(store: Store) -> None:
    begin(store, "s-1", pid=os.getpid())
    instance = row_of(store, "instances", id="backend")
    assert (instance["session"], instance["pid"]) == ("s-1", os.getpid())
    assert store.read(lambda reader: instance_of(reader, "s-1")) == "backend"
    assert kinds(store) == ["session.start"]


def test_registering_again_changes_nothing_and_is_no_event(store: Store) -> None:
    first = begin(store, "s-1", pid=os.getpid())
    assert begin(store, "s-1", pid=os.getpid()) == first
    assert kinds(store) == ["session.start"]


def test_a_call_that_does_not_know_the_pid_keeps_the_known_one(store: Store) -> None:
    begin(store, "s-1", pid=os.getpid())
    assert begin(store, "s-1")["pid"] == os.getpid()


def test_one_live_session_an_instance(store: Store) -> None:
    begin(store, "s-1", pid=os.getpid())
    with pytest.raises(Occupied, match="another live session"):
        begin(store, "s-2")
    assert row_of(store, "instances", id="backend")["session"] == "s-1"


def test_an_occupant_of_whom_nothing_is_known_is_not_dead_at_once(
    store: Store, clock: ManualClock
) -> None:
    begin(store, "s-1")
    clock.advance(TTL_MS)
    with pytest.raises(Occupied):
        begin(store, "s-2")
    clock.advance(1)
    assert begin(store, "s-2")["instance"] == "backend"


def test_the_instance_of_a_killed_client_is_vacant_at_once(store: Store) -> None:
    with process() as client:
        begin(store, "s-1", pid=client.pid)
    assert begin(store, "s-2")["instance"] == "backend"


def test_a_stopped_client_lives(store: Store, clock: ManualClock) -> None:
    with process() as client:
        begin(store, "s-1", pid=client.pid)
        client.send_signal(signal.SIGSTOP)
        clock.advance(100 * TTL_MS)
        with pytest.raises(Occupied):
            begin(store, "s-2")


def test_a_session_is_one_instance_for_as_long_as_it_lives(store: Store) -> None:
    begin(store, "s-1")
    with pytest.raises(NotYou, match="this session is instance backend, not frontend"):
        begin(store, "s-1", "frontend")


@pytest.mark.parametrize(
    ("row", "lives"),
    [
        (beating(0, ended_at=5), False),
        (beating(0, host="elsewhere"), True),
        (beating(TTL_MS, host="elsewhere"), True),
        (beating(TTL_MS + 1, host="elsewhere"), False),
        (beating(0), None),
        (beating(TTL_MS), None),
        (beating(TTL_MS + 1), False),
        (beating(-TTL_MS), None),
        ({**beating(0), "heartbeat_at": None}, None),
        (beating(0, host="elsewhere", pid=1, pid_started="7"), True),
    ],
)  # fmt: skip
def test_liveness_has_three_answers(row: Row, lives: bool | None) -> None:
    assert session_liveness(row, 10_000_000) is lives


def test_a_pid_that_is_somebody_elses_now_is_a_dead_client(store: Store) -> None:
    row = begin(store, "s-1", pid=os.getpid())
    assert session_liveness({**row, "pid_started": "1"}, row["heartbeat_at"]) is False


def test_a_heartbeat_renews_the_session_and_its_instance_without_an_event(
    store: Store, clock: ManualClock
) -> None:
    begin(store, "s-1")
    now = clock.advance(1000)
    assert store.write(lambda tx: heartbeat(tx, "s-1"))["heartbeat_at"] == now
    assert row_of(store, "instances", id="backend")["heartbeat_at"] == now
    assert kinds(store) == ["session.start"]


def test_a_heartbeat_of_nobody_is_stale(store: Store) -> None:
    with pytest.raises(NoSession) as refused:
        store.write(lambda tx: heartbeat(tx, "s-1"))
    assert refused.value.exit_status == 13


def test_a_sub_agent_is_a_child_that_works_as_the_same_instance(
    store: Store, clock: ManualClock
) -> None:
    begin(store, "s-1", pid=os.getpid())
    child = store.write(lambda tx: add_agent(tx, "s-1", "a1"))
    assert (child["id"], child["instance"], child["parent"]) == ("s-1/a1", "backend", "s-1")
    now = clock.advance(1000)
    store.write(lambda tx: heartbeat(tx, "s-1/a1"))
    assert row_of(store, "sessions", id="s-1")["heartbeat_at"] == now
    assert row_of(store, "instances", id="backend")["session"] == "s-1"
    store.write(lambda tx: add_agent(tx, "s-1", "a1"))
    assert [row["agent"] for row in store.read(lambda r: children(r, "s-1"))] == ["a1"]
    assert kinds(store) == ["session.start", "session.agent"]
