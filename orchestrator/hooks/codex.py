"""Codex: Claude Code's words, but edits come as one patch of several files.

As documented (``codex-rs/hooks/schema/generated``): the patch is in
``tool_input.command``; unknown members of an answer make it invalid, so nothing is
said beyond what the schema of the event has.
"""

from orchestrator.hooks import claude_code, foreign, patches
from orchestrator.hooks.request import Answer, Request

__all__ = ["each", "read", "written"]

#: Tools of older versions that take a patch as well.
_PATCHES = ("apply_patch", "Edit", "Write")
#: Events whose answer the model reads; they have the same names there.
_HEARD = {
    event: event
    for event in ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart")
}


def read(raw: bytes) -> Request:
    """The event in ``raw``. Raises an error of the driver where that is no JSON object."""
    request = claude_code.read(raw)
    request.client, request.pid = "codex", None
    if request.tool in _PATCHES or patches.BEGIN in (request.command or ""):
        request.tool = "Edit"
    return request


def each(request: Request) -> "list[Request]":
    """One request for each file of a patch."""
    found = patches.paths(request.command or "") if request.tool == "Edit" else []
    requests = foreign.wants(request, found) if found else [request]
    return foreign.then_news(request, requests)


def written(request: Request, answer: Answer) -> "tuple[str, str, int]":
    """What to print on stdout and stderr, and the exit status."""
    return foreign.answered(request, answer, _HEARD, "block")
