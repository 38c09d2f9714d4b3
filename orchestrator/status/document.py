"""The status document, built from a view of the store. Pure: reads the view, writes nothing.

Every field is described in ``schema.json`` and ``docs/reference/status-document.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.lifecycle.states import State
from orchestrator.status.facts import LATEST, Extras, Facts
from orchestrator.status.health import health, overdue
from orchestrator.status.instances import entry
from orchestrator.status.times import rfc3339
from orchestrator.store.port import Reader, Row

__all__ = ["FAMILY_KEYS", "SCHEMA_VERSION", "Extras", "build", "entries", "lease_entry", "whole"]

Json = dict[str, Any]

SCHEMA_VERSION = 1

#: The families of checks, as the document names them.
FAMILY_KEYS = {
    "integrity": "layerIntegrity",
    "contracts": "contractCompliance",
    "dataflow": "dataFlowValidation",
    "benchmarks": "performanceBenchmarks",
}

#: State of the producer → phase of its handoff, the most advanced first.
_PHASES: tuple[tuple[State, str], ...] = (
    (State.APPROVED, "APPROVED"),
    (State.VERIFICATION, "VERIFICATION"),
    (State.FAILED, "FAILED"),
    (State.REMEDIATION, "FAILED"),
    (State.HANDOFF_READY, "NONE"),
)


def build(
    reader: Reader, config: Mapping[str, Any] | None, *, extras: Extras | None = None
) -> Json:
    """The whole document. ``config`` is ``Config.to_json()``, None before there is one."""
    view = Facts(reader, config or {}, extras or Extras())
    return whole(view, entries(view))


def entries(view: Facts) -> Json:
    """Every instance's entry by its name."""
    return {name: entry(view, name) for name in view.names}


def whole(view: Facts, instances: Json) -> Json:
    """The document around its ``instances``."""
    reader, extras = view.reader, view.extras
    return {
        "schemaVersion": SCHEMA_VERSION,
        "revision": extras.revision,
        "generatedAt": rfc3339(reader.now),
        "coordinationSession": _session(view),
        "autonomousCoordination": _coordination(view),
        "instances": instances,
        "handoffProtocol": _protocol(view),
        "handoffs": [_handoff(view, row) for row in view.handoffs],
        "leases": [lease_entry(row) for row in view.leases],
        "tasks": _tasks(view),
        "decisions": _decisions(reader),
        "escalations": [_escalation(row, reader.now) for row in view.escalations],
        "lastRuns": [_run(row) for row in _latest_runs(reader)],
        "health": health(reader, view.rows, view.escalations, extras.live),
    }


def _session(view: Facts) -> Json:
    first = view.reader.find("events", order="seq", limit=1, columns=("at",))
    day = rfc3339(first[0]["at"] if first else view.reader.now)[:10]
    stored = view.reader.get("meta", name="project")
    project = view.config.get("project") or (stored["value"] if stored else None) or "project"
    return {
        "sessionId": f"session-{project}-{day}",
        "coordinationMode": "MULTI_INSTANCE_AUTONOMOUS",
        "totalInstances": len(view.names),
        "currentPhase": _phase(view),
    }


def _phase(view: Facts) -> str:
    """The project as a whole, in one word; what needs somebody comes first."""
    states = view.states()
    if view.escalations:
        return "HUMAN_DECISION_REQUIRED"
    if states & {State.HANDOFF_READY, State.VERIFICATION, State.APPROVED}:
        return "VERIFICATION_IN_PROGRESS"
    if states & {State.ACTIVE, State.FAILED, State.REMEDIATION}:
        return "WORK_IN_PROGRESS"
    return "AUTONOMOUS_COORDINATION_READY"


def _coordination(view: Facts) -> Json:
    config = view.config
    coordinator = config.get("coordinator") or {}
    return {
        "enabled": bool(config),
        "coordinatorInstance": view.coordinator,
        "autoApprovalEnabled": bool((config.get("approval") or {}).get("auto", False)),
        "escalationThreshold": (config.get("escalation") or {}).get("threshold"),
        "monitoringInterval": round(coordinator.get("monitoring_interval", 0) * 1000),
    }


def _protocol(view: Facts) -> Json:
    """The phase of the most advanced open handoff, and what it is verified for."""
    at_work = [name for name, row in view.rows.items() if row["handoff"] in view.open]
    for state, phase in _PHASES:
        for name in at_work:
            if view.state(name) is state:
                required = (view.known.get(name) or {}).get("requires", FAMILY_KEYS)
                keys = [FAMILY_KEYS.get(family, family) for family in required]
                return {"currentHandoffPhase": phase, "verificationRequired": keys}
    return {"currentHandoffPhase": "NONE", "verificationRequired": []}


