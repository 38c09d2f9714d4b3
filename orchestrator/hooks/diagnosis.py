"""Whether the clients here ask us: their hooks, the MCP server, what keeps them from it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestrator.coordination import old_hooks
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.git import Repository
from orchestrator.hooks import active, entering, settings
from orchestrator.hooks.active import Installed
from orchestrator.hooks.clients import CLIENTS, Client
from orchestrator.hooks.packing import FULL_NAME
from orchestrator.hooks.registration import package
from orchestrator.scaffold.rewrite import rewrite

__all__ = ["mend", "mend_old", "probe"]

_MAIN = "claude-code"
_MCP = "pip install 'handoff-orchestrator[mcp]'"
#: Where an administrator decides for everybody, by the client's documentation.
_MANAGED = (
    Path("/etc/claude-code/managed-settings.json"),
    Path("/Library/Application Support/ClaudeCode/managed-settings.json"),
)


def probe(repository: Repository) -> Iterator[Finding]:
    root = repository.worktree
    others = []
    for client in CLIENTS.values():
        found = list(_client(root, client))
        if found:
            yield from found
        elif client.name != _MAIN:
            others.append(client.name)
    if others:
        words = f"not entered: {', '.join(others)}"
        yield Finding("other clients", "off", words, f"orchestrate init --{others[0]}")
    yield from _server(root)


def _client(root: Path, client: Client) -> Iterator[Finding]:
    here = active.installed(root, client)
    plugin = list(_plugins(root, client))
    subject = f"{client.title} hooks"
    for one in here:
        yield _scope(root, client, one)
    for name in plugin:
        yield Finding(f"{client.title} plugin", "ok", f"enabled in {name}")
    if not here and not plugin and client.name == _MAIN:
        words = "its instances write files without asking"
        yield Finding(subject, "off", words, f"orchestrate init --{client.name}")
    if len(here) + len(plugin) > 1:
        words = "in several places: what differs between them runs twice"
        how = f"keep one: orchestrate init --{client.name} --remove"
        yield Finding(subject, "broken", words, how)
    if here or plugin:
        yield from _switched_off(root, client)
    yield from _old(root, client)


def _scope(root: Path, client: Client, one: Installed) -> Finding:
    subject = f"{client.title} hooks"
    option = "" if one.scope == "project" else f" --{one.scope}"
    gone = sorted(set(_gone(root, client, one.scope)))
    if gone:
        words = f"{one.name} starts what is not there: {', '.join(gone)}"
    elif one.old or one.present < one.wanted:
        words = f"{one.name}: {one.present} of {one.wanted} as this version writes them"
        words += f", {one.old} of another" if one.old else ""
    else:
        words = f"{one.present} in {one.name}"
        words += " (this worktree alone)" if one.scope == "local" else ""
        return Finding(subject, "ok", words)
    mine = gone and all(Path(path).is_relative_to(package()) for path in gone)
    how = f"orchestrate init --{client.name}{option}"
    return Finding(subject, "broken", words, "install orchestrate again" if mine else how)


def _gone(root: Path, client: Client, scope: str) -> Iterator[str]:
    """Files our hooks name and nobody has any more: an interpreter, a hook file."""
    path = client.place(scope, root)
    for handler in settings.hooks_in(entering.text_of(path)) if path else ():
        for word in _words(handler):
            if os.path.isabs(word) and not Path(word).exists():  # noqa: PTH117
                yield word


def _words(handler: dict[str, Any]) -> Iterator[str]:
    """What a handler starts: a list of words, or a line for a shell."""
    args = handler.get("args")
    for value in (handler.get("command"), handler.get("exec")):
        if isinstance(value, str):
            try:
                yield from [value] if isinstance(args, list) else shlex.split(value)
            except ValueError:
                continue
    yield from (word for word in args or () if isinstance(word, str))


def _plugins(root: Path, client: Client) -> Iterator[str]:
    """The settings that enable our plugin."""
    if client.name != _MAIN:
        return
    for scope in client.settings:
        path = client.place(scope, root)
        enabled = _loaded(path).get("enabledPlugins") if path else None
        if path and isinstance(enabled, dict) and enabled.get(FULL_NAME) is True:
            yield entering.shown(root, path)


def _switched_off(root: Path, client: Client) -> Iterator[Finding]:
    subject = f"{client.title} hooks"
    for text in active.disabled(root, client):
        yield Finding(subject, "broken", text, "take disableAllHooks out of that file")
    for path in _MANAGED if client.name == _MAIN else ():
        managed = _loaded(path)
        for key in ("disableAllHooks", "allowManagedHooksOnly"):
            if managed.get(key) is True:
                yield Finding(subject, "broken", f"{path} says {key}", "ask your administrator")


def _old(root: Path, client: Client) -> Iterator[Finding]:
    """What the replaced scripts left behind."""
    for scope in client.settings:
        path = client.place(scope, root)
        for hook in old_hooks.find(entering.text_of(path)) if path else ():
            place = f"{entering.shown(root, path or root)}:{hook.line}:{hook.column}"
            words = f"{place}  {hook.event} still runs {hook.command}"
            yield Finding("replaced scripts", "broken", words,
                          "orchestrate doctor --fix --remove-old-hooks")  # fmt: skip


def _server(root: Path) -> Iterator[Finding]:
    """The MCP server: named for the main client, the library installed."""
    client = CLIENTS[_MAIN]
    name = client.servers or ".mcp.json"
    entry = _entry(root, client)
    if entry is None:
        yield Finding("MCP server", "off", f"not in {name}", f"orchestrate init --{_MAIN}")
    elif find_spec("mcp") is None:
        yield Finding("MCP server", "broken", f"in {name}, and the library is missing", _MCP)
    elif not isinstance(entry, dict) or entry.get("command") != sys.executable:
        other = entry.get("command") if isinstance(entry, dict) else entry
        words = f"{name} starts another interpreter: {other}"
        yield Finding("MCP server", "broken", words, f"orchestrate init --{_MAIN}")
    elif entry != entering.server(client):
        words = f"{name} has it as another version writes it"
        yield Finding("MCP server", "broken", words, f"orchestrate init --{_MAIN}")
    else:
        yield Finding("MCP server", "ok", f"in {name}")


def _entry(root: Path, client: Client) -> Any:
    """What stands in the client's file of servers under our name."""
    servers = _loaded(root / client.servers).get("mcpServers") if client.servers else None
    return servers.get(settings.SERVER) if isinstance(servers, dict) else None


def _loaded(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(entering.text_of(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def mend(repository: Repository) -> Iterator[str]:
    """Write our hooks and our server as this version does, where some of ours are already."""
    root = repository.worktree
    for client in CLIENTS.values():
        for one in active.installed(root, client):
            stale = _entry(root, client) not in (None, entering.server(client))
            if one.old or one.present < one.wanted or (stale and one.scope == "project"):
                order = entering.Order(scope=one.scope, agents=False)
                for done in entering.enter(root, [client], order):
                    if done.verb != "kept":
                        yield f"{done.verb} {done.name}: {done.what}"


def mend_old(repository: Repository) -> Iterator[str]:
    """Cut the replaced scripts out of every settings file; nothing else in them changes."""
    root = repository.worktree
    for client in CLIENTS.values():
        for scope in client.settings:
            path = client.place(scope, root)
            found = old_hooks.find(entering.text_of(path)) if path else []
            if path and found:
                name = entering.shown(root, path)
                rewrite(path, old_hooks.without, name)
                yield f"cut {len(found)} hooks of the replaced scripts out of {name}"
