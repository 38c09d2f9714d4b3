"""Which of our hooks a client would run here, and what keeps it from running them.

Reads the settings files of every scope; changes nothing and starts nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.coordination import old_hooks
from orchestrator.git import GitError, NotARepository, find
from orchestrator.hooks import entering, settings
from orchestrator.hooks.clients import CLIENTS, Client
from orchestrator.hooks.entering import shown, text_of
from orchestrator.hooks.packing import FULL_NAME

__all__ = ["Installed", "disabled", "everywhere", "installed", "remarks"]


@dataclass(frozen=True, slots=True)
class Installed:
    """One settings file: how many hooks of ours it has, and how many are out of date.

    ``present`` of ``wanted`` are exactly what this version would write; ``old``
    are others of ours, which start an interpreter or a file of another version.
    """

    client: str
    scope: str
    name: str
    present: int
    wanted: int
    old: int


def installed(root: Path, client: Client) -> tuple[Installed, ...]:
    """The scopes of a client that have a hook of ours, project first."""
    found = []
    for scope in client.settings:
        path = client.place(scope, root)
        handlers = settings.hooks_in(text_of(path)) if path else []
        if path and handlers:
            wanted = [client.write(hook) for hook in client.hooks]
            present = sum(handler in handlers for handler in wanted)
            old = sum(handler not in wanted for handler in handlers)
            place = shown(root, path)
            found.append(Installed(client.name, scope, place, present, len(wanted), old))
    return tuple(found)


def remarks(root: Path, client: Client) -> Iterator[str]:
    """What somebody who relies on these hooks has to know."""
    here = installed(root, client)
    yield from disabled(root, client)
    yield from _old(root, client)
    if here:
        yield from _state(here)
        yield from _twice(root, here, client)
        yield from _worktrees(root, here)
        yield from _other_files(root, here, client)


def disabled(root: Path, client: Client) -> Iterator[str]:
    """The settings by which this client runs no hook at all."""
    for scope in client.settings:
        path = client.place(scope, root)
        if path and _loaded(text_of(path)).get("disableAllHooks") is True:
            yield f"{shown(root, path)} says disableAllHooks: no hook of this client runs"


def _old(root: Path, client: Client) -> Iterator[str]:
    """What the replaced scripts left behind."""
    for scope in client.settings:
        path = client.place(scope, root)
        for hook in old_hooks.find(text_of(path)) if path else ():
            yield (
                f"{shown(root, path or root)}:{hook.line}:{hook.column}  {hook.event} still runs "
                f"{hook.command}; take it out with --remove-old-hooks"
            )


def _state(here: tuple[Installed, ...]) -> Iterator[str]:
    """What is out of date, or there twice."""
    for one in here:
        if one.old or one.present < one.wanted:
            yield (
                f"{one.name} has {one.present} of {one.wanted} hooks as this version writes them; "
                f"bring it up to date: orchestrate init --{one.client}{_option(one.scope)}"
            )
    if len(here) > 1:
        names = " and ".join(one.name for one in here)
        yield f"{names} both have the hooks: the client runs equal ones once, others twice"


def _other_files(root: Path, here: tuple[Installed, ...], client: Client) -> Iterator[str]:
    """The client's other files, and what its user has to do."""
    scopes = {one.scope for one in here}
    for scope in sorted(scopes if client.servers is None else scopes - {"project"}):
        if client.add_server:
            words = [entering.server()["command"], *entering.server()["args"]]
            added = client.add_server.format(scope=scope, command=shlex.join(words))
            yield f"the MCP server is added by the client itself: {added}"
    imported = "@AGENTS.md" in text_of(root / "CLAUDE.md")
    both = (root / "CLAUDE.md").is_file() and (root / "AGENTS.md").is_file()
    if client.name == "claude-code" and "project" in scopes and both and not imported:
        yield "CLAUDE.md is read instead of AGENTS.md; --claude-md has it import the other"
    if client.allow:
        yield f"nothing is allowed in your name; to be asked less often, allow {client.allow}"
    if client.trust and "project" in scopes:
        yield client.trust


def _twice(root: Path, here: tuple[Installed, ...], client: Client) -> Iterator[str]:
    """The plugin brings the same hooks, and the client does not see that they are."""
    for scope in client.settings:
        path = client.place(scope, root)
        plugins = _loaded(text_of(path)).get("enabledPlugins") if path else None
        if path and isinstance(plugins, dict) and plugins.get(FULL_NAME):
            yield (
                f"{shown(root, path)} enables the plugin {FULL_NAME}: with it and {here[0].name} "
                "every hook runs twice; keep one of them"
            )


def _worktrees(root: Path, here: tuple[Installed, ...]) -> Iterator[str]:
    """A new worktree has only what is committed."""
    for one in here:
        if one.scope == "local":
            yield f"{one.name} is for this worktree alone: the next one has no hooks"
        if one.scope == "project" and not _committed(root, one.name):
            yield (
                f"{one.name} is not committed, and a fresh worktree has only what is: commit it "
                f"(its paths are those of this machine), or use --user{_plugin(one)}"
            )


def _committed(root: Path, name: str) -> bool:
    try:
        return find(root).git.run("ls-files", "--error-unmatch", name, check=False).returncode == 0
    except (NotARepository, GitError, OSError):
        return True


def _plugin(one: Installed) -> str:
    return " or the plugin" if one.client == "claude-code" else ""


def _option(scope: str) -> str:
    return "" if scope == "project" else f" --{scope}"


def _loaded(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def everywhere(root: Path) -> tuple[Installed, ...]:
    """Every client's, for the doctor."""
    return tuple(one for client in CLIENTS.values() for one in installed(root, client))
