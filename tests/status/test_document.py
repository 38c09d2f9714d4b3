"""The document: every field of the framework's template, and ours, in every state."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import orchestrator.status
from orchestrator.lifecycle.states import STATUS_OF_STATE, State
from orchestrator.plugins.spec import FAMILIES
from orchestrator.status.document import FAMILY_KEYS, Extras, build
from orchestrator.status.times import ago, parse, rfc3339
from orchestrator.store.port import Store
from orchestrator.testing import ManualClock, MemoryStore
from tests.status.conftest import CONFIG, at_work, insert, record, update

SHIPPED = Path(orchestrator.status.__file__).parent / "schema.json"
SCHEMA = Draft202012Validator(json.loads(SHIPPED.read_text()))


def document(store: Store, **extras: Any) -> dict[str, Any]:
    """The document, checked against the shipped schema."""
    config = CONFIG.to_json() if store.read(lambda r: r.get("meta", name="config")) else None
    found = store.read(lambda reader: build(reader, config, extras=Extras(**extras)))
    assert [error.message for error in SCHEMA.iter_errors(found)] == []
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def test_the_schema_is_itself_valid_and_the_copy_in_status_is_byte_equal() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    copy = Path(__file__).parents[2] / "status" / "schema.json"
    assert copy.read_bytes() == SHIPPED.read_bytes()


def test_an_empty_store_without_configuration_has_a_document() -> None:
    found = document(MemoryStore(ManualClock()))
    assert found["instances"] == {}
    assert found["autonomousCoordination"]["enabled"] is False
    assert found["health"]["status"] == "ok"


def test_every_field_of_the_template_is_there(store: Store) -> None:
    found = document(store)
    assert found["coordinationSession"] == {
        "sessionId": "session-shop-2026-01-01",
        "coordinationMode": "MULTI_INSTANCE_AUTONOMOUS",
        "totalInstances": 3,
        "currentPhase": "AUTONOMOUS_COORDINATION_READY",
    }
    assert found["autonomousCoordination"] == {
        "enabled": True,
        "coordinatorInstance": "lead",
        "autoApprovalEnabled": True,
        "escalationThreshold": "critical_failures_only",
        "monitoringInterval": 30000,
    }
    assert found["instances"]["backend"] == {
        "instanceId": "backend",
        "role": "BACKEND_DEVELOPMENT",
        "status": "STANDBY",
        "specializations": ["APIs"],
        "filesResponsible": ["src/**"],
        "readyForHandoff": False,
        "nextHandoffTarget": "frontend",
        "state": "STANDBY",
        "task": None,
        "handoff": None,
        "session": None,
        "client": "unknown",
        "leases": [],
        "heartbeatAt": None,
        "host": None,
        "pid": None,
        "worktree": None,
        "branch": None,
        "since": None,
        "taskTitle": None,
    }
    assert found["handoffProtocol"] == {"currentHandoffPhase": "NONE", "verificationRequired": []}


@pytest.mark.parametrize("state", State)
def test_status_and_readiness_follow_from_the_state(store: Store, state: State) -> None:
    at_work(store, "backend", state, "H-1")
    found = document(store)["instances"]["backend"]
    assert found["state"] == state
    assert found["status"] == STATUS_OF_STATE[state]
    assert found["readyForHandoff"] is (state is State.HANDOFF_READY)


PHASE = {
    State.STANDBY: "NONE",
    State.ACTIVE: "NONE",
    State.HANDOFF_READY: "NONE",
    State.VERIFICATION: "VERIFICATION",
    State.APPROVED: "APPROVED",
    State.FAILED: "FAILED",
    State.REMEDIATION: "FAILED",
    State.HANDOFF_COMPLETE: "NONE",
}
ADVANCE = ["NONE", "FAILED", "VERIFICATION", "APPROVED"]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(State, State)))
def test_the_phase_is_that_of_the_most_advanced_open_handoff(one: State, other: State) -> None:
    store = MemoryStore(ManualClock())
    at_work(store, "backend", one, "H-1")
    at_work(store, "frontend", other, "H-2")
    found = document(store)["handoffProtocol"]["currentHandoffPhase"]
    assert found == max(PHASE[one], PHASE[other], key=ADVANCE.index)


def test_an_ended_handoff_has_no_phase(store: Store) -> None:
    at_work(store, "backend", State.APPROVED, "H-1")
    update(store, "handoffs", "H-1", status="landed")
    assert document(store)["handoffProtocol"]["currentHandoffPhase"] == "NONE"


def test_what_must_be_verified_is_named_by_the_four_keys(store: Store) -> None:
    at_work(store, "backend", State.VERIFICATION, "H-1")
    required = document(store)["handoffProtocol"]["verificationRequired"]
    assert required == ["layerIntegrity", "contractCompliance"]
    assert FAMILY_KEYS == FAMILIES


def test_the_next_target_is_the_handoffs_then_the_configured_then_the_coordinator(
    store: Store,
) -> None:
    at_work(store, "backend", State.VERIFICATION, "H-1")
    update(store, "handoffs", "H-1", target="docs")
    at_work(store, "visitor", State.ACTIVE)
    found = document(store)["instances"]
    targets = {name: row["nextHandoffTarget"] for name, row in found.items()}
    assert targets == {"backend": "docs", "frontend": "lead", "lead": None, "visitor": "lead"}


def test_instances_are_those_of_the_configuration_and_of_the_store(store: Store) -> None:
    at_work(store, "claude-20260101-000000-deadbeef", State.ACTIVE)
    found = document(store)
    assert sorted(found["instances"]) == [
        "backend",
        "claude-20260101-000000-deadbeef",
        "frontend",
        "lead",
    ]
    assert found["instances"]["lead"]["role"] == "INTEGRATION_COORDINATION"
    assert found["coordinationSession"]["totalInstances"] == 4


def test_the_session_has_the_date_of_the_first_event(store: Store, clock: ManualClock) -> None:
    record(store)
    clock.advance(3 * 86_400_000)
    record(store)
    found = document(store)
    assert found["coordinationSession"]["sessionId"] == "session-shop-2026-01-01"
    assert found["generatedAt"] == "2026-01-04T00:00:00.000Z"


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (State.STANDBY, "AUTONOMOUS_COORDINATION_READY"),
        (State.ACTIVE, "WORK_IN_PROGRESS"),
        (State.REMEDIATION, "WORK_IN_PROGRESS"),
        (State.HANDOFF_READY, "VERIFICATION_IN_PROGRESS"),
        (State.APPROVED, "VERIFICATION_IN_PROGRESS"),
    ],
)
def test_the_phase_of_the_project_says_what_goes_on(store: Store, state: State, phase: str) -> None:
    at_work(store, "backend", state)
    assert document(store)["coordinationSession"]["currentPhase"] == phase


def ask(store: Store, **more: Any) -> None:
    row = {"id": "ESC-1", "type": "decision", "status": "open", "question": "Land it?", "level": 0}
    insert(store, "escalations", {**row, "opened_at": 1000, **more})


def test_an_open_escalation_is_shown_with_its_command(store: Store, clock: ManualClock) -> None:
    ask(store, handoff="H-1", next_at=clock.time + 1, reason="slower")
    found = document(store)
    assert found["coordinationSession"]["currentPhase"] == "HUMAN_DECISION_REQUIRED"
    (row,) = found["escalations"]
    assert row["command"] == "orchestrate escalation show ESC-1"
    assert row["openedAt"] == "1970-01-01T00:00:01.000Z"
    assert not row["overdue"]
    clock.advance(2)
    later = document(store)
    assert later["escalations"][0]["overdue"]
    assert later["health"]["problems"] == ["escalation ESC-1 is overdue"]


def test_an_answered_escalation_is_gone(store: Store) -> None:
    ask(store)
    update(store, "escalations", "ESC-1", status="answered")
    found = document(store)
    assert found["escalations"] == []
    assert found["coordinationSession"]["currentPhase"] == "AUTONOMOUS_COORDINATION_READY"


def test_work_that_waits_without_a_coordinator_is_a_problem(
    store: Store, clock: ManualClock
) -> None:
    at_work(store, "backend", State.HANDOFF_READY, "H-1")
    found = document(store)["health"]
    assert found["status"] == "attention"
    assert found["problems"] == ["backend waits, but no coordinator runs: orchestrate watch"]
    row = {"name": "coordinator", "holder": "lead", "pid": 7, "host": "here", "fence": 1}
    insert(store, "coordinators", {**row, "expires_at": clock.time + 1})
    assert document(store)["health"]["status"] == "ok"
    assert document(store, live=lambda row: False)["health"]["coordinator"]["alive"] is False
    clock.advance(2)
    assert document(store)["health"]["coordinator"]["alive"] is False
    assert document(store, live=lambda row: True)["health"]["coordinator"]["alive"] is True


def test_a_client_that_is_gone_with_work_is_stale(store: Store) -> None:
    at_work(store, "backend", State.ACTIVE)
    at_work(store, "frontend", State.STANDBY)
    for name in ("backend", "frontend"):
        update(store, "instances", name, pid=7, pid_started="1", host="here", heartbeat_at=5)
    found = document(store, live=lambda row: False)
    assert found["health"]["staleInstances"] == ["backend"]
    assert found["instances"]["frontend"]["client"] == "dead"
    assert found["instances"]["backend"]["heartbeatAt"] == "1970-01-01T00:00:00.005Z"
    assert document(store, live=lambda row: True)["instances"]["backend"]["client"] == "live"
    assert document(store)["health"]["staleInstances"] == []


def test_the_integration_branch_is_part_of_health(store: Store) -> None:
    insert(store, "meta", {"name": "integration_frozen", "value": "1"})
    insert(store, "meta", {"name": "integration_unverified", "value": "3"})
    assert document(store)["health"]["problems"] == [
        "the integration branch is frozen",
        "3 commits reached the integration branch unverified",
    ]


def test_handoffs_are_the_open_ones_and_the_latest_ended(store: Store) -> None:
    for number in range(30):
        row = {"id": f"H-{number}", "producer": "backend", "status": "landed", "version": 1}
        insert(store, "handoffs", {**row, "updated_at": number})
    at_work(store, "backend", State.VERIFICATION, "H-99")
    found = document(store)
    assert [row["id"] for row in found["handoffs"]][:3] == ["H-99", "H-29", "H-28"]
    assert len(found["handoffs"]) == 21
    assert [row["state"] for row in found["handoffs"]][:2] == ["VERIFICATION", None]
    assert found["tasks"]["completed"] == 30


def test_tasks_are_those_that_instances_hold(store: Store) -> None:
    at_work(store, "backend", State.ACTIVE)
    update(store, "instances", "backend", task="the API")
    assert document(store)["tasks"] == {
        "pending": 0,
        "inProgress": 1,
        "completed": 0,
        "items": [{"task": "the API", "instance": "backend", "state": "ACTIVE"}],
    }


def test_of_very_many_tasks_the_first_200_are_listed_and_all_are_counted(store: Store) -> None:
    for number in range(150):
        insert(store, "instances", {"id": f"i{number:03}", "state": "ACTIVE", "task": "a text"})
        insert(store, "tasks", {"id": f"T-{number:03}", "status": "ready", "created_at": number})
    found = document(store)["tasks"]
    assert (found["inProgress"], found["pending"]) == (150, 150)
    named = [item["task"] for item in found["items"]]
    assert named == ["a text"] * 150 + [f"T-{number:03}" for number in range(50)]


def test_tasks_of_the_queue_are_counted_and_listed(store: Store) -> None:
    at_work(store, "backend", State.ACTIVE)
    update(store, "instances", "backend", task="T-2")
    insert(store, "tasks", {"id": "T-1", "title": "one", "status": "done"})
    insert(store, "handoffs", {"id": "H-9", "status": "landed", "version": 1, "task": "T-1"})
    held = {"id": "T-2", "title": "two", "status": "assigned", "assigned_to": "backend"}
    insert(store, "tasks", {**held, "priority": "high", "due_at": 0, "created_at": 1})
    asked = {"id": "T-3", "title": "three", "status": "proposed", "proposed_to": "frontend"}
    insert(store, "tasks", {**asked, "created_at": 2})
    found = document(store)["tasks"]
    assert [found[key] for key in ("pending", "inProgress", "completed")] == [1, 1, 1]
    assert found["items"] == [
        {
            "task": "T-2",
            "instance": "backend",
            "state": "ACTIVE",
            "title": "two",
            "status": "assigned",
            "priority": "high",
            "proposedTo": None,
            "dueAt": "1970-01-01T00:00:00.000Z",
        },
        {
            "task": "T-3",
            "instance": None,
            "state": None,
            "title": "three",
            "status": "proposed",
            "priority": None,
            "proposedTo": "frontend",
            "dueAt": None,
        },
    ]


def test_the_latest_runs_come_first_and_say_how_long_they_took(store: Store) -> None:
    for number in range(25):
        row = {"id": f"R-{number}", "status": "done", "verdict": "passed", "attempt": 1}
        insert(store, "runs", {**row, "started_at": number, "ended_at": number + 1500})
    insert(store, "runs", {"id": "R-25", "status": "running", "started_at": 99})
    runs = document(store)["lastRuns"]
    assert [run["id"] for run in runs][:2] == ["R-25", "R-24"]
    assert [run["durationMs"] for run in runs][:2] == [None, 1500]
    assert len(runs) == 20


def test_times_go_there_and_back() -> None:
    for ms in (0, 999, 1_767_225_600_123):
        assert parse(rfc3339(ms)) == ms
    assert [ago(ms) for ms in (-5, 119_999, 120_000, 7_200_000, 172_800_000)] == [
        "0 s",
        "119 s",
        "2 min",
        "2 h",
        "2 days",
    ]


def described(schema: Any, where: str = "$") -> list[str]:
    """The places of the schema whose fields have no description."""
    found = []
    for name, value in (schema.get("properties") or {}).items():
        if "description" not in value and "$ref" not in value:
            found.append(f"{where}.{name}")
        found += described(value, f"{where}.{name}")
    for name, value in (schema.get("$defs") or {}).items():
        found += described(value, f"{where}.{name}")
    return found


def fields(schema: Any) -> set[str]:
    """Every property name of the schema."""
    parts = [*(schema.get("properties") or {}).items(), *(schema.get("$defs") or {}).items()]
    names = set(schema.get("properties") or {})
    return names.union(*(fields(value) for _, value in parts))


def test_every_field_is_described_in_the_schema_and_on_its_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "status-document.md"
    text = page.read_text()
    assert described(SCHEMA.schema) == []
    assert sorted(name for name in fields(SCHEMA.schema) if f"`{name}`" not in text) == []
