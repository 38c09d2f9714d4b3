"""``ready``, ``explain`` and ``escalation``: work on its way, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.engine.notes import FIELDS
from orchestrator.mcp.tool import STRING, Action, Call, Tool
from orchestrator.mcp.values import some

__all__ = ["ESCALATION", "EXPLAIN", "NOTES", "READY"]

#: The notes' fields, as a caller names them, with their headings.
NOTES = dict(zip(("changed", "why", "verify", "risks", "next"), FIELDS, strict=True))


def _mark(call: Call) -> dict[str, Any]:
    notes = {NOTES[name]: text for name, text in call["notes"].items()}
    done = call.orchestrator.handoffs.ready(notes, **call.given("ref", target="to"))
    return {**_short(done.handoff), "remarks": done.remarks, "again": done.again}


def _short(handoff: Any) -> dict[str, Any]:
    return {
        "handoff": handoff.id,
        "state": handoff.state,
        "head": handoff.head,
        "to": handoff.target,
    }


def _withdraw(call: Call) -> dict[str, Any]:
    return {"state": call.orchestrator.handoffs.withdraw()}


READY = Tool(
    "ready",
    "Hand your committed work off for verification; it lands when approved. notes: what changed,"
    " why, how to verify, known risks, what comes next for its target.",
    {
        "mark": Action(_mark, "notes", "ref to"),
        "withdraw": Action(_withdraw),
    },
    {
        "notes": {
            "type": "object",
            "properties": dict.fromkeys(NOTES, STRING),
            "required": list(NOTES),
            "additionalProperties": False,
        },
    },
)


def _explain(call: Call) -> dict[str, Any]:
    from orchestrator.report.explain import explain

    handoff = call.orchestrator.handoffs.show(call["handoff"])
    decision = call.orchestrator.handoffs.explain(call["handoff"])
    answers = [call.orchestrator.escalations.show(name) for name in handoff.escalations]
    return {
        **_short(handoff),
        "verdict": handoff.verdict,
        "approved_by": handoff.approved_by,
        "attempt": handoff.attempt,
        "why": explain(decision) if decision else "it has not been judged yet",
        **some("escalations", answers, "id status question answer answered_by answer_reason"),
    }


EXPLAIN = Tool(
    "explain",
    "Which rule decided about a handoff (H-1), and what would have flipped it.",
    {"": Action(_explain, "handoff")},
    reads=True,
)


def _questions(call: Call) -> dict[str, Any]:
    found = call.orchestrator.escalations.list(**call.given(everything="all"))
    return some("escalations", found, "id type handoff instance status question reason answer")


def _answers(name: str) -> Callable[[Call], dict[str, Any]]:
    def run(call: Call) -> dict[str, Any]:
        method = getattr(call.orchestrator.escalations, name)
        return {"escalation": method(call["id"], **call.given("reason"))}

    return run


ESCALATION = Tool(
    "escalation",
    "Questions about handoffs that no rule decides. Never answer for your own work.",
    {
        "list": Action(_questions, "", "all"),
        "show": Action(_answers("show"), "id"),
        "approve": Action(_answers("approve"), "id reason"),
        "reject": Action(_answers("reject"), "id reason"),
        "retry": Action(_answers("retry"), "id reason"),
        "ack": Action(_answers("ack"), "id"),
    },
    {"all": {"type": "boolean"}, "id": {"type": "string", "description": "ESC-1"}},
)
