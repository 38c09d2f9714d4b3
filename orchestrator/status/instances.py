"""Instances in the status document: their entries, and the text of those that stayed the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.lifecycle.states import STATUS_OF_STATE, State
from orchestrator.status.facts import Facts
from orchestrator.status.times import rfc3339
from orchestrator.store.port import Row

__all__ = ["Texts", "entry"]

Json = dict[str, Any]

_CLIENT = {True: "live", False: "dead", None: "unknown"}


def entry(view: Facts, name: str) -> Json:
    """The entry of the instance ``name``."""
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


def _role(view: Facts, name: str) -> str:
    return "INTEGRATION_COORDINATION" if name == view.coordinator else "UNSPECIFIED"


def _target(view: Facts, name: str, known: Mapping[str, Any], handoff: Row | None) -> str | None:
    """Who goes on: the handoff's target, else the configured one, else the coordinator."""
    if handoff and handoff["target"]:
        return str(handoff["target"])
    target = known.get("hands_off_to") or view.coordinator
    return None if target is None or target == name else str(target)


class Texts:
    """The JSON of all entries, where only what changed since the last time is made again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Stamp, str]] = {}

    def of(self, view: Facts) -> str:
        """The JSON object of every instance's entry by its name, on one line."""
        before, after = self._known, {}
        for name, stamp in _stamps(view):
            kept = before.get(name)
            if kept is None or kept[0] != stamp:
                text = json.dumps(entry(view, name), ensure_ascii=False)
                kept = stamp, f"{json.dumps(name, ensure_ascii=False)}: {text}"
            after[name] = kept
        self._known = after
        return f"{{{', '.join([text for _, text in after.values()])}}}"


#: Everything an entry is made of.
_Stamp = tuple[Any, ...]


def _stamps(view: Facts) -> Iterator[tuple[str, _Stamp]]:
    """Of every instance. Most of the work for a long document, so it looks up little."""
    rows, configured, coordinator = view.rows, view.known, view.coordinator
    held_by, opened, since, titles = view.held_by, view.open, view.since, view.titles
    live = view.extras.live
    for name in view.names:
        row, known = rows.get(name), configured.get(name)
        if row is None:
            yield name, (known, coordinator)
            continue
        handoff = opened.get(row["handoff"]) if row["handoff"] else None
        yield (
            name,
            (
                row,
                known,
                coordinator,
                handoff and handoff["target"],
                live(row) if row["pid"] else None,
                held_by.get(name),
                since.get(row["session"]) if row["session"] else None,
                titles.get(row["task"]) if row["task"] else None,
            ),
        )
