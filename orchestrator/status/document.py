"""The status document, built from a view of the store. Pure: reads the view, writes nothing.

Every field is described in ``schema.json`` and ``docs/reference/status-document.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.lifecycle.states import STATUS_OF_STATE, State
from orchestrator.status.health import OPEN, Live, health, overdue, unknown
from orchestrator.status.times import rfc3339
from orchestrator.store.port import Reader, Row

__all__ = ["FAMILY_KEYS", "SCHEMA_VERSION", "Extras", "build", "lease_entry"]

Json = dict[str, Any]

SCHEMA_VERSION = 1
#: How many ended handoffs and runs the document remembers.
_LATEST = 20

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


@dataclass(frozen=True, slots=True)
class Extras:
    """What a view of the store cannot tell.

    ``revision`` is the document's number; ``live`` says whether the process a
    row names (``pid``, ``pid_started``, ``host``) still runs.
    """

    revision: int = 0
    live: Live = unknown


def build(
    reader: Reader, config: Mapping[str, Any] | None, *, extras: Extras | None = None
) -> Json:
    """The whole document. ``config`` is ``Config.to_json()``, None before there is one."""
    extras = extras or Extras()
    view = _Facts(reader, config or {}, extras)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "revision": extras.revision,
        "generatedAt": rfc3339(reader.now),
        "coordinationSession": _session(view),
        "autonomousCoordination": _coordination(view),
        "instances": {name: _instance(view, name) for name in view.names},
        "handoffProtocol": _protocol(view),
        "handoffs": [_handoff(view, row) for row in view.handoffs],
        "leases": [lease_entry(row) for row in view.leases],
        "tasks": _tasks(view),
        "decisions": _decisions(reader),
        "escalations": [_escalation(row, reader.now) for row in view.escalations],
        "lastRuns": [_run(row) for row in _latest_runs(reader)],
        "health": health(reader, view.rows, view.escalations, extras.live),
    }


_CLIENT = {True: "live", False: "dead", None: "unknown"}

#: The columns of an instance that the document tells about.
_INSTANCE = (
    "id", "role", "state", "handoff", "task", "session", "pid", "pid_started", "host",
    "heartbeat_at", "worktree", "branch",
)  # fmt: skip


class _Facts:
    """Rows and settings that several parts of the document need."""

    def __init__(self, reader: Reader, config: Mapping[str, Any], extras: Extras) -> None:
        self.reader, self.config, self.extras = reader, config, extras
        found = reader.find("instances", columns=_INSTANCE)
        self.rows = {row["id"]: row for row in found}
        self.known: Mapping[str, Any] = config.get("instances") or {}
        self.coordinator = (config.get("coordinator") or {}).get("instance")
        named = [*self.known, *([self.coordinator] if self.coordinator else [])]
        self.names = list(dict.fromkeys([*named, *self.rows]))
        open_ = reader.find("handoffs", {"status": "open"}, order="created_at")
        others = ("landed", "withdrawn", "released")
        ended = reader.find("handoffs", {"status": others}, order="-updated_at", limit=_LATEST)
        self.handoffs = [*open_, *ended]
        self.open = {row["id"]: row for row in open_}
        held = reader.find("leases", {"status": "held"})
        self.leases = sorted(held, key=lambda row: (row["acquired_at"], row["fence"]))
        self.held_by: dict[str, list[str]] = {}
        for row in self.leases:
            self.held_by.setdefault(row["instance"], []).append(row["id"])
        self.escalations = reader.find("escalations", {"status": OPEN}, order="opened_at")

        begun = reader.find("sessions", {"ended_at": None}, columns=("id", "started_at"))
        self.since = {row["id"]: rfc3339(row["started_at"] or 0) for row in begun}
        tasks = [row["task"] for row in found if row["task"]]
        titled = reader.find("tasks", {"id": tasks}, columns=("id", "title")) if tasks else []
        self.titles = {row["id"]: row["title"] for row in titled}

        states = {str(state): state for state in State}
        self._states = {row["id"]: states.get(row["state"], State.STANDBY) for row in found}

    def state(self, name: str) -> State:
        """Where an instance stands; one that never did anything stands by."""
        return self._states.get(name, State.STANDBY)


def _session(view: _Facts) -> Json:
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


def _phase(view: _Facts) -> str:
    """The project as a whole, in one word; what needs somebody comes first."""
    states = {view.state(name) for name in view.names}
    if view.escalations:
        return "HUMAN_DECISION_REQUIRED"
    if states & {State.HANDOFF_READY, State.VERIFICATION, State.APPROVED}:
        return "VERIFICATION_IN_PROGRESS"
    if states & {State.ACTIVE, State.FAILED, State.REMEDIATION}:
        return "WORK_IN_PROGRESS"
    return "AUTONOMOUS_COORDINATION_READY"


def _coordination(view: _Facts) -> Json:
    config = view.config
    coordinator = config.get("coordinator") or {}
    return {
        "enabled": bool(config),
        "coordinatorInstance": view.coordinator,
        "autoApprovalEnabled": bool((config.get("approval") or {}).get("auto", False)),
        "escalationThreshold": (config.get("escalation") or {}).get("threshold"),
        "monitoringInterval": round(coordinator.get("monitoring_interval", 0) * 1000),
    }


def _instance(view: _Facts, name: str) -> Json:
    row: Mapping[str, Any] = view.rows.get(name) or {}
    known = view.known.get(name) or {}
    state = view.state(name)
    beat = row.get("heartbeat_at")
    handoff = view.open.get(row.get("handoff") or "")
    live = view.extras.live(row) if row.get("pid") else None
    return {
        "instanceId": name,
        "role": row.get("role") or known.get("role") or _role(view, name),
        "status": STATUS_OF_STATE[state],
        "specializations": list(known.get("specializations") or ()),
        "filesResponsible": list(known.get("file_patterns") or ()),
        "readyForHandoff": state is State.HANDOFF_READY,
        "nextHandoffTarget": _target(view, name, known, handoff),
        "state": str(state),
        "task": row.get("task"),
        "handoff": row.get("handoff"),
        "session": row.get("session"),
        "client": _CLIENT[live],
        "leases": view.held_by.get(name, []),
        "heartbeatAt": None if beat is None else rfc3339(beat),
        "host": row.get("host"),
        "pid": row.get("pid"),
        "worktree": row.get("worktree"),
        "branch": row.get("branch"),
        "since": view.since.get(row.get("session") or ""),
        "taskTitle": view.titles.get(row.get("task") or "") or row.get("task"),
    }


def _role(view: _Facts, name: str) -> str:
    return "INTEGRATION_COORDINATION" if name == view.coordinator else "UNSPECIFIED"


def _target(view: _Facts, name: str, known: Mapping[str, Any], handoff: Row | None) -> str | None:
    """Who goes on: the handoff's target, else the configured one, else the coordinator."""
    if handoff and handoff["target"]:
        return str(handoff["target"])
    target = known.get("hands_off_to") or view.coordinator
    return None if target is None or target == name else str(target)


