"""The files of the shared-JSON protocol: instances, tasks, messages and decisions.

Pure: made of a view of the store and the status document of the same moment.
What was imported appears under the id it had there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.status.view_names import listed, seconds
from orchestrator.store.port import Reader, Row

__all__ = ["communication_log", "decisions", "instance_registry", "task_queue"]

Json = dict[str, Any]

_TASK_STATUS = {
    "open": "pending_assignment",
    "ready": "pending_assignment",
    "proposed": "pending_acceptance",
    "done": "completed",
}
_PENDING, _ENDED = ("open", "ready", "proposed"), ("done", "cancelled")
_MESSAGE_STATUS = {"answered": "responded"}
_UNDECIDED = ("proposed", "objected")


def instance_registry(
    reader: Reader, document: Mapping[str, Any], updated: str | None = None
) -> Json:
    """``instance-registry.json``: everybody who is known, also those who are not here."""
    profiles = {row["instance"]: row for row in reader.find("profiles")}
    stored = reader.get("meta", name="config")
    settings = json.loads(stored["value"])["instances"] if stored else {}
    return {
        "instances": {
            name: _instance(row, profiles.get(name), settings.get(name) or {})
            for name, row in document["instances"].items()
        },
        "coordination_protocol_version": "1.0",
        "last_registry_update": updated or document["generatedAt"][:19] + "Z",
    }


def _instance(row: Mapping[str, Any], profile: Row | None, known: Mapping[str, Any]) -> Json:
    offered = listed(profile["expertise"]) if profile else []
    available = profile["consultation"] if profile else None
    beat = row["heartbeatAt"]
    return {
        "role": row["role"],
        "status": "active" if row["session"] else "pending",
        "current_task": row["taskTitle"],
        "last_update": beat and beat[:19] + "Z",
        "expertise_areas": offered or list(known.get("expertise") or ()),
        "available_for_consultation": bool(row["session"] if available is None else available),
        "current_session_id": row["session"],
    }


def task_queue(reader: Reader) -> Json:
    """``task-queue.json``: tasks at work, tasks that wait, tasks that ended."""
    rows = reader.find("tasks", order="created_at")
    names = {row["id"]: row["origin"] or row["id"] for row in rows}
    queue: Json = {"active_tasks": [], "pending_tasks": [], "completed_tasks": []}
    for row in rows:
        ended = "completed_tasks" if row["status"] in _ENDED else "active_tasks"
        place = "pending_tasks" if row["status"] in _PENDING else ended
        queue[place].append(_task(row, names))
    return queue


def _task(row: Row, names: Mapping[str, str]) -> Json:
    return {
        "task_id": names[row["id"]],
        "title": row["title"] or "",
        "description": row["description"] or "",
        "assigned_to": row["assigned_to"],
        "status": _TASK_STATUS.get(row["status"], row["status"]),
        "priority": row["priority"] or "medium",
        "created": seconds(row["created_at"]),
        "due": seconds(row["due_at"]),
        "dependencies": [names.get(name, name) for name in listed(row["dependencies"])],
        "deliverables": ["/" + str(path).lstrip("/") for path in listed(row["deliverables"])],
        "required_expertise": listed(row["required_expertise"]),
        "suggested_assignee": row["proposed_to"] or _first(row["suggested"]),
    }


def _first(column: str | None) -> str | None:
    """The best of the suggested instances: names, or objects with an ``instance``."""
    best = next(iter(listed(column)), None)
    found = best.get("instance") if isinstance(best, dict) else best
    return None if found is None else str(found)


def communication_log(reader: Reader) -> Json:
    """``communication-log.json``: every message, and who still owes an answer."""
    rows = reader.find("messages", order="created_at")
    tasks = _names(reader)
    names = {row["id"]: row["origin"] or row["id"] for row in rows}
    waiting = [row for row in rows if _waits(row)]
    return {
        "messages": [_message(row, names, tasks) for row in rows],
        "response_queue": [
            {
                "responding_to": names[row["id"]],
                "from": row["recipient"],
                "status": "pending",
                "expected_response_time": seconds(row["due_at"]),
            }
            for row in waiting
        ],
    }


def _names(reader: Reader) -> dict[str, str]:
    """The names of tasks: of imported ones, those they had."""
    rows = reader.find("tasks", columns=("id", "origin"))
    return {row["id"]: row["origin"] or row["id"] for row in rows}


def _waits(row: Row) -> bool:
    return bool(row["requires_response"]) and row["status"] == "open"


def _message(row: Row, names: Mapping[str, str], tasks: Mapping[str, str]) -> Json:
    status = _MESSAGE_STATUS.get(row["status"], row["status"] or "open")
    return {
        "message_id": names[row["id"]],
        "in_reply_to": names.get(row["reply_to"], row["reply_to"]),
        "from": row["sender"],
        "to": row["recipient"],
        "type": row["kind"] or "info",
        "timestamp": seconds(row["created_at"]),
        "subject": row["subject"] or "",
        "message": row["body"] or "",
        "priority": row["priority"] or "medium",
        "requires_response": bool(row["requires_response"]),
        "context": {
            "related_task": tasks.get(row["task"], row["task"]),
            "related_files": ["/" + str(path).lstrip("/") for path in listed(row["files"])],
        },
        "status": "pending_response" if _waits(row) else status,
    }


def decisions(reader: Reader) -> Json:
    """``decisions.json``: what was decided, and what still waits for a decision."""
    rows = reader.find("decisions", {"archived": (None, 0)}, order="created_at")
    tasks = _names(reader)
    made = [row for row in rows if row["status"] not in _UNDECIDED]
    return {
        "decisions": [_decision(row, tasks) for row in made],
        "pending_decisions": [_pending(row) for row in rows if row["status"] in _UNDECIDED],
    }


def _decision(row: Row, tasks: Mapping[str, str]) -> Json:
    return {
        "decision_id": row["id"],
        "title": row["title"] or "",
        "description": row["description"] or "",
        "decision": row["decision"] or row["title"] or "",
        "rationale": row["rationale"] or "",
        "decided_by": listed(row["decided_by"]),
        "date": seconds(row["decided_at"] or row["created_at"]),
        "status": "active" if row["status"] == "accepted" else row["status"],
        "affects_instances": listed(row["affects"]) or ["all"],
        "related_tasks": [tasks.get(name, name) for name in listed(row["related_tasks"])],
    }


def _pending(row: Row) -> Json:
    return {
        "decision_id": row["id"],
        "title": row["title"] or "",
        "description": row["description"] or "",
        "options": [_option(value) for value in listed(row["options"])],
        "input_needed_from": listed(row["inputs_needed"]),
        "deadline": seconds(row["deadline_at"]),
    }


def _option(value: Any) -> Json:
    """An option is kept as an object with its name, or as the name alone."""
    if not isinstance(value, dict):
        return {"option": str(value), "pros": [], "cons": []}
    name = value.get("option") or value.get("name") or ""
    return {"option": name, "pros": value.get("pros") or [], "cons": value.get("cons") or []}
