"""The tables of hooks of the clients besides Claude Code, and how each writes a hook.

Data, as their documentation has it. Their events have other names and their
guards fail open in other ways; what an event means is the adapter's business.
"""

from __future__ import annotations

import shlex
from typing import Any

from orchestrator.hooks.registration import FLAGS, Hook, interpreter, package

__all__ = [
    "CODEX",
    "COPILOT",
    "CURSOR",
    "GEMINI",
    "codex",
    "copilot",
    "cursor",
    "gemini",
]

_IN = "check in, give the briefing"
_BEAT = "heartbeat, renew leases, remember what was written"
_HEAR = "heartbeat, deliver messages"
_GUARD = "take the leases, or refuse what another instance holds"
_SHELL = "warn of commands that write held files"
_STOP = "do not stop with work that is neither ready nor explained"
_OUT = "check out: free leases, return tasks"
_SUB = ("know whose sub-agent it is", "the sub-agent's part is over")

#: Codex has no event for the end of a session: its leases run out, or its process is gone.
CODEX: tuple[Hook, ...] = (
    Hook("SessionStart", 15, status="orchestrate: checking in", does=_IN),
    Hook("UserPromptSubmit", 10, does=_HEAR),
    Hook("PreToolUse", 10, "apply_patch", status="orchestrate: whose files are these?",
         does=_GUARD),
    Hook("PreToolUse", 10, "Bash", does=_SHELL),
    Hook("PostToolUse", 10, does=_BEAT),
    Hook("SubagentStart", 10, does=_SUB[0]),
    Hook("SubagentStop", 10, does=_SUB[1]),
    Hook("Stop", 15, status="orchestrate: anything half handed off?", does=_STOP),
)  # fmt: skip

GEMINI: tuple[Hook, ...] = (
    Hook("SessionStart", 15, does=_IN),
    Hook("BeforeAgent", 10, does=_HEAR),
    Hook("BeforeTool", 10, "write_file|replace", does=_GUARD),
    Hook("BeforeTool", 10, "run_shell_command", does=_SHELL),
    Hook("AfterTool", 10, does=_BEAT),
    Hook("AfterAgent", 15, does=_STOP),
    Hook("SessionEnd", 5, does=_OUT),
)

CURSOR: tuple[Hook, ...] = (
    Hook("sessionStart", 15, does=_IN),
    Hook("beforeSubmitPrompt", 10, does=_HEAR),
    Hook("preToolUse", 10, "Write|StrReplace|Edit|MultiEdit|EditNotebook|Delete", does=_GUARD),
    Hook("preToolUse", 10, "Shell", does=_SHELL),
    Hook("postToolUse", 10, does=_BEAT),
    Hook("postToolUseFailure", 10, does="the same after a failed call"),
    Hook("stop", 15, does=_STOP),
    Hook("sessionEnd", 5, does=_OUT),
)

#: Names in this spelling have the client send what Claude Code would send.
COPILOT: tuple[Hook, ...] = (
    Hook("SessionStart", 15, does=_IN),
    Hook("UserPromptSubmit", 10, does=_HEAR),
    Hook("PreToolUse", 10, "Write|Edit", does=_GUARD),
    Hook("PreToolUse", 10, "Bash", does=_SHELL),
    Hook("PostToolUse", 10, does=_BEAT),
    Hook("PostToolUseFailure", 10, does="the same after a failed call"),
    Hook("Stop", 15, does=_STOP),
    Hook("SessionEnd", 5, does=_OUT),
)


def _words(hook: Hook, client: str) -> list[str]:
    return [interpreter(), *FLAGS, str(package() / "hooks" / hook.script), client]


def codex(hook: Hook) -> dict[str, Any]:
    """A handler of ``.codex/hooks.json``: a line for the shell, seconds."""
    handler = {"type": "command", "command": shlex.join(_words(hook, "codex"))}
    status = {"statusMessage": hook.status} if hook.status else {}
    return {**handler, "timeout": hook.timeout, **status}


def gemini(hook: Hook) -> dict[str, Any]:
    """A handler of ``.gemini/settings.json``: a line for the shell, milliseconds."""
    return {
        "name": "orchestrate",
        "type": "command",
        "command": shlex.join(_words(hook, "gemini")),
        "timeout": hook.timeout * 1000,
        "description": hook.does,
    }


def cursor(hook: Hook) -> dict[str, Any]:
    """A handler of ``.cursor/hooks.json``; the guard refuses where it cannot answer."""
    handler: dict[str, Any] = {
        "command": shlex.join(_words(hook, "cursor")),
        "timeout": hook.timeout,
    }
    if hook.matcher:
        handler["matcher"] = hook.matcher
    if hook.does == _GUARD:
        handler["failClosed"] = True
    return handler


def copilot(hook: Hook) -> dict[str, Any]:
    """A handler of ``.github/hooks/*.json``, without a shell, seconds.

    ``exec`` is for the command line alone: in the cloud, where this interpreter
    is not, a shell command would fail, and a failing guard refuses every edit.
    """
    interpreter_, *args = _words(hook, "copilot")
    handler: dict[str, Any] = {"type": "command", "exec": interpreter_, "args": args}
    if hook.matcher:
        handler["matcher"] = hook.matcher
    return {**handler, "timeoutSec": hook.timeout}
