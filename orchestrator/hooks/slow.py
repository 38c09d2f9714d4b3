"""Everything the fast answers leave: the engine's own code, in the same process.

Only the standard library is there (the interpreter starts without any other), and
the configuration is read as compiled into the store.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from orchestrator.engine.project import Project, setting
from orchestrator.git import find
from orchestrator.hooks.place import Place
from orchestrator.hooks.request import Answer, Request
from orchestrator.store import backup
from orchestrator.store.sqlite import FILE, open_store

__all__ = ["EVENTS", "answer", "payload"]

#: Event → the module and function that answer it; what is not here is no business of ours.
EVENTS: dict[str, tuple[str, str]] = {
    "SessionStart": ("presence", "start"),
    "SessionEnd": ("presence", "end"),
    "SubagentStart": ("presence", "agent_start"),
    "SubagentStop": ("presence", "agent_stop"),
    "UserPromptSubmit": ("news", "prompted"),
    "PreToolUse": ("guard", "before"),
    "PostToolUse": ("after", "used"),
    "PostToolUseFailure": ("after", "failed"),
    "PostToolBatch": ("after", "batch"),
    "Stop": ("stopping", "stop"),
    "WorktreeCreate": ("worktrees", "create"),
    "WorktreeRemove": ("worktrees", "remove"),
}
#: Seconds a write waits here for others: the deadline is not far away.
_WAIT = 3.0
NOT_READY = (
    "orchestrate is configured here but has no store yet, so nothing is coordinated. "
    "To begin: orchestrate instance list"
)


def answer(request: Request, place: Place) -> Answer:
    """The answer to ``request``. Raises what the engine raises."""
    if request.event not in EVENTS or not (request.session or request.event == "WorktreeCreate"):
        return Answer()
    _surroundings(request)
    project = _project(place)
    if project is None:
        return Answer("notice", NOT_READY) if request.event == "SessionStart" else Answer()
    name, function = EVENTS[request.event]
    module = importlib.import_module(f"orchestrator.hooks.{name}")
    try:
        found: Answer = getattr(module, function)(project, request)
    finally:
        project.store.close()
    return found


def payload(request: Request) -> dict[str, Any]:
    """The whole event, for what only few need."""
    value = json.loads(request.raw)
    return value if isinstance(value, dict) else {}


def _surroundings(request: Request) -> None:
    """The engine asks the working directory and the environment who calls and from where."""
    if request.cwd and Path(request.cwd).is_dir():
        os.chdir(request.cwd)
    os.environ["ORCHESTRATE_SESSION"] = request.session
    if request.client == "claude-code":
        os.environ["CLAUDE_CODE_SESSION_ID"] = request.session
        if request.pid is not None:
            os.environ["CLAUDE_PID"] = str(request.pid)
        return
    # Another client may have been started in a shell of Claude Code: it is not that one.
    for name in [name for name in os.environ if name.startswith("CLAUDE")]:
        del os.environ[name]
    os.environ["ORCHESTRATE_CLIENT"] = request.client


def _project(place: Place) -> Project | None:
    """The project as compiled; None where no command of orchestrate has been here yet."""
    folder = Path(place.state)
    if not (folder / FILE).exists():
        # A store that was lost is not silently begun anew.
        backup.refuse_fresh_start(folder / FILE)
        return _first()
    repository = find()
    store = open_store(folder, wait=_WAIT)
    _libraries(store.read(lambda reader: setting(reader, "libraries")))
    return Project.compiled(repository, store) or _first()


def _first() -> Project | None:
    """Where nothing was compiled yet: read the configuration, if its library is at hand."""
    try:
        return Project.open()
    except ImportError:
        return None


def _libraries(text: str | None) -> None:
    """The libraries of whoever compiled the configuration, behind everything else.

    Some rare steps (a task given back moves an instance) need one.
    """
    for folder in json.loads(text or "[]"):
        if folder not in sys.path:
            sys.path.append(folder)