def _protocol(view: _Facts) -> Json:
    """The phase of the most advanced open handoff, and what it is verified for."""
    at_work = [name for name, row in view.rows.items() if row["handoff"] in view.open]
    for state, phase in _PHASES:
        for name in at_work:
            if view.state(name) is state:
                required = (view.known.get(name) or {}).get("requires", FAMILY_KEYS)
                keys = [FAMILY_KEYS.get(family, family) for family in required]
                return {"currentHandoffPhase": phase, "verificationRequired": keys}
    return {"currentHandoffPhase": "NONE", "verificationRequired": []}


def _handoff(view: _Facts, row: Row) -> Json:
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
        "landed": row["landed"],
        **_times(row, createdAt="created_at", updatedAt="updated_at", closedAt="closed_at"),
    }


#: Statuses of tasks: what nobody took yet, and what somebody has.
_PENDING = ("open", "ready", "proposed")
_AT_WORK = ("assigned", "in_progress", "blocked")
#: How many unfinished tasks the document lists; the numbers count all.
_LISTED = 200


def _tasks(view: _Facts) -> Json:
    """Unfinished tasks, and what instances were given as free text."""
    reader = view.reader
    unfinished = reader.find("tasks", {"status": (*_AT_WORK, *_PENDING)}, order="created_at")
    known = {row["id"] for row in unfinished}
    free = [
        {"task": row["task"], "instance": name, "state": row["state"]}
        for name, row in view.rows.items()
        if row["task"] and row["task"] not in known
    ]
    pending = sum(row["status"] in _PENDING for row in unfinished)
    return {
        "pending": pending,
        "inProgress": len(unfinished) - pending + len(free),
        "completed": _completed(reader),
        "items": free + [_task(view, row) for row in unfinished[:_LISTED]],
    }


def _completed(reader: Reader) -> int:
    """Tasks that are done, and landed handoffs of what never was a task of its own."""
    landed = reader.find("handoffs", {"status": "landed"}, columns=("task",))
    done = {row["id"] for row in reader.find("tasks", {"status": "done"}, columns=("id",))}
    return len(done) + sum(row["task"] not in done for row in landed)


def _task(view: _Facts, row: Row) -> Json:
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
    return reader.find("runs", order="-started_at", limit=_LATEST, columns=_RUN)


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
