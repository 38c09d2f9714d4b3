"""Gemini CLI: other words for events and tools, otherwise much like Claude Code.

As documented (``docs/hooks/reference.md`` of the client): exit status 2 refuses, with
the reason on stderr; nothing but JSON may stand on stdout.
"""

from orchestrator.hooks import foreign
from orchestrator.hooks.request import Answer, Request

__all__ = ["each", "read", "written"]

_EVENTS = {
    "SessionStart": "SessionStart", "SessionEnd": "SessionEnd", "BeforeAgent": "UserPromptSubmit",
    "BeforeTool": "PreToolUse", "AfterTool": "PostToolUse", "AfterAgent": "Stop",
}  # fmt: skip
_TOOLS = {"write_file": "Write", "replace": "Edit", "run_shell_command": "Bash",
          "read_file": "Read"}  # fmt: skip
_PLACES = (
    ("hook_event_name",), ("session_id",), ("cwd",), ("tool_name",),
    ("tool_input.file_path", "tool_input.absolute_path", "tool_input.path"),
    ("tool_input.command",), ("stop_hook_active",), ("tool_response.error",), ("tool_input",),
)  # fmt: skip
#: Event → its name there, where the model reads what an answer adds.
_HEARD = {"SessionStart": "SessionStart", "UserPromptSubmit": "BeforeAgent",
          "PostToolUse": "AfterTool", "PostToolUseFailure": "AfterTool"}  # fmt: skip


def read(raw: bytes) -> Request:
    """The event in ``raw``. Raises an error of the driver where that is no JSON object."""
    event, session, cwd, tool, path, command, active, error, given = foreign.fields(raw, _PLACES)
    name = _EVENTS.get(event or "", "")
    if name == "PostToolUse" and error:
        name = "PostToolUseFailure"
    return Request(
        "gemini", name, session or "", cwd=cwd, tool=_TOOLS.get(tool or "", tool), path=path,
        command=command, call=foreign.named(session, given), stop_active=active == "1",
        raw=raw.decode("utf-8", "replace"),
    )  # fmt: skip


def each(request: Request) -> "list[Request]":
    """The request, and after a tool what is new."""
    return foreign.then_news(request, [request])


def written(request: Request, answer: Answer) -> "tuple[str, str, int]":
    """What to print on stdout and stderr, and the exit status."""
    return foreign.answered(request, answer, _HEARD, "deny")
