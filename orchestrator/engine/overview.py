"""Instances and handoffs as they are shown: rows with what is known elsewhere about them."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.coordination.profiles import profile
from orchestrator.coordination.sessions import children, session_liveness
from orchestrator.engine.handoff import live
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.lifecycle.states import State, possible
from orchestrator.store.port import Reader, Row

__all__ = ["handoff_detail", "handoff_summary", "instance_detail", "instance_summary"]

_LIVE = {True: "live", False: "dead", None: "unknown"}


def instance_summary(project: Project, reader: Reader, row: Row) -> dict[str, Any]:
    """What a list shows; where a session occupies the instance, with its signs."""
    session = reader.get("sessions", id=row["session"]) if row["session"] else None
    known = session_liveness(session, reader.now) if session else live(row, reader.now)
    keys = ("id", "role", "state", "task", "handoff", "branch", "session", "host")
    return {
        **{key: row[key] for key in keys},
        "worktree": row["worktree"] or (session["cwd"] if session else None),
        "client": _LIVE[known],
        "heartbeat_at": row["heartbeat_at"],
        **profile(reader, row["id"], project.config.instances.get(row["id"])),
    }


def instance_detail(project: Project, reader: Reader, name: str) -> dict[str, Any]:
    """The summary, what is possible from here, its files and layers. Raises ``NoSuchRow``."""
    row = row_of(reader, "instances", name)
    known = project.config.instances.get(name)
    received = reader.find("handoffs", {"target": name, "status": "landed"}, order="-closed_at")
    return {
        **instance_summary(project, reader, row),
        "agents": [child["agent"] for child in children(reader, row["session"] or "")],
        "possible": [str(event) for event in possible(State(row["state"]))],
        "file_patterns": list(known.file_patterns) if known else [],
        "layers": list(known.layers) if known else [],
        "hands_off_to": known.hands_off_to if known else None,
        "handed_to_it": [f"{h['id']} from {h['producer']}" for h in received[:10]],
    }


def handoff_summary(reader: Reader, row: Row) -> dict[str, Any]:
    """What a list shows; ``state`` is its producer's while it is at work on it."""
    keys = ("id", "producer", "target", "task", "attempt", "head", "status", "verdict")
    instance = reader.get("instances", id=row["producer"])
    at_work = instance is not None and instance["handoff"] == row["id"]
    state = instance["state"] if at_work and instance else row["status"]
    return {**{key: row[key] for key in keys}, "state": state}


def handoff_detail(reader: Reader, name: str) -> dict[str, Any]:
    """Every column, its state, notes, runs and escalations; ``report`` is the current run's."""
    row = row_of(reader, "handoffs", name)
    runs = reader.find("runs", {"handoff": name})
    return {
        **row,
        "state": handoff_summary(reader, row)["state"],
        "data": json.loads(row["data"] or "{}"),
        "notes": json.loads(row["notes"] or "{}"),
        "report": next((run["report"] for run in runs if run["id"] == row["run"]), None),
        "runs": [{k: v for k, v in run.items() if k != "report"} for run in runs],
        "escalations": reader.find("escalations", {"handoff": name}),
    }
