"""Cursor: a conversation is the session, and a guard answers ``permission``.

As documented (cursor.com/docs/hooks): a message to the model goes with a refusal, with
a session's start and with a tool's result, nowhere else; a stop is turned round by
``followup_message``.
"""

from orchestrator.hooks import foreign
from orchestrator.hooks.request import Answer, Request

__all__ = ["each", "read", "written"]

#: A prompt cannot be added to, so it is a sign of life and no occasion for news.
_EVENTS = {
    "sessionStart": "SessionStart", "sessionEnd": "SessionEnd", "beforeSubmitPrompt": "PostToolUse",
    "preToolUse": "PreToolUse", "postToolUse": "PostToolUse",
    "postToolUseFailure": "PostToolUseFailure", "stop": "Stop",
}  # fmt: skip
_TOOLS = {
    "Write": "Write", "StrReplace": "Edit", "Edit": "Edit", "MultiEdit": "MultiEdit",
    "Delete": "Edit", "EditNotebook": "NotebookEdit", "Shell": "Bash", "Read": "Read",
}  # fmt: skip
_PLACES = (
    ("hook_event_name",), ("conversation_id", "session_id"), ("cwd", "workspace_roots[0]"),
    ("tool_name",),
    ("tool_input.file_path", "tool_input.path", "tool_input.target_file",
     "tool_input.target_notebook", "tool_input.notebook_path"),
    ("tool_input.command",), ("tool_use_id",), ("loop_count",), ("status",),
)  # fmt: skip
_HEARD = ("SessionStart", "PostToolUse", "PostToolUseFailure")


def read(raw: bytes) -> Request:
    """The event in ``raw``. Raises an error of the driver where that is no JSON object."""
    event, session, cwd, tool, path, command, call, loops, status = foreign.fields(raw, _PLACES)
    name = _EVENTS.get(event or "", "")
    if name == "Stop" and status in ("aborted", "error"):
        name = "PostToolUse"  # the user stopped it: nobody is asked to go on
    return Request(
        "cursor", name, session or "", cwd=cwd, tool=_TOOLS.get(tool or "", tool), path=path,
        command=command, call=call, stop_active=loops not in (None, "0"),
        raw=raw.decode("utf-8", "replace"),
    )  # fmt: skip


def each(request: Request) -> "list[Request]":
    """The request, and after a tool what is new."""
    return foreign.then_news(request, [request]) if request.tool else [request]


def written(request: Request, answer: Answer) -> "tuple[str, str, int]":
    """What to print on stdout and stderr, and the exit status."""
    kind, text = answer.kind, answer.text[: foreign.LONGEST]
    if kind in ("deny", "ask"):
        return foreign.said(permission="deny", user_message=text, agent_message=text), "", 0
    if kind == "fail":
        return "", f"{text}\n", 2
    if kind == "block":
        return foreign.said(followup_message=text), "", 0
    if kind == "context" and request.event == "SessionStart":
        env = {"ORCHESTRATE_SESSION": request.session}
        return foreign.said(env=env, additional_context=foreign.known(request, text)), "", 0
    if kind == "context" and request.event in _HEARD:
        return foreign.said(additional_context=text), "", 0
    if request.event == "PreToolUse" and text:
        return foreign.said(permission="allow", user_message=text), "", 0
    return "", "", 0
