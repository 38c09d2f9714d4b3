"""Which hooks a client is asked to call, and how such a command is written.

The table is the truth: settings files, the plugin, the doctor and the pages are
made from it. Reads no file and starts nothing; only the standard library, so
that anything may import it.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "CLAUDE_CODE",
    "EDITS",
    "ENTRY",
    "FLAGS",
    "WAKE",
    "Hook",
    "command",
    "interpreter",
    "is_ours",
    "package",
]

#: The file that answers a hook, and the one that waits to wake an idle instance.
ENTRY, WAKE = "entry.py", "wake.py"
#: Isolated from the environment and the working directory, without site packages:
#: a start in half the time, and nothing in a repository can put itself in between.
FLAGS = ("-I", "-S")
#: The tools of Claude Code that write a file.
EDITS = "Write|Edit|MultiEdit|NotebookEdit"

#: How one of our hooks is known in any file, whoever installed it and wherever to.
_OURS = re.compile(r"""(?:^|[/\\\s"'])orchestrator[/\\]hooks[/\\](?:entry|wake)\.py(?=$|[\s"'])""")


@dataclass(frozen=True, slots=True)
class Hook:
    """One line of a table.

    ``timeout`` is the client's limit in seconds; our own deadline lies well
    inside it, because a client lets a tool call pass when the limit is reached.
    ``matcher`` is None where the event has none, or where every tool is meant.
    ``status`` is shown while it runs. ``rewake``: runs in the background, and
    what it says afterwards wakes the instance. ``does`` says what it is for.
    """

    event: str
    timeout: int
    matcher: str | None = None
    script: str = ENTRY
    status: str | None = None
    rewake: bool = False
    does: str = ""


#: Claude Code. WorktreeCreate replaces the client's own ``git worktree add``, so it
#: has the time a checkout takes; the waking hook waits for as long as a working day.
CLAUDE_CODE: tuple[Hook, ...] = (
    Hook("SessionStart", 15, status="orchestrate: checking in", does="check in, give the briefing"),
    Hook("UserPromptSubmit", 10, does="heartbeat, deliver messages"),
    Hook("PreToolUse", 10, EDITS, status="orchestrate: whose file is this?",
         does="take the lease, or refuse what another instance holds"),
    Hook("PreToolUse", 10, "Bash", does="warn of commands that write held files"),
    Hook("PostToolUse", 10, does="heartbeat, renew leases, remember what was written"),
    Hook("PostToolUseFailure", 10, does="the same after a failed call"),
    Hook("PostToolBatch", 10, does="give back leases of refused calls, deliver messages"),
    Hook("SubagentStart", 10, does="know whose sub-agent it is"),
    Hook("SubagentStop", 10, does="the sub-agent's part is over"),
    Hook("WorktreeCreate", 120, status="orchestrate: making a worktree",
         does="make the worktree, with an instance of its own"),
    Hook("WorktreeRemove", 60, does="that instance's part is over"),
    Hook("Stop", 15, status="orchestrate: anything half handed off?",
         does="do not stop with work that is neither ready nor explained"),
    Hook("Stop", 36_000, script=WAKE, rewake=True, does="wake an idle instance for its messages"),
    # Named, because without a limit of its own all such hooks share 1.5 seconds.
    Hook("SessionEnd", 5, does="check out: free leases, return tasks"),
)  # fmt: skip


def interpreter() -> str:
    """The absolute interpreter to start hooks with.

    That of the virtual environment's base, links followed: hooks import nothing
    that is installed, and a shim or a launcher costs several times its start.
    """
    base = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.realpath(base)


def package() -> Path:
    """The absolute folder of this package (``…/orchestrator``), links followed."""
    return Path(__file__).resolve().parents[1]


def command(hook: Hook, client: str) -> dict[str, Any]:
    """The handler as Claude Code's settings hold it: exec form, so no shell reads it."""
    script = str(package() / "hooks" / hook.script)
    entry: dict[str, Any] = {
        "type": "command",
        "command": interpreter(),
        "args": [*FLAGS, script, client],
        "timeout": hook.timeout,
    }
    if hook.status:
        entry["statusMessage"] = hook.status
    if hook.rewake:
        entry["asyncRewake"] = True
    return entry


def is_ours(entry: Any) -> bool:
    """True for a handler of ours, however old; ``entry`` is any value of a settings file."""
    if not isinstance(entry, dict):
        return False
    args = entry.get("args")
    words = [entry.get("command"), entry.get("exec"), *(args if isinstance(args, list) else ())]
    return any(isinstance(word, str) and _OURS.search(word) for word in words)
