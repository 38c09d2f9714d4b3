"""Importing: everything readable is taken over once and stays findable by its old id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.coordination import decisions
from orchestrator.coordination.foreign import Entry, Fault, moment, read
from orchestrator.coordination.importing import Imported, collect, find_task, take_over
from orchestrator.coordination.json_places import parse, place
from orchestrator.coordination.lookup import NoSuchName
from orchestrator.store.port import Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

REGISTRY = {
    "instances": {
        "instance-1": {
            "role": "architecture",
            "status": "active",
            "expertise_areas": ["api-design"],
            "available_for_consultation": True,
        },
        "instance-2": {
            "role": "writing",
            "expertise_areas": [],
            "available_for_consultation": False,
        },
    }
}
QUEUE = {
    "active_tasks": [
        {
            "task_id": "task_001",
            "title": "Lay the ground",
            "assigned_to": "instance-2",
            "status": "in_progress",
            "priority": "urgent",
            "created": "2024-01-15T10:00:00Z",
            "due": "2024-01-15T18:00:00Z",
            "deliverables": ["/documentation/ideas/", "/coordination/spec.md"],
        }
    ],
    "pending_tasks": [
        {
            "task_id": "task_002",
            "title": "Build on it",
            "assigned_to": None,
            "status": "pending_assignment",
            "dependencies": ["task_001", "task_000"],
            "suggested_assignee": "instance-1",
        }
    ],
    "completed_tasks": [{"task_id": "task_003", "title": "Old", "status": "completed"}],
}
MESSAGES = {
    "messages": [
        {
            "message_id": "msg_001",
            "from": "instance-2",
            "to": "instance-1",
            "type": "consultation_request",
            "timestamp": "2024-01-15T11:20:00Z",
            "subject": "Which one?",
            "message": "A or B",
            "requires_response": True,
            "context": {"related_task": "task_002", "related_files": ["/docs/a.md"]},
            "status": "pending_response",
        },
        {"message_id": "msg_002", "from": "instance-1", "to": "all", "in_reply_to": "msg_001",
         "subject": "B", "status": "closed"},
    ],
    "response_queue": [
        {"responding_to": "msg_001", "expected_response_time": "2024-01-15T12:00:00Z"}
    ],
}  # fmt: skip
SHARED = {
    "decisions": [
        {
            "decision_id": "dec_001",
            "title": "Files",
            "decision": "Use files",
            "decided_by": ["instance-2"],
            "date": "2024-01-15T11:15:00Z",
            "status": "active",
            "affects_instances": ["all"],
            "related_tasks": ["task_001"],
        }
    ],
    "pending_decisions": [
        {
            "decision_id": "dec_002",
            "title": "Protocol",
            "options": [{"option": "REST", "pros": ["plain"], "cons": []}],
            "input_needed_from": ["instance-1"],
            "deadline": "2024-01-15T16:00:00Z",
        }
    ],
}
LOG_ENTRY = {
    "decision_id": "DEC-20261121-0100",
    "timestamp": "2026-11-21T06:56:34Z",
    "made_by": {"instance_id": "claude-20261121-065633-efa41872"},
    "category": "api-design",
    "title": "Use JWT",
    "description": "15min expiry",
    "impact": {"scope": "service"},
    "status": "accepted",
}
LOG = {"decisions": [LOG_ENTRY, {**LOG_ENTRY, "title": "Same id, another decision"}]}
LOCK = {
    "file_path": "backend/app.py",
    "locked_by": {"instance_id": "claude-20261121-065908-63315a2d"},
    "expires_at": "2099-01-01T00:00:00Z",
}


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    clock = ManualClock()
    return MemoryStore(clock) if request.param == "memory" else open_store(tmp_path, clock=clock)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A repository with both systems' files."""
    top = tmp_path / "old"
    files: dict[str, Any] = {
        "coordination/instance-registry.json": REGISTRY,
        "coordination/task-queue.json": QUEUE,
        "coordination/communication-log.json": MESSAGES,
        "coordination/decisions.json": SHARED,
        ".claude/coordination/decision-log.json": LOG,
        ".claude/coordination/locks/YmFja2VuZC9hcHAucHk.json": LOCK,
        ".claude/coordination/work-registry.json": {"instances": [{"instance_id": "claude-1"}]},
    }
    for name, value in files.items():
        put(top, name, json.dumps(value, indent=2))
    return top


