"""What an instance is told when it checks in: its work, its messages, who is near, what happened.

Reads the tables, changes nothing. Every list is short, the most pressing first,
and says how much it leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.config.model import Config
from orchestrator.config.ownership import escape, overlap
from orchestrator.coordination.messages import inbox
from orchestrator.coordination.news import KINDS
from orchestrator.store.port import Reader, Row

__all__ = ["LIMIT", "Briefing", "Part", "briefing"]

#: Entries a part tells at most.
LIMIT = 20
#: Rows of one kind looked at, newest first, so that a long history costs little.
_SCANNED = 1000

Item = dict[str, Any]

_MY_TASKS = ("in_progress", "assigned", "blocked", "proposed", "ready", "open")
_URGENCY = {"critical": 0, "high": 1, "medium": 2, "low": 3}


@dataclass(frozen=True, slots=True)
class Part:
    """Entries of one kind, and how many more there are."""

    items: tuple[Item, ...] = ()
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything one instance should know now. Times are ms since the epoch.

    ``seen`` is the number of the last event there was: what a later briefing
    begins after. ``handoff`` is the id of the instance's open one.
    """

    instance: str
    role: str | None
    state: str
    task: str | None
    handoff: str | None
    seen: int
    tasks: Part = field(default_factory=Part)
    messages: Part = field(default_factory=Part)
    decisions: Part = field(default_factory=Part)
    leases: Part = field(default_factory=Part)
    events: Part = field(default_factory=Part)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; each part is ``{"items": […], "omitted": n}``."""
        value = asdict(self)
        for name in ("tasks", "messages", "decisions", "leases", "events"):
            value[name]["items"] = list(value[name]["items"])
        return value


def briefing(
    reader: Reader, config: Config, instance: str, since_seq: int, told: int = 0
) -> Briefing:
    """The briefing of ``instance``; events are those after number ``since_seq``.

    Up to number ``told`` what is news was told as such, and is not repeated.
    """
    row = reader.get("instances", id=instance) or {"id": instance}
    known = config.instances.get(instance)
    patterns = known.file_patterns if known else ()
    return Briefing(
        instance=instance,
        role=row.get("role"),
        state=row.get("state") or "STANDBY",
        task=row.get("task"),
        handoff=row.get("handoff"),
        seen=_last(reader),
        tasks=_part(_tasks(reader, instance)),
        messages=_part(_messages(reader, instance)),
        decisions=_part(_decisions(reader, instance, patterns)),
        leases=_part(_leases(reader, instance, patterns)),
        events=_part(_events(reader, instance, since_seq, told)),
    )


def _part(items: Iterable[Item]) -> Part:
    found = tuple(items)
    return Part(found[:LIMIT], max(0, len(found) - LIMIT))


def _last(reader: Reader) -> int:
    row = next(iter(reader.find("events", order="-seq", limit=1, columns=("seq",))), None)
    return int(row["seq"]) if row else 0


def _tasks(reader: Reader, instance: str) -> list[Item]:
    """Mine, proposed to me, suggested to me: what is begun first, then by priority and due."""
    mine = reader.find("tasks", {"assigned_to": instance, "status": _MY_TASKS})
    asked = reader.find("tasks", {"proposed_to": instance, "status": "proposed"})
    ready = reader.find("tasks", {"suggested": instance, "status": "ready", "assigned_to": None})
    rows = {row["id"]: row for row in (*mine, *asked, *ready)}
    return [_task(row) for row in sorted(rows.values(), key=_pressing)]


def _pressing(row: Row) -> tuple[int, int, int, str]:
    due = row["due_at"] if row["due_at"] is not None else 2**62
    return (_MY_TASKS.index(row["status"]), _URGENCY.get(row["priority"], 2), due, row["id"])


def _task(row: Row) -> Item:
    keys = ("id", "title", "status", "priority", "due_at", "blocked_reason")
    return {key: row[key] for key in keys}


def _messages(reader: Reader, instance: str) -> list[Item]:
    """Messages that want an answer of mine, and unread ones; those with an answer first."""
    rows = [row for row in inbox(reader, instance) if row["status"] != "closed"]
    return sorted(map(_message, rows), key=_waiting)


def _waiting(item: Item) -> tuple[bool, int, int, int]:
    due = item["due_at"] if item["due_at"] is not None else 2**62
    urgency = _URGENCY.get(item["priority"], 2)
    return (not item["wants_answer"], due, urgency, item["created_at"] or 0)


def _message(row: Row) -> Item:
    keys = ("id", "sender", "kind", "subject", "priority", "due_at", "created_at", "wants_answer")
    return {**{key: row[key] for key in keys}, "unread": row["read_at"] is None}


def _decisions(reader: Reader, instance: str, patterns: tuple[str, ...]) -> list[Item]:
    """Decisions in force or open that name me, all, or files of mine; my input wanted first."""
    rows = reader.find(
        "decisions",
        {"status": ("proposed", "objected", "accepted", "implemented"), "archived": (0, None)},
        order="-created_at",
        limit=_SCANNED,
    )
    given = {row["decision"] for row in reader.find("opinions", {"instance": instance})}
    found = []
    for row in rows:
        asked = row["status"] == "proposed" and instance in _list(row["inputs_needed"])
        wanted = asked and row["id"] not in given
        if wanted or _concerns(row, instance, patterns):
            found.append(_decision(row, wanted))
    return sorted(found, key=lambda item: (not item["wants_input"], item["status"] == "accepted"))


def _concerns(row: Row, instance: str, patterns: tuple[str, ...]) -> bool:
    affects = _list(row["affects"])
    if instance in affects or "all" in affects:
        return True
    return any(_share(file, mine) for file in _list(row["files"]) for mine in patterns)


def _decision(row: Row, wanted: bool) -> Item:
    keys = ("id", "title", "status", "category", "scope", "decision", "deadline_at")
    return {**{key: row[key] for key in keys}, "wants_input": wanted}


def _leases(reader: Reader, instance: str, patterns: tuple[str, ...]) -> list[Item]:
    """What others hold near my files, newest first; everything, where no files are mine."""
    rows = reader.find("leases", {"status": "held"}, order="-acquired_at", limit=_SCANNED)
    return [
        {**{key: row[key] for key in _LEASE}}
        for row in rows
        if row["instance"] != instance and _held(row, reader.now) and _near(row, patterns)
    ]


_LEASE = (
    "id", "path", "kind", "mode", "instance", "intent", "lines_from", "lines_to", "expires_at",
    "handoff",
)  # fmt: skip


def _held(row: Row, now: int) -> bool:
    """A handoff's lease lasts as long as the handoff."""
    return bool(row["handoff"]) or row["expires_at"] is None or row["expires_at"] > now


