"""How ids, times and texts are written in the views, which have narrower forms than the store.

Whatever does not fit is mapped by a rule of its own text alone, so that every
file, every day and every copy of the repository maps it the same way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from orchestrator.status.times import rfc3339

__all__ = [
    "ROLES",
    "called",
    "decision_id",
    "instance_id",
    "listed",
    "lock_id",
    "role",
    "seconds",
    "shortened",
]

_INSTANCE = re.compile(r"claude-[0-9]{8}-[0-9]{6}-[a-f0-9]{8}")
_DECISION = re.compile(r"DEC-[0-9]{8}-[0-9]{4}")

#: The longest file name most file systems take, less ``.json`` and what distinguishes leases.
_NAME = 200

#: The roles a registry may name; every other one is ``main``.
ROLES = (
    "backend-system-architect", "frontend-ui-developer", "workflow-architect", "test-generator",
    "code-quality-reviewer", "security-auditor", "llm-integrator", "main",
)  # fmt: skip


def instance_id(name: str) -> str:
    """``name`` if it has the form ``claude-YYYYMMDD-HHMMSS-hex8``, else one made of its hash."""
    if _INSTANCE.fullmatch(name):
        return name
    return f"claude-00000000-000000-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def decision_id(name: str) -> str:
    """``name`` if it has the form ``DEC-YYYYMMDD-NNNN``, else one with a number of its hash.

    Only the 10,000th decision of a day and foreign ids need that.
    """
    if _DECISION.fullmatch(name):
        return name
    number = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10_000
    return f"DEC-00000000-{number:04}"


def called(identity: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``identity`` is or stands for; None when there is none."""
    known = list(names)
    if identity in known:
        return identity
    return next((name for name in known if instance_id(name) == identity), None)


def role(text: str | None) -> str:
    """A role as the registry may name it."""
    return text if text in ROLES else "main"


def lock_id(path: str) -> str:
    """The name of a lock's file: the path in unpadded base64url, a hash where that is too long."""
    data = path.encode(errors="surrogateescape")
    name = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return name if len(name) <= _NAME else f"sha256-{hashlib.sha256(data).hexdigest()}"


def seconds(ms: int | None) -> str | None:
    """``2026-01-31T09:30:00Z``: without a fraction, which jq's ``fromdate`` does not take."""
    return None if ms is None else rfc3339(ms)[:19] + "Z"


def shortened(text: str | None, limit: int) -> str:
    """``text`` in at most ``limit`` characters."""
    whole = text or ""
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"


def listed(text: str | None) -> list[Any]:
    """A JSON column as a list; a single value is a list of one, nothing an empty one."""
    if not text or text == "[]":
        return []
    try:
        value = json.loads(text)
    except ValueError:
        return [text]
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
