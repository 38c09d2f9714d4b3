"""One call of a tool, from its arguments to its answer. Blocks: the server runs it in a thread.

Each call opens the project anew, so that a changed configuration, a restored
store or a session that ended meanwhile never needs another server.
"""

from __future__ import annotations

import inspect
import os
import secrets
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from orchestrator.errors import OrchestrateError
from orchestrator.mcp.errors import NoSuchTool
from orchestrator.mcp.tool import Call
from orchestrator.mcp.tools import TOOLS
from orchestrator.mcp.values import plain

__all__ = ["answer", "identify", "leave"]

#: Where Claude Code says which of its tool calls this is.
_TOOL_USE = "claudecode/toolUseId"


def identify() -> bool:
    """Say who calls: the client's session, or one for this connection. True for the latter.

    Without a session of the client's own the server is the client: its process
    says whether it still runs.
    """
    if os.environ.get("CLAUDE_CODE_SESSION_ID") or os.environ.get("ORCHESTRATE_SESSION"):
        return False
    os.environ["ORCHESTRATE_SESSION"] = f"mcp-{secrets.token_hex(8)}"
    os.environ["CLAUDE_PID"] = str(os.getpid())
    return True


def leave() -> None:
    """End the session ``identify`` made; harmless when it never registered."""
    from orchestrator.api.client import Orchestrator

    with suppress(OrchestrateError), Orchestrator.open() as orchestrator:
        orchestrator.check_out(reason="its MCP client is gone")


def answer(
    name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """The result as JSON, and whether it is an error: code, message, hint. Never raises."""
    try:
        return _answer(name, arguments, meta), False
    except OrchestrateError as error:
        return {"error": _told(error)}, True
    except Exception as error:
        traceback.print_exc()
        said = {"code": "E000", "message": f"orchestrate ran into a defect of its own: {error!r}"}
        return {"error": {**said, "hint": "look with: orchestrate status"}}, True


def _told(error: OrchestrateError) -> dict[str, Any]:
    """An error as a model needs it: what happened, where, what to do; who is in the way."""
    said = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint or _what_to_do(error),
        "where": error.where,
    }
    conflicts = [_in_the_way(one) for one in getattr(error, "conflicts", ())]
    value: dict[str, Any] = plain({**said, "held": conflicts})
    return value


def _what_to_do(error: OrchestrateError) -> str:
    """What the kind of error says in general, where this one has no hint of its own."""
    _, _, more = inspect.cleandoc(type(error).__doc__ or "").partition("\n\n")
    return " ".join(more.replace("``", "`").split())


def _in_the_way(conflict: Any) -> dict[str, Any]:
    row = conflict.lease or {}
    keys = ("intent", "handoff", "expires_at")
    held = {key: row.get(key) for key in keys}
    return {"path": str(conflict.want), "by": conflict.holder, "waits": not row or None, **held}


def _answer(name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    tool = TOOLS.get(name)
    if tool is None:
        raise NoSuchTool(f"there is no tool {name!r}", hint=f"tools: {', '.join(TOOLS)}")
    action = tool.chosen(arguments)
    from orchestrator.api.client import Orchestrator

    with Orchestrator.open() as orchestrator:
        first = {} if name == "check_in" else _present(orchestrator)
        made = action.run(Call(orchestrator, arguments, _key(meta)))
        # An empty list of what was asked for is an answer, so it stays.
        said = {name: plain(value, name) for name, value in made.items() if value is not None}
        return {**said, **first, **_news(orchestrator)}


def _present(orchestrator: Any) -> dict[str, Any]:
    """A sign of life; who never registered, or was thought gone, is registered and told."""
    from orchestrator.coordination.sessions import NoSession

    try:
        orchestrator.heartbeat()
    except NoSession:
        return {"checked_in": plain(orchestrator.check_in().briefing.to_json())}
    return {}


def _news(orchestrator: Any) -> dict[str, Any]:
    """What is new, unless it cannot be found out: the call itself is done."""
    with suppress(OrchestrateError):
        if news := orchestrator.news():
            return {"news": list(news)}
    return {}


def _key(meta: Mapping[str, Any]) -> str | None:
    """What makes a repeated call the same one: the client's id of the tool use."""
    use = meta.get(_TOOL_USE)
    session = os.environ.get("CLAUDE_CODE_SESSION_ID")
    return f"mcp:{session}:{use}" if isinstance(use, str) and session else None
