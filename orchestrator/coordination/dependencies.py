"""What a task waits for: other tasks, in no circle."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orchestrator.coordination.lookup import named
from orchestrator.errors import OrchestrateError
from orchestrator.store.port import Reader, Row

__all__ = ["DependencyCycle", "check", "dependents", "needs", "waits_for"]


class DependencyCycle(OrchestrateError):
    """The tasks would wait for each other in a circle.

    Nothing was changed. The message names the circle; leave one of its
    dependencies out.
    """

    code = "E374"


def needs(task: Row) -> list[str]:
    """The ids a task depends on."""
    return list(json.loads(task["dependencies"] or "[]"))


def waits_for(reader: Reader, task: Row) -> list[Row]:
    """The dependencies that are not done, a name that is unknown as a row without status."""
    found = []
    for name in needs(task):
        row = reader.get("tasks", id=name) or {"id": name, "status": "unknown"}
        if row["status"] != "done":
            found.append(row)
    return found


def check(reader: Reader, task: str, wanted: Sequence[str]) -> list[str]:
    """The ids of ``wanted``, which exist and do not depend on ``task``.

    Raises ``NoSuchName`` and ``DependencyCycle``, which names the circle.
    """
    ids = list(dict.fromkeys(named(reader, "tasks", name)["id"] for name in wanted))
    for name in ids:
        way = _way(reader, name, task)
        if way is not None:
            raise DependencyCycle(f"{' → '.join([task, *way])} is a circle")
    return ids


def _way(reader: Reader, start: str, goal: str) -> list[str] | None:
    """A path along dependencies, or None; every task is looked at once."""
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return _back(came_from, here)
        row = reader.get("tasks", id=here)
        for name in needs(row) if row else ():
            if name not in came_from:
                came_from[name] = here
                waiting.append(name)
    return None


def _back(came_from: dict[str, str | None], end: str) -> list[str]:
    way: list[str] = []
    here: str | None = end
    while here is not None:
        way.append(here)
        here = came_from[here]
    return way[::-1]


def dependents(reader: Reader, task: str) -> list[Row]:
    """The unfinished tasks that name ``task`` as a dependency."""
    rows = reader.find("tasks", {"status": ("open", "ready", "proposed", "blocked")})
    return [row for row in rows if task in needs(row)]
