"""The queue is fair: priority with ageing, then first come; nobody starves or waits in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.coordination import deadlock, leases, queue
from orchestrator.coordination.deadlock import Deadlock
from orchestrator.coordination.leases import Held
from orchestrator.coordination.queue import AGEING_MS, SIGN_MS
from orchestrator.store.port import Row, Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.leasing import acquired, at, take


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Store:
    if request.param == "memory":
        return MemoryStore(clock)
    return open_store(tmp_path / "s", clock=clock)


def wait(store: Store, who: str, *paths: str, priority: int = 0, mode: str = "exclusive") -> Row:
    """``who`` joins the queue, unless that would close a circle."""
    wants = [at(path) for path in paths]

    def body(tx):  # type: ignore[no-untyped-def] # a transaction's body
        row = queue.enqueue(tx, wants, instance=who, session=None, mode=mode, priority=priority)
        deadlock.refuse(tx, row)
        return row

    found: Row = store.write(body)
    return found


def free(store: Store, who: str, path: str) -> None:
    store.write(lambda tx: leases.release(tx, [at(path)], instance=who))


def sign(store: Store, *rows: Row) -> None:
    for row in rows:
        store.write(lambda tx, row=row: queue.sign(tx, row))  # type: ignore[misc]


def test_who_came_first_is_served_first(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    ben = wait(store, "ben", "a.py")
    clock.advance(1)
    cyd = wait(store, "cyd", "a.py")
    free(store, "ada", "a.py")
    got = take(store, "cyd", "a.py", waiting=cyd)
    assert isinstance(got, Held)
    assert [(c.holder, c.lease) for c in got.conflicts] == [("ben", None)]
    acquired(store, "ben", "a.py", waiting=ben)


def test_nobody_who_did_not_wait_overtakes(store: Store) -> None:
    acquired(store, "ada", "src/", mode="shared")
    wait(store, "ben", "src/a.py")
    assert isinstance(take(store, "cyd", "src/a.py", mode="shared"), Held), "ben would starve"
    acquired(store, "cyd", "src/b.py", mode="shared")
    assert len(acquired(store, "ada", "src/", mode="shared")) == 1, "what one has is renewed"


def test_readers_do_not_wait_for_readers(store: Store) -> None:
    acquired(store, "ada", "b.py")
    wait(store, "ben", "a.py", "b.py", mode="shared")
    acquired(store, "cyd", "a.py", mode="shared")


def test_priority_goes_first_and_waiting_makes_up_for_it(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    ben = wait(store, "ben", "a.py")
    clock.advance(AGEING_MS - 1)
    cyd = wait(store, "cyd", "a.py", priority=1)
    sign(store, ben, cyd)
    assert [row["instance"] for row in store.read(queue.waiting)] == ["cyd", "ben"]
    clock.advance(1)
    assert [row["instance"] for row in store.read(queue.waiting)] == ["ben", "cyd"]


def test_a_newcomer_with_priority_does_not_overtake_for_ever(
    store: Store, clock: ManualClock
) -> None:
    acquired(store, "ada", "x.py")
    ben = wait(store, "ben", "a.py", "x.py")
    acquired(store, "cyd", "a.py", priority=3)
    free(store, "cyd", "a.py")
    clock.advance(3 * AGEING_MS)
    sign(store, ben)
    assert isinstance(take(store, "cyd", "a.py", priority=3), Held)


def test_a_waiter_that_shows_no_sign_of_life_is_skipped(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    wait(store, "ben", "a.py")
    free(store, "ada", "a.py")
    clock.advance(SIGN_MS)
    acquired(store, "cyd", "a.py")
    wait(store, "ada", "a.py")
    assert store.read(lambda reader: reader.count("lease_waits")) == 1


def test_who_leaves_the_queue_blocks_nobody(store: Store) -> None:
    acquired(store, "ada", "a.py")
    row = wait(store, "ben", "a.py")
    free(store, "ada", "a.py")
    store.write(lambda tx: queue.leave(tx, row))
    acquired(store, "cyd", "a.py")


def test_a_holder_may_take_more_while_others_wait_for_it(store: Store) -> None:
    """Else the waiter would keep the holder from finishing."""
    acquired(store, "ada", "a.py")
    wait(store, "ben", "a.py", "b.py")
    acquired(store, "ada", "b.py")


def test_two_who_wait_for_each_other_are_named(store: Store) -> None:
    acquired(store, "ada", "a.py")
    acquired(store, "ben", "b.py")
    wait(store, "ada", "b.py")
    with pytest.raises(Deadlock) as refused:
        wait(store, "ben", "a.py")
    assert refused.value.message == (
        "a deadlock: ben waits for a.py (ada has it), ada waits for b.py (ben has it)"
    )
    assert (refused.value.code, refused.value.exit_status) == ("E364", 10)
    assert store.read(lambda reader: reader.count("lease_waits")) == 1, "ben does not wait"


def test_a_longer_circle_through_a_folder_is_found(store: Store) -> None:
    for who, path in (("ada", "src/"), ("ben", "b.py"), ("cyd", "c.py")):
        acquired(store, who, path)
    wait(store, "ada", "b.py")
    wait(store, "ben", "c.py")
    with pytest.raises(Deadlock, match=r"cyd waits for src/x\.py"):
        wait(store, "cyd", "src/x.py")
    wait(store, "dan", "src/x.py")


def test_a_circle_through_the_queue_is_found(store: Store) -> None:
    acquired(store, "ada", "x.py")
    acquired(store, "ben", "s.py")
    wait(store, "cyd", "x.py", "q.py")
    wait(store, "ben", "q.py")
    with pytest.raises(Deadlock):
        wait(store, "ada", "s.py")


def test_of_a_circle_that_closes_later_only_the_last_gives_way(store: Store) -> None:
    acquired(store, "ada", "a.py")
    ben = wait(store, "ben", "a.py")
    acquired(store, "ben", "b.py")
    ada = store.write(
        lambda tx: queue.enqueue(
            tx, [at("b.py")], instance="ada", session=None, mode="exclusive", priority=0
        )
    )
    store.read(lambda reader: deadlock.refuse(reader, ben, late=True))
    with pytest.raises(Deadlock):
        store.read(lambda reader: deadlock.refuse(reader, ada, late=True))


def test_a_lease_of_a_handoff_waits_for_nobody(store: Store) -> None:
    acquired(store, "ada", "a.py")
    store.write(lambda tx: leases.pass_to(tx, {"id": "H-1"}, "ada", [at("a.py")]))
    wait(store, "ben", "a.py")
    acquired(store, "ben", "b.py")
    wait(store, "ada", "b.py")
