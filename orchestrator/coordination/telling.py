"""A briefing in words, for a terminal and for a client's context: short lines, no escapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from orchestrator.coordination.briefing import Briefing, Item, Part
from orchestrator.coordination.news import plain

__all__ = ["told"]

_WIDTH = 160


def told(briefing: Briefing, now: int) -> str:
    """The briefing as text, one fact a line; ``now`` in ms, for what is overdue."""
    parts = (
        ("my tasks", briefing.tasks, _task),
        ("messages", briefing.messages, _message),
        ("decisions that affect me", briefing.decisions, _decision),
        ("held by others near my files", briefing.leases, _lease),
        ("since I was last here", briefing.events, _event),
    )
    lines = [_head(briefing)]
    for title, part, line in parts:
        lines += _section(title, part, line, now)
    if len(lines) == 1:
        lines.append("nothing waits for you")
    return "\n".join(lines) + "\n"


def _head(briefing: Briefing) -> str:
    parts = [briefing.instance, briefing.role or "", briefing.state, briefing.handoff or ""]
    task = f": {briefing.task}" if briefing.task else ""
    return _line("  ".join(part for part in parts if part) + task)


def _section(title: str, part: Part, line: Callable[[Item, int], str], now: int) -> list[str]:
    if not part.items:
        return []
    more = [f"  … and {part.omitted} more"] if part.omitted else []
    return [f"{title}:", *(_line(f"  {line(item, now)}") for item in part.items), *more]


def _task(item: Item, now: int) -> str:
    reason = f" ({item['blocked_reason']})" if item["blocked_reason"] else ""
    return f"{item['id']} {item['status']}{_due(item['due_at'], now)}: {item['title']}{reason}"


def _message(item: Item, now: int) -> str:
    wants = f" wants an answer{_due(item['due_at'], now)}" if item["wants_answer"] else ""
    return f"{item['id']} from {item['sender']}{wants}: {item['subject']}"


def _decision(item: Item, now: int) -> str:
    wants = f" wants your input{_due(item['deadline_at'], now)}" if item["wants_input"] else ""
    text = f" → {item['decision']}" if item["decision"] else ""
    return f"{item['id']} {item['status']}{wants}: {item['title']}{text}"


def _lease(item: Item, now: int) -> str:
    lines = f":{item['lines_from']}-{item['lines_to']}" if item["lines_from"] else ""
    until = f"with {item['handoff']}" if item["handoff"] else f"until {_time(item['expires_at'])}"
    intent = f": {item['intent']}" if item["intent"] else ""
    return f"{item['path']}{lines} {item['mode']} by {item['instance']} {until}{intent}"


def _event(item: Item, now: int) -> str:
    about = " ".join(text for text in (item["instance"], item["handoff"]) if text)
    reason = f": {item['reason']}" if item["reason"] else ""
    return f"{_time(item['at'])} {item['kind']} {about} by {item['actor']}{reason}"


def _due(at: int | None, now: int) -> str:
    if at is None:
        return ""
    return f" OVERDUE since {_time(at)}" if at < now else f" by {_time(at)}"


def _time(at: int | None) -> str:
    if at is None:
        return "–"
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%m-%d %H:%M")


def _line(text: str) -> str:
    return plain(text, _WIDTH)
