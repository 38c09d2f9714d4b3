"""The clients that have hooks: which files they read, and how they write a hook.

Data. A scope is where the entries go: ``project`` (shared, committed), ``local``
(this worktree only) or ``user`` (every repository of this user).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.hooks import tables
from orchestrator.hooks.registration import CLAUDE_CODE, Hook, command
from orchestrator.hooks.settings import Write

__all__ = ["CLIENTS", "Client"]


@dataclass(frozen=True, slots=True)
class Client:
    """One client. Paths are relative to the worktree, or to ``home`` for the user's own.

    ``homes`` is the variable by which the client's folder in the user's home is
    moved. ``servers`` is the project's file of MCP servers, ``server_keys`` what its
    entries say besides the command, ``add_server`` the client's own command for the
    other scopes (``{scope}`` and ``{command}``).
    ``trust`` says what its user has to do before the hooks run; ``allow`` what
    permissions make it ask less.
    """

    name: str
    title: str
    hooks: tuple[Hook, ...]
    write: Write
    settings: Mapping[str, str]
    grouped: bool = True
    version: bool = False
    home: str = ""
    homes: str = ""
    servers: str | None = None
    server_keys: Mapping[str, Any] = field(default_factory=dict)
    add_server: str | None = None
    trust: str | None = None
    allow: str | None = None

    def place(self, scope: str, root: Path) -> Path | None:
        """The settings file of a scope; None where the client has none.

        Where ``root`` is the user's home, what would be the project's is the user's.
        """
        name = self.settings.get(scope)
        user = self.folder() / self.settings["user"]
        if name is None or scope == "user":
            return user if name else None
        return root / name if root / name != user else None

    def folder(self) -> Path:
        """The client's folder in the user's home."""
        moved = os.environ.get(self.homes) if self.homes else None
        return Path(moved) if moved else Path.home() / self.home


CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        Client(
            "claude-code",
            "Claude Code",
            CLAUDE_CODE,
            partial(command, client="claude-code"),
            {
                "project": ".claude/settings.json",
                "local": ".claude/settings.local.json",
                "user": "settings.json",
            },
            home=".claude",
            homes="CLAUDE_CONFIG_DIR",
            servers=".mcp.json",
            # Else the model has to search for the tools before it sees them.
            server_keys={"alwaysLoad": True},
            add_server="claude mcp add --scope {scope} orchestrate -- {command}",
            allow="mcp__orchestrate and Bash(orchestrate:*) in /permissions",
            trust="Claude Code asks its user to trust the folder before hooks run; -p does not ask",
        ),
        Client(
            "codex",
            "Codex",
            tables.CODEX,
            tables.codex,
            {"project": ".codex/hooks.json", "user": "hooks.json"},
            home=".codex",
            homes="CODEX_HOME",
            add_server="codex mcp add orchestrate -- {command}",
            trust="Codex skips new and changed hooks in silence: type /hooks in it and trust them",
        ),
        Client(
            "gemini",
            "Gemini CLI",
            tables.GEMINI,
            tables.gemini,
            {"project": ".gemini/settings.json", "user": "settings.json"},
            home=".gemini",
            servers=".gemini/settings.json",
            add_server="gemini mcp add --scope {scope} orchestrate {command}",
            trust="Gemini CLI reads the settings of a project only in a folder its user trusts",
        ),
        Client(
            "cursor",
            "Cursor",
            tables.CURSOR,
            tables.cursor,
            {"project": ".cursor/hooks.json", "user": "hooks.json"},
            grouped=False,
            version=True,
            home=".cursor",
            servers=".cursor/mcp.json",
            trust="Cursor runs the hooks of a project only in a workspace its user trusts",
        ),
        Client(
            "copilot",
            "Copilot CLI",
            tables.COPILOT,
            tables.copilot,
            {"project": ".github/hooks/orchestrate.json", "user": "hooks/orchestrate.json"},
            grouped=False,
            version=True,
            home=".copilot",
            homes="COPILOT_HOME",
            add_server="/mcp add in a session, with the command {command}",
            trust="Copilot CLI reads .claude/settings.json too: its hooks run there a second time",
        ),
    )
}
