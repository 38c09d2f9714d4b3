"""``check_in``: who I am here, and what waits for me."""

from __future__ import annotations

from typing import Any

from orchestrator.mcp.tool import STRINGS, Action, Call, Tool

__all__ = ["CHECK_IN"]


def _check_in(call: Call) -> dict[str, Any]:
    given = call.given("agent", "role", "task", "expertise", consultation="consultation")
    done = call.orchestrator.check_in(**given)
    return {"session": done.session, **done.briefing.to_json()}


CHECK_IN = Tool(
    "check_in",
    "Who you are here and what waits for you: tasks, messages, decisions, who holds what.",
    {"": Action(_check_in, takes="task role expertise consultation agent")},
    {
        "expertise": STRINGS,
        "consultation": {"type": "boolean", "description": "may be asked"},
        "agent": {"type": "string", "description": "your id, if a sub-agent"},
    },
)
