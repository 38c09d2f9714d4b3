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
_HEARD = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart")


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
    kind, text = answer.kind, answer.text[: foreign.LONGEST]
    if kind in ("deny", "ask", "fail"):
        return "", f"{text}\n", 2
    if kind == "block":
        return foreign.said(decision="block", reason=text), "", 0
    if kind == "context" and request.event in _HEARD:
        told = foreign.known(request, text)
        output = {"hookEventName": request.event, "additionalContext": told}
        return foreign.said(hookSpecificOutput=output), "", 0
    if kind in ("context", "notice") and text:
        return foreign.said(systemMessage=text), "", 0
    return "", "", 0
