"""The part of ``orchestrate init`` that enters clients: their options, and what is printed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import print_json, remark
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.hooks.clients import Client
    from orchestrator.hooks.entering import Done, Order
    from orchestrator.hooks.registration import Hook

__all__ = ["asked", "client_options", "enter", "pack"]

F = TypeVar("F", bound=Callable[..., Any])

#: Option → what it says in the help. The names are those of ``hooks.clients.CLIENTS``.
_CLIENTS = {
    "claude-code": "Enter Claude Code: hooks, MCP server, AGENTS.md.",
    "codex": "Enter Codex.",
    "gemini": "Enter Gemini CLI.",
    "cursor": "Enter Cursor.",
    "copilot": "Enter Copilot CLI.",
}
_FLAGS = {
    "agents-md": "Only the paragraph in AGENTS.md, for clients without hooks.",
    "claude-md": "Also have CLAUDE.md import AGENTS.md.",
    "local": "Into the settings that are never committed; touches nothing shared.",
    "user": "Into your own settings, for every repository.",
    "remove": "Take it all out again.",
    "remove-old-hooks": "Also cut the replaced scripts out of the settings.",
}


def client_options(function: F) -> F:
    """The options that have to do with clients."""
    for name, text in reversed({**_CLIENTS, **_FLAGS}.items()):
        function = click.option(f"--{name}", name.replace("-", "_"), is_flag=True, help=text)(
            function
        )
    return function


def asked(options: dict[str, bool]) -> bool:
    """True when a client is to be entered, or left; raises ``UsageError`` for a flag alone."""
    names = [name for name in (*_CLIENTS, "agents-md") if options[name.replace("-", "_")]]
    alone = [name for name in _FLAGS if options[name.replace("-", "_")] and name not in names]
    if alone and not names:
        raise UsageError(
            f"--{alone[0]} needs a client", hint=f"for example: init --claude-code --{alone[0]}"
        )
    if options["local"] and options["user"]:
        raise UsageError("--local and --user are two places", hint="choose one of them")
    return bool(names)


def enter(options: dict[str, bool], *, dry_run: bool, as_json: bool) -> None:
    """Do it and say what was done."""
    from orchestrator.hooks import active, entering
    from orchestrator.hooks.clients import CLIENTS
    from orchestrator.hooks.entering import Done
    from orchestrator.hooks.preparing import prepare

    clients = [c for name, c in CLIENTS.items() if options[name.replace("-", "_")]]
    order = _order(options, dry_run)
    root = _root(order)
    made: tuple[str, ...] = ()
    if not (dry_run or order.remove or order.scope == "user"):
        # Looks at every file first, before anything is made.
        entering.enter(root, clients, replace(order, dry_run=True))
        new = prepare(root)
        made = new.written if new else ()
    done = [*(Done("wrote", name, "") for name in made), *entering.enter(root, clients, order)]
    on = [client for client in clients if not any(active.disabled(root, client))]
    here = [one for client in on for one in active.installed(root, client)]
    notes = [text for client in clients for text in active.remarks(root, client)]
    if as_json:
        return print_json(
            {
                "changes": [asdict(one) for one in done],
                "active": [asdict(one) for one in here],
                "notes": notes,
                "dry_run": dry_run,
            }
        )
    _show(clients, order, done)
    for one in here:
        print(printable(f"active: {one.present} of {one.wanted} hooks in {one.name}"))
    for text in notes:
        remark(printable(f"note: {text}"))
    return None


def pack(folder: Path, *, dry_run: bool, as_json: bool) -> None:
    """Make the plugin, and say how a client gets it."""
    from orchestrator.hooks import packing

    done = packing.pack(folder, dry_run=dry_run)
    if as_json:
        return print_json({"changes": [asdict(one) for one in done], "dry_run": dry_run})
    _lines(done, dry_run=dry_run, remove=False)
    if not dry_run:
        place = shlex.quote(str(folder.absolute()))
        print("next, one of:")
        print(f"  claude --plugin-dir {place}    # for one session, without installing")
        print(
            f"  claude plugin marketplace add {place} && claude plugin install {packing.FULL_NAME}"
        )
        print(f"  claude plugin update {packing.FULL_NAME}    # where it is installed already")
    return None


def _root(order: Order) -> Path:
    """The worktree; the user's own settings can be written outside of any."""
    from orchestrator.git import NotARepository, find

    try:
        return find(Path.cwd()).worktree
    except NotARepository:
        if order.scope != "user":
            raise
        return Path.home()


def _order(options: dict[str, bool], dry_run: bool) -> Order:
    from orchestrator.hooks.entering import Order

    scope = next((name for name in ("local", "user") if options[name]), "project")
    return Order(
        scope=scope,
        remove=options["remove"],
        claude_md=options["claude_md"],
        old=options["remove_old_hooks"],
        dry_run=dry_run,
    )


def _show(clients: Sequence[Client], order: Order, done: Sequence[Done]) -> None:
    _lines(done, dry_run=order.dry_run, remove=order.remove)
    if order.remove or order.dry_run or all(one.verb == "kept" for one in done):
        return
    for client in clients:
        print(f"{client.title} now calls orchestrate:")
        for hook in client.hooks:
            print(f"  {hook.event:<18} {hook.does}{_only(hook)}")


def _only(hook: Hook) -> str:
    """Of which tools, where not of all."""
    return f" ({hook.matcher.replace('|', ', ')})" if hook.matcher else ""


def _lines(done: Sequence[Done], *, dry_run: bool, remove: bool) -> None:
    """What became of each file."""
    would = {"wrote": "would write", "changed": "would change", "removed": "would remove"}
    pad = 12 if dry_run else 8
    width = max((len(one.name) for one in done), default=0)
    for one in done:
        verb = would.get(one.verb, one.verb) if dry_run else one.verb
        what = f"without {one.what}" if remove and one.verb == "changed" else one.what
        print(printable(f"{verb:<{pad}} {one.name:<{width}}  {what}".rstrip()))
    if all(one.verb == "kept" for one in done):
        print("nothing to do: " + ("none of it is here" if remove else "everything is there"))
