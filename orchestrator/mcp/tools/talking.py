"""``messages`` and ``decisions``: what instances tell each other and agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.mcp.tool import STRINGS, Action, Call, Tool
from orchestrator.mcp.values import some

__all__ = ["DECISIONS", "MESSAGES"]

_MESSAGE = (
    "id thread sender kind subject body priority task status requires_response due_at created_at"
)
_DECISION = "id title status category decision affects files deadline_at"


def _inbox(call: Call) -> dict[str, Any]:
    found = call.orchestrator.messages.inbox(**call.given(everything="all"))
    return some("messages", found, _MESSAGE)


def _send(call: Call) -> dict[str, Any]:
    given = call.given("body", "kind", "priority", "task", "files")
    sent = call.orchestrator.messages.send(call["to"], call["subject"], key=call.key, **given)
    return {
        "message": sent.message.id,
        "reached": sent.reached,
        "undeliverable": sent.undeliverable,
    }


def _reply(call: Call) -> dict[str, Any]:
    sent = call.orchestrator.messages.reply(call["message"], call["body"])
    return {
        "message": sent.message.id,
        "reached": sent.reached,
        "undeliverable": sent.undeliverable,
    }


def _threads(call: Call) -> dict[str, Any]:
    return some(
        "messages", call.orchestrator.messages.list(**call.given(everything="all")), _THREAD
    )


_THREAD = "id sender recipient kind subject status overdue created_at"


def _thread(call: Call) -> dict[str, Any]:
    return some("messages", call.orchestrator.messages.show(call["message"]), _MESSAGE)


def _ends(name: str) -> Callable[[Call], dict[str, Any]]:
    return lambda call: {"message": getattr(call.orchestrator.messages, name)(call["message"])}


MESSAGES = Tool(
    "messages",
    "Write to an instance, human:NAME, role:ROLE, expertise:WORD or all.",
    {
        "inbox": Action(_inbox, "", "all"),
        "send": Action(_send, "to subject", "body kind priority task files"),
        "reply": Action(_reply, "message body"),
        "show": Action(_thread, "message"),
        "threads": Action(_threads, "", "all"),
        "ack": Action(_ends("ack"), "message"),
        "close": Action(_ends("close"), "message"),
    },
    {
        "all": {"type": "boolean"},
        "kind": {
            "enum": [
                "info", "question", "consultation_request", "review_request", "blocker", "handoff",
            ]
        },
        "priority": {"enum": ["low", "medium", "high", "critical"]},
        "files": STRINGS,
        "message": {"type": "string", "description": "M-1"},
    },
)  # fmt: skip


def _listed(call: Call) -> dict[str, Any]:
    given = call.given("path", "category", statuses="status")
    return some("decisions", call.orchestrator.decisions.list(**given), _DECISION)


_MORE = ("category", "scope", "rationale", "affects", "files")


def _add(call: Call) -> dict[str, Any]:
    given = call.given("decision", *_MORE)
    made = call.orchestrator.decisions.add(call["title"], call["text"], key=call.key, **given)
    return {"decision": made}


def _propose(call: Call) -> dict[str, Any]:
    given = call.given("options", *_MORE, inputs_from="ask")
    made = call.orchestrator.decisions.propose(call["title"], call["text"], key=call.key, **given)
    return {"decision": made}


def _decide(call: Call) -> dict[str, Any]:
    given = call.given("option", words="text")
    made = call.orchestrator.decisions.decide(call["id"], rationale=call["rationale"], **given)
    return {"decision": made}


def _said(name: str, *more: str) -> Callable[[Call], dict[str, Any]]:
    def run(call: Call) -> dict[str, Any]:
        method = getattr(call.orchestrator.decisions, name)
        return {"decision": method(call["id"], *(call[one] for one in more))}

    return run


DECISIONS = Tool(
    "decisions",
    "What was agreed on, and why.",
    {
        "list": Action(_listed, "", "path category status"),
        "show": Action(_said("show"), "id"),
        "add": Action(_add, "title text", "decision category scope rationale affects files"),
        "propose": Action(
            _propose, "title text", "options ask category scope rationale affects files"
        ),
        "input": Action(_said("input", "text"), "id text"),
        "object": Action(_said("object", "text"), "id text"),
        "decide": Action(_decide, "id rationale", "option text"),
        "implement": Action(_said("implement"), "id"),
    },
    {
        "status": STRINGS,
        "affects": {**STRINGS, "description": "instances or all"},
        "files": STRINGS,
        "options": STRINGS,
        "ask": {**STRINGS, "description": "whose input"},
    },
)
