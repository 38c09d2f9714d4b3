"""One event of the log as one line for people: when, who, what, ``FROM → TO``, why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["clock", "details", "line"]


def clock(milliseconds: int) -> str:
    """``10:41:07`` in local time; the record itself is UTC."""
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return moment.astimezone().strftime("%H:%M:%S")


def line(event: Mapping[str, Any]) -> str:
    """A line such as ``10:41:07  backend  ACTIVE → HANDOFF_READY  H-1  attempt 1``."""
    data = json.loads(event["data"] or "{}")
    about = event["instance"] or event["actor"]
    what = f"{data['from']} → {data['to']}" if "from" in data and "to" in data else event["kind"]
    parts = [clock(event["at"]), about, what, event["handoff"], details(event["kind"], data)]
    if event["actor"].startswith("human:"):
        parts.append(f"by {event['actor']}")
    parts.append(event["reason"])
    return "  ".join(_flat(part) for part in parts if part)


#: What is done with a task; ``task.accept`` and so on.
_TASK_VERBS = (
    "propose", "accept", "decline", "claim", "start", "block", "unblock", "hand_off",
    "complete", "ready", "return", "depend", "cancel",
)  # fmt: skip

#: Kind → what of its data is worth a place in the line: ``str.format`` of the shortened values.
_SHOWN: dict[str, str] = {
    "instance.assign": "{task}",
    "instance.ready": "attempt {attempt}",
    "instance.verify": "{run}",
    "instance.complete": "landed as {landed}",
    "handoff.transfer": "from {producer}",
    "run.end": "{run} {verdict}",
    "run.again": "{run}",
    "escalation.open": "{escalation} {question}",
    "escalation.answer": "{escalation} {answer}",
    "escalation.acknowledge": "{escalation}",
    "escalation.page": "{escalation} {level}: {notify}",
    "integration.unverified": "{commits}",
    "integration.verified": "{run} {verdict}",
    "emergency.act": "{action}",
    "task.add": "{task} {title}",
    **{f"task.{verb}": "{task}" for verb in _TASK_VERBS},
    "message.send": "{message} to {recipient}",
    "message.reply": "{message} to {recipient}",
    "message.acknowledge": "{message}",
    "message.close": "{message}",
    "message.read": "{messages}",
}


def details(kind: str, data: Mapping[str, Any]) -> str:
    """What of an event's data is worth a place in its line; empty for most kinds."""
    values = {name: _short(value) for name, value in data.items()}
    try:
        return _SHOWN.get(kind, "").format_map(values)
    except KeyError:
        return ""  # recorded by an older version, which kept less


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    is_commit = len(text) == 40 and all(c in "0123456789abcdef" for c in text)
    return text[:12] if is_commit else text


def _flat(text: str) -> str:
    """One line, control characters visible: what users wrote cannot steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
