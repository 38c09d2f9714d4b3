"""Whether anybody has to look: the coordinator, escalations, clients that are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.coordination.health import concerns, counts
from orchestrator.store.port import Reader, Row

__all__ = ["OPEN", "Live", "health", "overdue", "unknown"]

#: Says of a row with ``pid``, ``pid_started``, ``host`` whether that process runs.
Live = Callable[[Mapping[str, Any]], bool | None]

#: Rules of the coordination's health that ask nobody but the store.
_COUNTED = ("messages", "tasks", "decisions", "leases")

#: The escalations that wait for an answer.
OPEN = ("open", "acknowledged")

#: Work that waits for the coordinator when it is in one of these.
_WAITING = ("HANDOFF_READY", "VERIFICATION", "APPROVED", "FAILED", "HANDOFF_COMPLETE")


def unknown(row: Mapping[str, Any]) -> bool | None:
    """Of a row alone nobody can tell."""
    return None


def overdue(row: Row, now: int) -> bool:
    """Nobody acknowledged or answered in time, or the ladder already climbed."""
    return bool(row["level"]) or (row["next_at"] is not None and row["next_at"] < now)


def health(
    reader: Reader, rows: Mapping[str, Row], escalations: Iterable[Row], live: Live
) -> dict[str, Any]:
    """The ``health`` part of the document; ``problems`` are sentences for people."""
    coordinator = _coordinator(reader, live)
    stale = [name for name, row in rows.items() if _is_stale(row, live)]
    late = [row["id"] for row in escalations if overdue(row, reader.now)]
    frozen = _setting(reader, "integration_frozen") == "1"
    unverified = int(_setting(reader, "integration_unverified") or 0)
    waiting = [name for name, row in rows.items() if row["state"] in _WAITING]
    problems = [f"instance {name} stopped in the middle of its work" for name in stale]
    problems += [f"escalation {name} is overdue" for name in late]
    if waiting and coordinator["alive"] is not True:
        wait = f"{', '.join(waiting)} {'waits' if len(waiting) == 1 else 'wait'}"
        problems.append(f"{wait}, but no coordinator runs: orchestrate watch")
    if frozen:
        problems.append("the integration branch is frozen")
    if unverified:
        problems.append(f"{unverified} commits reached the integration branch unverified")
    return {
        "status": "attention" if problems else "ok",
        "problems": problems,
        "coordinator": coordinator,
        "escalationsOverdue": late,
        "staleInstances": stale,
        "integrationFrozen": frozen,
        "unverifiedCommits": unverified,
        "concerns": counts(concerns(reader, rules=_COUNTED)),
    }


def _coordinator(reader: Reader, live: Live) -> dict[str, Any]:
    row = reader.get("coordinators", name="coordinator")
    if row is None or row["holder"] is None:
        return {"alive": False, "holder": None, "pid": None, "host": None}
    known = live(row)
    until = row["expires_at"]
    fresh = until is not None and until > reader.now
    return {
        "alive": fresh if known is None else known,
        "holder": row["holder"],
        "pid": row["pid"],
        "host": row["host"],
    }


def _is_stale(row: Row, live: Live) -> bool:
    """A client is gone that still had work."""
    return bool(row["pid"]) and row["state"] not in (None, "STANDBY") and live(row) is False


def _setting(reader: Reader, name: str) -> str | None:
    row = reader.get("meta", name=name)
    return row["value"] if row else None