def _handoff(view: Facts, row: Row) -> Json:
    is_open = row["status"] == "open"
    return {
        "id": row["id"],
        "producer": row["producer"],
        "target": row["target"],
        "task": row["task"],
        "ref": row["ref"],
        "head": row["head"],
        "status": row["status"],
        "state": str(view.state(row["producer"])) if is_open else None,
        "attempt": row["attempt"],
        "version": row["version"],
        "verdict": row["verdict"],
        "approvedBy": row["approved_by"],
        "run": row["run"],
        "candidate": row["candidate"],
        "base": row["base"],
        "waitingFor": row["waiting"] if is_open else None,
        "landed": row["landed"],
        **_times(row, createdAt="created_at", updatedAt="updated_at", closedAt="closed_at"),
    }


#: Statuses of tasks: what nobody took yet, and what somebody has.
_PENDING = ("open", "ready", "proposed")
_AT_WORK = ("assigned", "in_progress", "blocked")
#: How many tasks the document lists; the numbers count all.
_LISTED = 200


def _tasks(view: Facts) -> Json:
    """Unfinished tasks, and what instances were given as free text."""
    reader = view.reader
    unfinished = reader.find("tasks", {"status": (*_AT_WORK, *_PENDING)}, order="created_at")
    known = {row["id"] for row in unfinished}
    free = [row for row in view.rows.values() if row["task"] and row["task"] not in known]
    pending = sum(row["status"] in _PENDING for row in unfinished)
    said = [
        {"task": row["task"], "instance": row["id"], "state": row["state"]}
        for row in free[:_LISTED]
    ]
    return {
        "pending": pending,
        "inProgress": len(unfinished) - pending + len(free),
        "completed": _completed(reader),
        "items": said + [_task(view, row) for row in unfinished[: _LISTED - len(said)]],
    }


def _completed(reader: Reader) -> int:
    """Tasks that are done, and landed handoffs of what never was a task of its own."""
    landed = reader.find("handoffs", {"status": "landed"}, columns=("task",))
    done = {row["id"] for row in reader.find("tasks", {"status": "done"}, columns=("id",))}
    return len(done) + sum(row["task"] not in done for row in landed)


def _task(view: Facts, row: Row) -> Json:
    holder = row["assigned_to"]
    return {
        "task": row["id"],
        "instance": holder,
        "state": str(view.state(holder)) if holder else None,
        "title": row["title"],
        "status": row["status"],
        "priority": row["priority"],
        "proposedTo": row["proposed_to"],
        **_times(row, dueAt="due_at"),
    }


def _decisions(reader: Reader) -> Json:
    columns = ("id", "title", "category", "status", "created_at")
    latest = reader.find(
        "decisions", {"archived": (None, 0)}, order="-created_at", limit=5, columns=columns
    )
    return {
        "total": reader.count("decisions", {"archived": (None, 0)}),
        "latest": [
            {
                **{name: row[name] for name in columns if name != "created_at"},
                **_times(row, madeAt="created_at"),
            }
            for row in latest
        ],
    }


def lease_entry(row: Row) -> Json:
    """A lease as the document and ``--json`` show it; times null where it never runs out."""
    lines = [row["lines_from"], row["lines_to"]] if row["lines_from"] else None
    return {
        "id": row["id"],
        "instance": row["instance"],
        "session": row["session"],
        "kind": row["kind"],
        "path": row["path"],
        "lines": lines,
        "mode": row["mode"],
        "fence": row["fence"],
        "hash": row["hash"],
        "intent": row["intent"],
        "handoff": row["handoff"],
        **_times(row, acquiredAt="acquired_at", expiresAt="expires_at"),
    }


def _escalation(row: Row, now: int) -> Json:
    return {
        "id": row["id"],
        "type": row["type"],
        "handoff": row["handoff"],
        "instance": row["instance"],
        "status": row["status"],
        "question": row["question"],
        "reason": row["reason"],
        "level": row["level"],
        "acknowledgedBy": row["acknowledged_by"],
        "overdue": overdue(row, now),
        "command": f"orchestrate escalation show {row['id']}",
        **_times(row, openedAt="opened_at", nextAt="next_at"),
    }


_RUN = (
    "id", "handoff", "attempt", "status", "verdict", "head", "commit_id", "base", "started_at",
    "ended_at",
)  # fmt: skip


def _latest_runs(reader: Reader) -> list[Row]:
    return reader.find("runs", order="-started_at", limit=LATEST, columns=_RUN)


def _run(row: Row) -> Json:
    start, end = row["started_at"], row["ended_at"]
    return {
        "id": row["id"],
        "handoff": row["handoff"],
        "attempt": row["attempt"],
        "status": row["status"],
        "verdict": row["verdict"],
        "head": row["head"],
        "commit": row["commit_id"],
        "base": row["base"],
        "durationMs": None if start is None or end is None else end - start,
        **_times(row, startedAt="started_at", endedAt="ended_at"),
    }


def _times(row: Row, **names: str) -> Json:
    found = {name: row[column] for name, column in names.items()}
    return {name: None if at is None else rfc3339(at) for name, at in found.items()}
