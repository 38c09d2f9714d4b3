"""A briefing tells what concerns an instance, the most pressing first, and nothing else."""

from __future__ import annotations

import json

import pytest

from orchestrator.config.model import Config, Instance, Layer
from orchestrator.coordination.briefing import LIMIT, Briefing, Part, briefing
from orchestrator.coordination.telling import told
from orchestrator.store.port import NewEvent, Row
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.acting import add_instance

CONFIG = Config(
    project="shop",
    layers={"code": Layer("code", ("src/**",))},
    instances={
        "backend": Instance("backend", "BACKEND", file_patterns=("src/api/**", "db/*.sql")),
        "frontend": Instance("frontend", "FRONTEND", file_patterns=("ui/**",)),
    },
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    made = MemoryStore(clock)
    add_instance(made, "backend", role="BACKEND", state="ACTIVE", task="T-1")
    return made


def insert(store: MemoryStore, table: str, name: str, **columns: object) -> None:
    store.write(lambda tx: tx.insert(table, {"id": name, **columns}))


def record(store: MemoryStore, event: NewEvent) -> None:
    store.write(lambda tx: tx.record(event))


def brief(store: MemoryStore, instance: str = "backend", since: int = 0) -> Briefing:
    return store.read(lambda reader: briefing(reader, CONFIG, instance, since))


def ids(part: Part) -> list[str]:
    return [item["id"] for item in part.items]


def test_with_nothing_to_say_it_says_so(store: MemoryStore, clock: ManualClock) -> None:
    text = told(brief(store), clock())
    assert text == "backend  BACKEND  ACTIVE: T-1\nnothing waits for you\n"


def test_my_tasks_are_mine_or_offered_to_me_what_is_begun_first(store: MemoryStore) -> None:
    rows: list[tuple[str, str, Row]] = [
        ("T-1", "assigned", {"assigned_to": "backend", "priority": "critical"}),
        ("T-2", "in_progress", {"assigned_to": "backend", "priority": "low"}),
        ("T-3", "done", {"assigned_to": "backend"}),
        ("T-4", "in_progress", {"assigned_to": "frontend"}),
        ("T-5", "proposed", {"proposed_to": "backend"}),
        ("T-6", "ready", {"suggested": "backend"}),
        ("T-7", "ready", {"suggested": "frontend"}),
        ("T-8", "assigned", {"assigned_to": "backend", "priority": "critical", "due_at": 5}),
    ]
    for name, status, columns in rows:
        insert(store, "tasks", name, status=status, title=name, **columns)
    assert ids(brief(store).tasks) == ["T-2", "T-8", "T-1", "T-5", "T-6"]


def message(store: MemoryStore, name: str, *, requires: int = 0, **receipt: object) -> None:
    status = str(receipt.pop("status", "open"))
    told = {"thread": name, "sender": "frontend", "subject": name, "created_at": 1}
    insert(store, "messages", name, status=status, requires_response=requires, **told)
    row = {"message": name, "instance": "backend", **receipt}
    store.write(lambda tx: tx.insert("receipts", row))


def test_messages_that_want_an_answer_come_first_and_read_ones_are_not_told(
    store: MemoryStore,
) -> None:
    message(store, "M-1")
    message(store, "M-2", read_at=5)
    message(store, "M-3", requires=1, read_at=5)
    message(store, "M-4", requires=1, read_at=5, answered_at=6)
    message(store, "M-5", requires=1, status="closed")
    message(store, "M-6", undeliverable="retired")
    assert ids(brief(store).messages) == ["M-3", "M-1"]
    assert ids(brief(store, "frontend").messages) == []


def test_decisions_concern_me_by_name_by_files_or_by_the_input_they_want(
    store: MemoryStore,
) -> None:
    rows: list[tuple[str, str, Row]] = [
        ("D-1", "accepted", {"affects": json.dumps(["all"])}),
        ("D-2", "accepted", {"affects": json.dumps(["frontend"])}),
        ("D-3", "accepted", {"files": json.dumps(["src/**/routes.py"])}),
        ("D-4", "proposed", {"inputs_needed": json.dumps(["backend"])}),
        ("D-5", "superseded", {"affects": json.dumps(["backend"])}),
        ("D-6", "accepted", {"affects": json.dumps(["backend"]), "archived": 1}),
        ("D-7", "proposed", {"inputs_needed": json.dumps(["backend"])}),
        ("D-8", "accepted", {"affects": "no json"}),
    ]
    for name, status, columns in rows:
        insert(store, "decisions", name, status=status, title=name, **columns)
    given = {"decision": "D-7", "instance": "backend", "kind": "input"}
    store.write(lambda tx: tx.insert("opinions", given))
    assert ids(brief(store).decisions) == ["D-4", "D-1", "D-3"]


@pytest.mark.parametrize(
    ("kind", "path", "near"),
    [
        ("file", "src/api/a.py", True),
        ("file", "src/ui.py", False),
        ("folder", "src", True),
        ("folder", "ui", False),
        ("glob", "**/*.sql", True),
        ("glob", "ui/*", False),
        ("file", "src/api/[x].py", True),
    ],
)
def test_leases_of_others_are_near_when_they_share_a_path_with_mine(
    store: MemoryStore, clock: ManualClock, kind: str, path: str, near: bool
) -> None:
    held = {"kind": kind, "path": path, "status": "held", "expires_at": clock() + 1}
    insert(store, "leases", "L-1", instance="frontend", **held)
    insert(store, "leases", "L-2", instance="backend", **held)
    insert(store, "leases", "L-3", instance="frontend", **{**held, "status": "ended"})
    insert(store, "leases", "L-4", instance="frontend", **{**held, "expires_at": clock()})
    assert ids(brief(store).leases) == (["L-1"] if near else [])


def test_who_has_no_files_hears_of_every_lease(store: MemoryStore, clock: ManualClock) -> None:
    held = {"kind": "file", "path": "x", "status": "held", "expires_at": clock() + 1}
    insert(store, "leases", "L-1", instance="frontend", **held)
    assert ids(brief(store, "claude-1").leases) == ["L-1"]


def test_events_are_what_others_did_about_me_since_then(store: MemoryStore) -> None:
    insert(store, "handoffs", "H-1", producer="frontend", target="backend", status="open")
    for event in [
        NewEvent("instance.assign", "human:ada", "backend"),
        NewEvent("instance.ready", "backend", "backend"),
        NewEvent("instance.reject", "coordinator", "backend", "H-2", "tests failed"),
        NewEvent("instance.ready", "frontend", "frontend"),
        NewEvent("instance.approve", "coordinator", "frontend", "H-1"),
        NewEvent("instance.complete", "coordinator", "other", "H-3"),
        NewEvent("session.end", "cleanup", "backend"),
        NewEvent("session.refused", "unverified", "backend"),
    ]:
        record(store, event)
    found = brief(store, since=1)
    assert [item["seq"] for item in found.events.items] == [8, 6, 5, 3]
    assert found.seen == 8
    assert brief(store, since=8).events == Part()


def test_what_is_left_out_is_counted(store: MemoryStore, clock: ManualClock) -> None:
    for number in range(LIMIT + 3):
        name = f"T-{number + 1}"
        insert(store, "tasks", name, status="assigned", title=name, assigned_to="backend")
    found = brief(store)
    assert (len(found.tasks.items), found.tasks.omitted) == (LIMIT, 3)
    assert "  … and 3 more\n" in told(found, clock())


def test_the_text_is_one_fact_a_line_and_steers_no_terminal(
    store: MemoryStore, clock: ManualClock
) -> None:
    due = {"due_at": clock() - 1, "priority": "high"}
    insert(
        store, "tasks", "T-1", status="assigned", title="a\n\x1b[2J", assigned_to="backend", **due
    )
    message(store, "M-1", requires=1)
    decided = {"title": "JWT", "decision": "15 min", "affects": '["all"]'}
    insert(store, "decisions", "DEC-1", status="accepted", **decided)
    lease = {"kind": "file", "path": "src/api/a.py", "status": "held", "mode": "exclusive"}
    until = {"expires_at": clock() + 300_000, "intent": "mend", "lines_from": 3, "lines_to": 9}
    insert(store, "leases", "L-1", instance="frontend", **lease, **until)
    record(store, NewEvent("instance.assign", "human:ada", "backend", reason="urgent"))
    assert told(brief(store), clock()) == TEXT
    json.dumps(brief(store).to_json())


TEXT = """\
backend  BACKEND  ACTIVE: T-1
my tasks:
  T-1 assigned OVERDUE since 12-31 23:59: a\\n\\x1b[2J
messages:
  M-1 from frontend wants an answer: M-1
decisions that affect me:
  DEC-1 accepted: JWT → 15 min
held by others near my files:
  src/api/a.py:3-9 exclusive by frontend until 01-01 00:05: mend
since I was last here:
  01-01 00:00 instance.assign backend by human:ada: urgent
"""
