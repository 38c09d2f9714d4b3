"""Copilot CLI, asked in the spelling that has it send what Claude Code would send.

As documented (docs.github.com, hooks reference): tools have Claude Code's names but
their own arguments; a guard that ends with anything but 0 refuses; decisions stand at
the top level of an answer; nothing is heard after a prompt.
"""

from orchestrator.hooks import foreign, patches
from orchestrator.hooks.request import Answer, Request

__all__ = ["each", "read", "written"]

_EVENTS = {
    "SessionStart": "SessionStart", "SessionEnd": "SessionEnd", "UserPromptSubmit": "PostToolUse",
    "PreToolUse": "PreToolUse", "PostToolUse": "PostToolUse",
    "PostToolUseFailure": "PostToolUseFailure", "Stop": "Stop",
}  # fmt: skip
#: What the client calls its tools itself; some versions say so even here.
_TOOLS = {"create": "Write", "edit": "Edit", "str_replace_editor": "Edit", "apply_patch": "Edit",
          "bash": "Bash", "powershell": "Bash", "view": "Read"}  # fmt: skip
_PLACES = (
    ("hook_event_name",), ("session_id",), ("agent_id",), ("cwd",), ("tool_name",),
    ("tool_input.path", "tool_input.file_path"),
    ("tool_input.patch", "tool_input.input", "tool_input.command", "tool_input"),
    ("stop_hook_active",), ("tool_input",),
)  # fmt: skip
_HEARD = ("SessionStart", "PostToolUse", "PostToolUseFailure")


def read(raw: bytes) -> Request:
    """The event in ``raw``. Raises an error of the driver where that is no JSON object."""
    event, session, agent, cwd, tool, path, command, active, given = foreign.fields(raw, _PLACES)
    tool = _TOOLS.get(tool or "", tool)
    if tool != "Bash" and patches.BEGIN not in (command or ""):
        command = None
    return Request(
        "copilot", _EVENTS.get(event or "", ""), session or "", agent or None, cwd, tool, path,
        command, foreign.named(session, given), stop_active=active == "1",
        raw=raw.decode("utf-8", "replace"),
    )  # fmt: skip


def each(request: Request) -> "list[Request]":
    """One request for each file of a patch, and after a tool what is new."""
    found = patches.paths(request.command or "") if request.tool == "Edit" else []
    requests = foreign.wants(request, found) if found else [request]
    return foreign.then_news(request, requests) if request.tool else requests


def written(request: Request, answer: Answer) -> "tuple[str, str, int]":
    """What to print on stdout and stderr, and the exit status."""
    kind, text = answer.kind, answer.text[: foreign.LONGEST]
    if kind == "deny":
        reason = foreign.said(permissionDecision="deny", permissionDecisionReason=text)
        return reason, f"{text}\n", 2
    if kind == "ask":
        return foreign.said(permissionDecision="ask", permissionDecisionReason=text), "", 0
    if kind == "fail":
        return "", f"{text}\n", 2
    if kind == "block":
        return foreign.said(decision="block", reason=text), "", 0
    if kind == "context" and request.event in _HEARD:
        return foreign.said(additionalContext=foreign.known(request, text)), "", 0
    return "", "", 0