def put(top: Path, name: str, text: str) -> None:
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def take(store: Store, top: Path) -> Imported:
    return store.write(lambda tx: take_over(tx, collect(top), actor="human:ada"))


def task(store: Store, name: str) -> dict[str, Any]:
    return store.read(lambda reader: find_task(reader, name))


def test_tasks_stay_findable_with_their_words_mapped(store: Store, old: Path) -> None:
    assert take(store, old).faults == []
    first, second, third = (task(store, f"task_00{n}") for n in (1, 2, 3))
    assert (first["id"], first["status"], first["priority"]) == ("T-1", "in_progress", "critical")
    assert first["assigned_to"] == "instance-2"
    assert json.loads(first["deliverables"]) == ["documentation/ideas/", "coordination/spec.md"]
    assert first["due_at"] - first["created_at"] == 8 * 3600 * 1000
    assert (second["status"], second["suggested"]) == ("open", "instance-1")
    assert json.loads(second["dependencies"]) == ["T-1", "task_000"]
    assert third["status"] == "done"
    with pytest.raises(NoSuchName):
        task(store, "task_000")


def test_messages_keep_thread_due_time_and_addressees(store: Store, old: Path) -> None:
    take(store, old)
    rows = store.read(lambda reader: reader.find("messages"))
    first, second = rows
    assert (first["status"], first["task"]) == ("open", "T-2")
    assert first["due_at"] == moment("2024-01-15T12:00:00Z")
    assert json.loads(first["files"]) == ["docs/a.md"]
    assert (second["thread"], second["reply_to"]) == (first["id"], first["id"])
    receipts = store.read(lambda reader: reader.find("receipts"))
    assert {(r["message"], r["instance"]) for r in receipts} == {
        ("M-1", "instance-1"),
        ("M-2", "instance-2"),
    }


def test_decisions_of_both_logs_are_taken_also_where_an_id_was_given_twice(
    store: Store, old: Path
) -> None:
    take(store, old)
    made = store.read(lambda reader: decisions.find(reader, "dec_001"))
    assert (made["status"], json.loads(made["related_tasks"])) == ("accepted", ["T-1"])
    waiting = store.read(lambda reader: decisions.find(reader, "dec_002"))
    assert (waiting["status"], json.loads(waiting["inputs_needed"])) == ("proposed", ["instance-1"])
    kept = store.read(lambda reader: reader.get("decisions", id="DEC-20261121-0100"))
    assert kept is not None and kept["scope"] == "service"
    titles = {row["title"] for row in store.read(lambda reader: reader.find("decisions"))}
    assert titles == {"Files", "Protocol", "Use JWT", "Same id, another decision"}


def test_instances_stand_by_with_what_they_know(store: Store, old: Path) -> None:
    take(store, old)
    row = store.read(lambda reader: reader.get("instances", id="instance-1"))
    assert row is not None and row["state"] == "STANDBY"
    profile = store.read(lambda reader: reader.get("profiles", instance="instance-1"))
    assert profile is not None
    assert (profile["expertise"], profile["consultation"]) == ('["api-design"]', 1)


def test_dead_sessions_and_locks_are_left_and_named(store: Store, old: Path) -> None:
    left = take(store, old).left
    assert len(left) == 2
    assert "session claude-1" in left[0]
    assert "lock on backend/app.py of claude-20261121-065908-63315a2d" in left[1]
    assert store.read(lambda reader: reader.count("leases")) == 0


def everything(store: Store) -> Any:
    tables = ("instances", "profiles", "tasks", "messages", "receipts", "decisions", "events")
    return store.read(lambda reader: [reader.find(table) for table in tables])


def test_importing_twice_changes_nothing(store: Store, old: Path) -> None:
    first = take(store, old)
    before = everything(store)
    again = take(store, old)
    assert everything(store) == before
    assert again.taken == {}
    assert again.known == sum(len(names) for names in first.taken.values())


