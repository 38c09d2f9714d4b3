"""Health: what needs attention is said, what does not is not, and a ghost once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.coordination.decisions import Draft, Option, add, propose
from orchestrator.coordination.health import Concern, Surroundings, concerns, counts, news
from orchestrator.store.port import NewEvent, Row, Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

HOUR = 3600 * 1000
DAY = 24 * HOUR


def nobody_knows(row: Row, now: int) -> bool | None:
    return None


def gone(row: Row, now: int) -> bool | None:
    return False


QUIET = Surroundings(live=nobody_knows)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    made: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else open_store(tmp_path / "state", clock=clock)
    )
    yield made
    made.close()


def insert(store: Store, table: str, **row: Any) -> None:
    store.write(lambda tx: tx.insert(table, row))


def look(store: Store, around: Surroundings = QUIET) -> list[Concern]:
    return store.read(lambda reader: concerns(reader, around))


def seen(store: Store, around: Surroundings = QUIET) -> list[tuple[str, str, str]]:
    return [(c.name, c.level, c.subject) for c in look(store, around)]


def tell(store: Store, around: Surroundings = QUIET) -> list[str]:
    return [c.subject for c in store.write(lambda tx: news(tx, concerns(tx, around)))]


def instance(store: Store, name: str = "backend", **more: Any) -> None:
    row = {"id": name, "state": "STANDBY", "version": 1, "registered_at": 0, **more}
    insert(store, "instances", **row)


def test_a_quiet_project_has_no_concerns(store: Store) -> None:
    instance(store)
    assert look(store) == []


def test_work_nobody_checked_in_for_in_a_day_is_red(store: Store, clock: ManualClock) -> None:
    instance(store, state="ACTIVE", heartbeat_at=clock())
    instance(store, "frontend")
    insert(
        store, "tasks", id="T-1", status="in_progress", assigned_to="frontend", due_at=clock() * 2
    )
    clock.advance(DAY)
    assert seen(store) == [("check-in", "red", "frontend")]
    clock.advance(1)
    assert seen(store) == [("check-in", "red", "frontend"), ("check-in", "red", "backend")]


def test_work_assigned_just_now_is_no_concern_however_old_the_instance(
    store: Store, clock: ManualClock
) -> None:
    instance(store, state="ACTIVE")
    store.write(lambda tx: tx.record(NewEvent("instance.assign", "human:ada", "backend")))
    assert look(store) == []
    clock.advance(DAY + 1)
    assert seen(store) == [("check-in", "red", "backend")]


def test_a_session_s_sign_of_life_counts(store: Store, clock: ManualClock) -> None:
    instance(store, state="ACTIVE", heartbeat_at=clock())
    clock.advance(2 * DAY)
    insert(store, "sessions", id="s", instance="backend", started_at=0, heartbeat_at=clock())
    assert look(store) == []


def test_a_ghost_is_told_once_and_again_only_after_it_was_back(
    store: Store, clock: ManualClock
) -> None:
    instance(store, session="s", heartbeat_at=clock())
    clock.advance(DAY + 1)
    assert tell(store) == ["backend"]
    assert tell(store) == []
    assert seen(store) == [("ghost", "yellow", "backend")]
    beat = {"heartbeat_at": clock()}
    store.write(lambda tx: tx.update("instances", {"id": "backend"}, beat))
    assert tell(store) == []
    clock.advance(DAY + 1)
    assert tell(store) == ["backend"]


def test_who_checked_out_is_no_ghost(store: Store, clock: ManualClock) -> None:
    instance(store, session="s", heartbeat_at=clock())
    insert(store, "sessions", id="s", instance="backend", heartbeat_at=clock(), ended_at=clock())
    clock.advance(3 * DAY)
    assert look(store, Surroundings(live=gone)) == []


def test_a_dead_client_is_a_ghost_unless_it_holds_leases(store: Store, clock: ManualClock) -> None:
    instance(store, session="s")
    insert(store, "sessions", id="s", instance="backend", heartbeat_at=clock())
    dead = Surroundings(live=gone)
    assert seen(store) == []
    assert seen(store, dead) == [("ghost", "yellow", "s")]
    later = clock() + HOUR
    insert(store, "leases", id="L-1", instance="backend", session="s", status="held",
           expires_at=later)  # fmt: skip
    assert seen(store, dead) == [("dead-session", "yellow", "s")]
    assert tell(store, dead) == tell(store, dead) == ["s"]


@pytest.mark.parametrize(
    ("due", "wait", "late"),
    [
        (None, 4 * HOUR, False),
        (None, 4 * HOUR + 1, True),
        (HOUR, HOUR + 1, True),
        (DAY, HOUR, False),
    ],
)
def test_an_answer_is_late_past_its_time_or_past_four_hours(
    store: Store, clock: ManualClock, due: int | None, wait: int, late: bool
) -> None:
    due_at = None if due is None else clock() + due
    insert(store, "messages", id="M-1", thread="M-1", sender="backend", status="open",
           requires_response=1, created_at=clock(), due_at=due_at)  # fmt: skip
    insert(store, "receipts", message="M-1", instance="frontend")
    insert(store, "receipts", message="M-1", instance="ops", answered_at=1)
    clock.advance(wait)
    assert seen(store) == ([("unanswered", "red", "M-1")] if late else [])
    assert all(c.message.endswith("of frontend") for c in look(store))


def test_tasks_want_a_deadline_and_dependencies_that_exist(
    store: Store, clock: ManualClock
) -> None:
    later = clock() + HOUR
    insert(store, "tasks", id="T-1", status="open", due_at=later, origin="task_001",
           dependencies='["T-9"]', created_at=0)  # fmt: skip
    insert(store, "tasks", id="T-2", status="ready", dependencies='["task_001"]', created_at=0)
    insert(store, "tasks", id="T-3", status="done")
    assert seen(store) == [("dependency", "red", "T-1"), ("deadline", "yellow", "T-2")]
    clock.advance(2 * HOUR)
    assert ("late", "yellow", "T-1") in seen(store)


def test_decisions_name_whom_they_affect_and_are_taken_in_time(
    store: Store, clock: ManualClock
) -> None:
    nobody = store.write(lambda tx: add(tx, Draft("t", "d"), actor="backend"))["id"]
    store.write(lambda tx: add(tx, Draft("t", "d", affects=("all",)), actor="backend"))
    open_one = Draft("t", "d", affects=("all",), options=(Option("a"),), deadline_at=clock() + HOUR)
    late = store.write(lambda tx: propose(tx, open_one, actor="backend"))["id"]
    assert seen(store) == [("affects", "yellow", nobody)]
    clock.advance(HOUR)
    assert seen(store) == [("undecided", "red", late), ("affects", "yellow", nobody)]


def test_expired_leases_are_one_concern_an_instance(store: Store, clock: ManualClock) -> None:
    for number, handoff in enumerate((None, None, "H-1")):
        insert(store, "leases", id=f"L-{number}", instance="backend", status="held",
               expires_at=clock(), handoff=handoff)  # fmt: skip
    (concern,) = look(store)
    assert (concern.name, concern.message) == ("expired", "holds 2 leases that ran out")


def test_worktrees_that_are_gone_and_those_nobody_uses(store: Store) -> None:
    instance(store, worktree="/w/gone", heartbeat_at=1, branch="topic")
    instance(store, "planned", worktree="/w/never-made")
    instance(store, "frontend", worktree="/w/frontend")
    trees = (
        {"path": "/w/frontend", "branch": "refs/heads/frontend"},
        {"path": "/w/old", "branch": "refs/heads/topic"},
        {"path": "/w/mine", "branch": "refs/heads/private"},
        {"path": "/w/pool", "detached": ""},
    )
    around = Surroundings(nobody_knows, lambda path: path == "/w/frontend", trees)
    assert seen(store, around) == [
        ("orphan", "yellow", "/w/old"),
        ("worktree", "yellow", "backend"),
    ]
    state = {"state": "ACTIVE"}
    store.write(lambda tx: tx.update("instances", {"id": "backend"}, state))
    assert ("worktree", "red", "backend") in seen(store, around)


def test_a_worktree_a_session_works_in_is_not_offered_for_removal(store: Store) -> None:
    instance(store, branch="topic")
    tree = {"path": "/w/old", "branch": "refs/heads/topic"}
    around = Surroundings(nobody_knows, lambda path: True, (tree,))
    insert(store, "sessions", id="s", instance="backend", cwd="/w/old")
    assert "orphan" not in [name for name, _, _ in seen(store, around)]
    store.write(lambda tx: tx.update("sessions", {"id": "s"}, {"ended_at": 1}))
    assert ("orphan", "yellow", "/w/old") in seen(store, around)


def test_a_concern_is_json_and_counted(store: Store) -> None:
    insert(store, "tasks", id="T-1", status="ready", created_at=5)
    (concern,) = look(store)
    assert json.loads(json.dumps(concern.to_json())) == {
        "name": "deadline", "level": "yellow", "subject": "T-1", "message": "has no deadline",
        "hint": "say until when: --due 2d", "since": 5,
    }  # fmt: skip
    assert counts([concern]) == {"red": 0, "yellow": 1}
