"""``status``: where everybody stands."""

from __future__ import annotations

from typing import Any

from orchestrator.mcp.tool import Action, Call, Tool
from orchestrator.mcp.values import some

__all__ = ["STATUS"]

_INSTANCE = "id role state task handoff client"
_HANDOFF = "id producer target task status state attempt verdict escalations"
_CONCERN = "name level subject message hint"
_ESCALATION = "id type handoff instance status question"


def _status(call: Call) -> dict[str, Any]:
    orchestrator, given = call.orchestrator, call.arguments
    if "instance" in given:
        return {"instance": orchestrator.instances.show(given["instance"])}
    if "handoff" in given:
        return {"handoff": orchestrator.handoffs.show(given["handoff"])}
    return {
        **some("instances", orchestrator.instances.list(), _INSTANCE),
        **some("handoffs", orchestrator.handoffs.list(), _HANDOFF),
        **some("escalations", orchestrator.escalations.list(), _ESCALATION),
        **some("concerns", orchestrator.health(everything=True), _CONCERN),
    }


STATUS = Tool(
    "status",
    "Where everybody stands, or all about one [instance or handoff].",
    {"": Action(_status, takes="instance handoff")},
    reads=True,
)
