"""``tasks``: what is to be done, by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.mcp.tool import STRINGS, Action, Call, Tool
from orchestrator.mcp.values import some

__all__ = ["TASKS"]


def _list(call: Call) -> dict[str, Any]:
    given = call.given("instance", statuses="status")
    return some("tasks", call.orchestrator.tasks.list(**given), _TASK)


_TASK = "id title status priority assigned_to proposed_to due_at dependencies blocked_reason"


def _add(call: Call) -> dict[str, Any]:
    names = ("description", "priority", "depends", "deliverables", "expertise", "files")
    given = call.given(*names, assign="to")
    return {"task": call.orchestrator.tasks.add(call["title"], key=call.key, **given)}


def _suggest(call: Call) -> dict[str, Any]:
    return some("suggestions", call.orchestrator.tasks.suggest(call["task"]))


def _complete(call: Call) -> dict[str, Any]:
    done = call.orchestrator.tasks.complete(call["task"])
    return {"task": done.task, "remarks": done.remarks}


def _verb(name: str, *more: str, **given: str) -> Callable[[Call], dict[str, Any]]:
    """The method ``name``: with the task, ``more`` by place, and ``given`` if they were."""

    def run(call: Call) -> dict[str, Any]:
        method = getattr(call.orchestrator.tasks, name)
        task = method(call["task"], *(call[one] for one in more), **call.given(**given))
        return {"task": task}

    return run


TASKS = Tool(
    "tasks",
    "What is to be done. You work on one at a time; after ready it is done when it has landed.",
    {
        "list": Action(_list, "", "instance status"),
        "show": Action(_verb("show"), "task"),
        "add": Action(
            _add, "title", "description priority depends deliverables expertise files to"
        ),
        "suggest": Action(_suggest, "task"),
        "claim": Action(_verb("claim"), "task"),
        "propose": Action(_verb("propose", "to"), "task to"),
        "accept": Action(_verb("accept"), "task"),
        "decline": Action(_verb("decline", reason="reason"), "task", "reason"),
        "start": Action(_verb("start"), "task"),
        "block": Action(_verb("block", reason="reason"), "task reason"),
        "unblock": Action(_verb("unblock"), "task"),
        "complete": Action(_complete, "task"),
        "cancel": Action(_verb("cancel", reason="reason"), "task", "reason"),
    },
    {
        "status": STRINGS,
        "priority": {"enum": ["low", "medium", "high", "critical"]},
        "depends": STRINGS,
        "deliverables": {**STRINGS, "description": "paths"},
        "expertise": STRINGS,
        "files": {**STRINGS, "description": "globs"},
        "task": {"type": "string", "description": "T-1"},
        "to": {"type": "string", "description": "instance"},
    },
)
