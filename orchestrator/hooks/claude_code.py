"""Claude Code's events and answers. Thin: what is not recognised is ignored.

Fields and effects were observed with the client itself; see ``docs/reference/hooks.md``.
"""

import posix

from orchestrator.hooks import driver
from orchestrator.hooks.place import variable
from orchestrator.hooks.request import Answer, Request

__all__ = ["read", "written"]

_FIELDS = """SELECT json_extract(:p, '$.hook_event_name'), json_extract(:p, '$.session_id'),
 json_extract(:p, '$.agent_id'), json_extract(:p, '$.cwd'), json_extract(:p, '$.tool_name'),
 json_extract(:p, '$.tool_input.file_path'), json_extract(:p, '$.tool_input.notebook_path'),
 json_extract(:p, '$.tool_input.command'), json_extract(:p, '$.tool_use_id'),
 json_extract(:p, '$.stop_hook_active')"""

_PRE = """SELECT json_object('hookSpecificOutput', json_object('hookEventName', 'PreToolUse',
 'permissionDecision', :kind, 'permissionDecisionReason', :text))"""
_CONTEXT = """SELECT json_object('hookSpecificOutput', json_object('hookEventName', :event,
 'additionalContext', :text))"""
_BLOCK = "SELECT json_object('decision', 'block', 'reason', :text)"
_NOTICE = "SELECT json_object('systemMessage', :text)"

#: Events whose ``additionalContext`` the model reads; the others have a notice at most.
_HEARD = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure",
    "PostToolBatch", "SubagentStart",
)  # fmt: skip
#: The client cuts off what is longer than 10,000 characters.
_LONGEST = 9_000


def read(raw: bytes) -> Request:
    """The event in ``raw``. Raises an error of the driver where that is no JSON object."""
    text = raw.decode("utf-8", "replace")
    values = driver.connect(":memory:").execute(_FIELDS, {"p": text}).fetchone()
    event, session, agent, cwd, tool, file, notebook, command, call = (
        value if isinstance(value, str) else None for value in values[:9]
    )
    return Request(
        "claude-code", event or "", session or "", agent or None, cwd, tool, file or notebook,
        command, call, values[9] == 1, _client(), text,
    )  # fmt: skip


def _client() -> int | None:
    """The client's process: as it says, else the parent, where that is certainly the client.

    Older clients do not say. A shell in between would be gone in a moment.
    """
    said = variable("CLAUDE_PID") or ""
    if said.isdigit():
        return int(said)
    parent = posix.getppid()
    try:
        number = posix.open(f"/proc/{parent}/comm", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        return parent if posix.read(number, 64).startswith(b"claude") else None
    finally:
        posix.close(number)


def written(request: Request, answer: Answer) -> tuple[str, str, int]:
    """What to print on stdout and stderr, and the exit status."""
    kind, text = answer.kind, answer.text[:_LONGEST]
    if kind == "deny":
        return _json(_PRE, kind="deny", text=text), f"{text}\n", 2
    if kind == "ask":
        return _json(_PRE, kind="ask", text=text), "", 0
    if kind == "block":
        return _json(_BLOCK, text=text), "", 0
    if kind == "fail":
        return "", f"{text}\n", 2
    if kind == "path":
        return f"{text}\n", "", 0
    if kind == "context" and request.event in _HEARD:
        return _json(_CONTEXT, event=request.event, text=text), "", 0
    if kind in ("context", "notice") and text:
        return _json(_NOTICE, text=text), "", 0
    return "", "", 0


def _json(query: str, **values: str) -> str:
    """Built by the database: importing ``json`` costs as much as the interpreter itself."""
    row = driver.connect(":memory:").execute(query, values).fetchone()
    return f"{row[0]}\n"
