"""Enters a client: its settings, its MCP servers, a paragraph in AGENTS.md. And takes it out.

The use case behind ``orchestrate init --claude-code`` and its like. Every file
is read and every change worked out before the first is written, so that a file
that cannot be edited leaves all of them as they are. Prints nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from orchestrator.coordination import old_hooks
from orchestrator.errors import OrchestrateError
from orchestrator.hooks import settings
from orchestrator.hooks.clients import CLIENTS, Client
from orchestrator.scaffold import marked
from orchestrator.scaffold.rewrite import Change, rewrite

__all__ = [
    "SCOPES",
    "Done",
    "NoSuchScope",
    "Order",
    "enter",
    "paragraph",
    "server",
    "shown",
    "text_of",
]

SCOPES = ("project", "local", "user")


class NoSuchScope(OrchestrateError):
    """This client has no settings file of that kind.

    ``--local`` is for clients with a file that is never committed, ``--user``
    for those that read one in the user's home. Leave the option out to use the
    project's own file.
    """

    code = "E733"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: into which scope, or out of it; what else to touch.

    ``agents``: the paragraph in AGENTS.md; ``claude_md``: CLAUDE.md imports it;
    ``old``: the hooks of the replaced scripts are cut out too.
    """

    scope: str = "project"
    remove: bool = False
    agents: bool = True
    claude_md: bool = False
    old: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """One file: what became of it, under which name it is shown, and what it holds."""

    verb: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class _Step:
    path: Path
    name: str
    change: Callable[[str], str | None]
    what: str

    def run(self, dry_run: bool) -> Change:
        return rewrite(self.path, self.change, self.name, dry_run=dry_run)


def enter(root: Path, clients: Sequence[Client], order: Order) -> list[Done]:
    """Do it for each client below ``root`` (a worktree). Raises before anything is written."""
    steps = [step for client in clients for step in _client(root, client, order)]
    steps += _documents(root, clients, order)
    for step in steps:
        step.run(dry_run=True)
    done = []
    for step in steps:
        change = step.run(order.dry_run)
        if change.verb == "removed" and not order.dry_run:
            _tidy(step.path.parent, root)
        if not order.remove or change.verb != "kept":
            done.append(Done(change.verb, step.name, step.what))
    return done


def _tidy(folder: Path, root: Path) -> None:
    """Take away the folders that were made for a file, where nothing else is in them."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def server(client: Client | None = None) -> dict[str, Any]:
    """How clients start the MCP server: this environment's interpreter, isolated.

    With what this ``client``'s entries say besides.
    """
    started = {"command": sys.executable, "args": ["-I", "-m", "orchestrator", "mcp"]}
    return {**started, **client.server_keys} if client else started


def paragraph() -> str:
    """What AGENTS.md says to instances whose client has no hooks."""
    return resources.files("orchestrator").joinpath("hooks", "agents.md").read_text("utf-8")


def _client(root: Path, client: Client, order: Order) -> Iterator[_Step]:
    path = client.place(order.scope, root)
    if path is None:
        raise NoSuchScope(
            f"{client.title} has no settings for --{order.scope}",
            hint=f"it has: {', '.join(client.settings)}",
        )
    name = shown(root, path)
    change = partial(_settings, client=client, where=name, order=order)
    yield _Step(path, name, change, f"{len(client.hooks)} hooks for {client.title}")
    if client.servers and order.scope == "project":
        name = client.servers
        add = partial(settings.enter_server, command=server(client), where=name)
        leave = partial(settings.leave_server, where=name)
        what = f'the MCP server "{settings.SERVER}"'
        yield _Step(root / name, name, leave if order.remove else add, what)


def _settings(text: str, client: Client, where: str, order: Order) -> str | None:
    """A settings file as it is to be."""
    text = old_hooks.without(text) if order.old and text else text
    if order.remove:
        return settings.leave(text, where)
    return settings.enter(
        text,
        client.hooks,
        client.write,
        where,
        grouped=client.grouped,
        version=client.version,
    )


def _documents(root: Path, clients: Sequence[Client], order: Order) -> Iterator[_Step]:
    """AGENTS.md, and the line in CLAUDE.md that imports it."""
    if order.scope != "project" or (order.remove and _others(root, clients)):
        return
    documents = (
        ("AGENTS.md", order.agents, paragraph(), "a paragraph for instances without hooks"),
        ("CLAUDE.md", order.claude_md, "@AGENTS.md", "the line that imports AGENTS.md"),
    )
    for name, asked, text, what in documents:
        if order.remove:
            yield _Step(root / name, name, partial(marked.take_out, where=name), what)
        elif asked:
            yield _Step(root / name, name, partial(marked.put, paragraph=text, where=name), what)


def _others(root: Path, clients: Sequence[Client]) -> bool:
    """True when another client of the project still has our hooks."""
    paths = [c.place("project", root) for c in CLIENTS.values() if c not in clients]
    return any(path and settings.hooks_in(text_of(path)) for path in paths)


def text_of(path: Path) -> str:
    """A file's text; empty where it cannot be read."""
    try:
        return path.read_bytes().decode(errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def shown(root: Path, path: Path) -> str:
    """A path as it is told: inside the worktree, or from home."""
    home = Path.home()
    for base, prefix in ((root, ""), (home, "~/")):
        if path.is_relative_to(base) and (prefix or base != home):
            return prefix + path.relative_to(base).as_posix()
    return str(path)
