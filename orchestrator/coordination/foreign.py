"""The files of the systems this replaces, read into entries. Pure: text in, values out.

What cannot be read is a ``Fault`` with its place; everything else is an entry.
Statuses and words are mapped by the tables here, which the documentation shows.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.coordination.json_places import Node, parse, place

__all__ = [
    "DECISION_STATUSES",
    "FILES",
    "MESSAGE_STATUSES",
    "PRIORITIES",
    "TASK_STATUSES",
    "Entry",
    "Fault",
    "moment",
    "read",
]

#: Their status → ours. An unknown one is the value under "".
TASK_STATUSES = {
    "pending_assignment": "ready",
    "pending": "ready",
    "open": "ready",
    "ready": "ready",
    "pending_acceptance": "proposed",
    "proposed": "proposed",
    "assigned": "assigned",
    "accepted": "assigned",
    "active": "in_progress",
    "in_progress": "in_progress",
    "blocked": "blocked",
    "completed": "done",
    "complete": "done",
    "done": "done",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "": "ready",
}
MESSAGE_STATUSES = {
    "pending_response": "open",
    "pending": "open",
    "sent": "open",
    "open": "open",
    "responded": "answered",
    "answered": "answered",
    "acknowledged": "acknowledged",
    "closed": "closed",
    "resolved": "closed",
    "": "open",
}
DECISION_STATUSES = {
    "active": "accepted",
    "accepted": "accepted",
    "approved": "accepted",
    "proposed": "proposed",
    "pending": "proposed",
    "implemented": "implemented",
    "deprecated": "deprecated",
    "superseded": "superseded",
    "": "accepted",
}
PRIORITIES = {
    "low": "low",
    "medium": "medium",
    "normal": "medium",
    "high": "high",
    "critical": "critical",
    "urgent": "critical",
    "": "medium",
}

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to take over. ``kind``: instance, task, message, decision, lock or session."""

    kind: str
    name: str
    value: Mapping[str, Any]
    where: str

    @property
    def digest(self) -> str:
        """A short hash of what it says, to find out later whether it changed."""
        text = json.dumps(self.value, sort_keys=True)
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that could not be taken over: where, and why."""

    where: str
    message: str


Found = Iterator[Entry | Fault]


def read(name: str, text: str, where: str) -> list[Entry | Fault]:
    """Everything in the file ``name`` (see ``FILES``); ``where`` is its path in messages."""
    parsed = parse(text)
    found: list[Entry | Fault] = []
    if parsed.root is not None and isinstance(parsed.root.value, dict):
        found += FILES[name](parsed.root, text, where)
    elif parsed.error is None:
        found.append(Fault(f"{where}:1:1", "it is no JSON object"))
    if parsed.error is not None:
        line, column = place(text, parsed.offset)
        found.append(Fault(f"{where}:{line}:{column}", f"not JSON: {parsed.error}"))
    return found


def moment(text: Any) -> int | None:
    """Ms since the epoch of an RFC 3339 time; one without a zone is UTC. None if it is none."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    seconds = text[:19] if match[1] else f"{text[:16]}:00"
    try:
        whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
    zone = (match["zone"] or "Z").replace(":", "")
    shift = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:])) * 60
    return (whole - shift) * 1000 + int(float(match["fraction"] or 0) * 1000)


def _entries(root: Node, text: str, where: str, kind: str, key: str, identity: str) -> Found:
    """The elements of the list ``key``, each an object that has ``identity``."""
    node = root.at(key)
    for item in node.items if node else []:
        line, column = place(text, item.start)
        at = f"{where}:{line}:{column}"
        name = item.value.get(identity) if isinstance(item.value, dict) else None
        if not isinstance(name, str) or not name:
            yield Fault(at, f"a {kind} without {identity}")
        else:
            yield Entry(kind, name, item.value, at)


def _instances(root: Node, text: str, where: str) -> Found:
    node = root.at("instances")
    for name, (start, child) in (node.members if node else {}).items():
        line, column = place(text, start)
        at = f"{where}:{line}:{column}"
        if not child.whole:
            continue
        if not isinstance(child.value, dict):
            yield Fault(at, f"instance {name} is no object")
        else:
            yield Entry("instance", name, child.value, at)


def _tasks(root: Node, text: str, where: str) -> Found:
    for key, status in (("active_tasks", "in_progress"), ("pending_tasks", ""),
                        ("completed_tasks", "completed")):  # fmt: skip
        for found in _entries(root, text, where, "task", key, "task_id"):
            yield _completed(found, {"status": status})


def _messages(root: Node, text: str, where: str) -> Found:
    queue = root.value.get("response_queue")
    expected = {
        answer.get("responding_to"): answer.get("expected_response_time")
        for answer in (queue if isinstance(queue, list) else [])
        if isinstance(answer, dict) and isinstance(answer.get("responding_to"), str)
    }
    for found in _entries(root, text, where, "message", "messages", "message_id"):
        due = expected.get(found.name) if isinstance(found, Entry) else None
        yield _completed(found, {"expected_response_time": due})


def _decisions(root: Node, text: str, where: str) -> Found:
    yield from _entries(root, text, where, "decision", "decisions", "decision_id")
    for found in _entries(root, text, where, "decision", "pending_decisions", "decision_id"):
        yield _completed(found, {"status": "proposed"})


def _sessions(root: Node, text: str, where: str) -> Found:
    yield from _entries(root, text, where, "session", "instances", "instance_id")


def _lock(root: Node, text: str, where: str) -> Found:
    path = root.value.get("file_path")
    if isinstance(path, str) and path:
        yield Entry("lock", path, root.value, f"{where}:1:1")
    else:
        yield Fault(f"{where}:1:1", "a lock without file_path")


def _completed(found: Entry | Fault, defaults: Mapping[str, Any]) -> Entry | Fault:
    if isinstance(found, Fault):
        return found
    return Entry(found.kind, found.name, {**defaults, **found.value}, found.where)


#: What each file is read by, by its name; every file under ``locks/`` as ``lock``.
FILES: dict[str, Callable[[Node, str, str], Found]] = {
    "instance-registry.json": _instances,
    "task-queue.json": _tasks,
    "communication-log.json": _messages,
    "decisions.json": _decisions,
    "decision-log.json": _decisions,
    "work-registry.json": _sessions,
    "lock": _lock,
}