def test_what_changed_since_is_named_and_left(store: Store, old: Path) -> None:
    take(store, old)
    changed = json.loads(json.dumps(QUEUE))
    changed["active_tasks"][0]["title"] = "Other"
    put(old, "coordination/task-queue.json", json.dumps(changed))
    assert "task_001 is T-1 here and differs now" in take(store, old).left[0]
    assert task(store, "task_001")["title"] == "Lay the ground"


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.8, 0.95])
def test_a_half_written_file_is_reported_by_place_and_its_whole_entries_taken(
    store: Store, old: Path, cut: float
) -> None:
    text = json.dumps({"decisions": [{**LOG_ENTRY, "title": f"D{n}"} for n in range(20)]}, indent=1)
    short = text[: int(len(text) * cut)]
    put(old, ".claude/coordination/decision-log.json", short)
    result = take(store, old)
    (fault,) = result.faults
    line, column = place(short, len(short))
    name, at, _ = fault.where.rsplit(":", 2)
    assert name == ".claude/coordination/decision-log.json"
    assert line - 1 <= int(at) <= line
    titles = {row["title"] for row in store.read(lambda reader: reader.find("decisions"))}
    whole = short.count('"status"') - (1 if column else 0)
    assert {f"D{n}" for n in range(whole)} <= titles
    assert "T-1" in result.taken["task"].values()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "f:1:1"),
        ("[]", "f:1:1"),
        ("{}\n{}", "f:2:1"),
        ('{"decisions": [\n  5]}', "f:2:3"),
        ('{"decisions": [\n {"title": "no id"}]}', "f:2:2"),
        ("[" * 100_000, "f:1:66"),
        ('{"a": \ud800', "f:1:7"),
    ],
)
def test_what_cannot_be_read_has_a_place(text: str, where: str) -> None:
    (fault,) = read("decision-log.json", text, "f")
    assert isinstance(fault, Fault)
    assert fault.where == where


def test_a_line_break_inside_a_string_is_read_as_the_original_wrote_it() -> None:
    (entry,) = read("lock", '{"file_path": "a\nb"}', "f")
    assert isinstance(entry, Entry)
    assert entry.name == "a\nb"


def test_bad_values_cost_only_their_own_entry(store: Store, old: Path) -> None:
    queue = {"pending_tasks": [
        {"task_id": "task_9", "title": "x", "deliverables": ["/../../etc/passwd"]},
        {"task_id": "task_8", "title": "fine", "priority": 7, "due": "soon"},
    ]}  # fmt: skip
    put(old, "coordination/task-queue.json", json.dumps(queue))
    result = take(store, old)
    (fault,) = result.faults
    assert "task task_9" in fault.message
    assert fault.where.startswith("coordination/task-queue.json:1:")
    assert task(store, "task_8")["priority"] == "medium"


def test_our_own_views_are_never_imported(store: Store, old: Path) -> None:
    names = "coordination/task-queue.json\ncoordination/decisions.json\n"
    put(old, "coordination/.orchestrate-views", names)
    (old / "coordination/task-queue.json").rename(old / "coordination/task-queue.json.original")
    put(old, "coordination/task-queue.json", json.dumps({"pending_tasks": [{"task_id": "T-7"}]}))
    result = take(store, old)
    assert set(result.taken["task"]) == {"task_001", "task_002", "task_003"}
    assert "dec_001" not in result.taken["decision"]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.123456", 123),
        ("1970-13-01T00:00:00Z", None),
        ("tomorrow", None),
        (5, None),
        ("", None),
    ],
)
def test_times_are_read_in_every_form_the_files_have(text: Any, ms: int | None) -> None:
    assert moment(text) == ms


def test_a_node_knows_where_it_stands() -> None:
    text = '{"a": [1, {"b": 2}]}'
    root = parse(text).root
    assert root is not None
    node = root.at("a")
    assert node is not None
    assert [text[item.start : item.end] for item in node.items] == ["1", '{"b": 2}']