def _near(row: Row, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(_share(_pattern(row), mine) for mine in patterns)


def _pattern(row: Row) -> str:
    """A lease's path as a pattern."""
    if row["kind"] == "glob":
        return str(row["path"])
    path = escape(row["path"].strip("/"))
    return (f"{path}/**" if path else "**") if row["kind"] == "folder" else path


def _share(one: str, other: str) -> bool:
    try:
        return overlap(one, other) is not None
    except (ValueError, RecursionError):
        return False  # a path of an imported file may be no pattern at all


def _events(reader: Reader, instance: str, since: int, told: int) -> list[Item]:
    """What others did that concerns me, newest first."""
    rows = reader.find("events", order="-seq", after=("seq", since), limit=_SCANNED)
    coming = {row["id"] for row in reader.find("handoffs", {"target": instance, "status": "open"})}
    mine = _about(instance, coming)
    return [
        _event(row)
        for row in rows
        if row["actor"] != instance
        and mine(row)
        and not (row["instance"] == instance and row["kind"] in KINDS and row["seq"] <= told)
    ]


def _about(instance: str, handoffs: set[str]) -> Callable[[Row], bool]:
    """Whether an event is about me, about work that comes to me, or about work that landed."""

    def concerns(row: Row) -> bool:
        if row["kind"].startswith("session.") and row["instance"] == instance:
            return bool(row["kind"] == "session.refused")
        return (
            row["instance"] == instance
            or row["handoff"] in handoffs
            or row["kind"] in ("instance.complete", "instance.rollback")
        )

    return concerns


def _event(row: Row) -> Item:
    return {
        key: row[key] for key in ("seq", "at", "kind", "actor", "instance", "handoff", "reason")
    }


def _list(text: str | None) -> list[str]:
    """A JSON list of texts; anything else counts as empty or as that one text."""
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return [str(text)]
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
