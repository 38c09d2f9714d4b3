"""``orchestrate init``: set up a repository, or list the presets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import init_clients
from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.scaffold.init import SetUp

__all__ = ["command"]


@click.command("init")
@click.option("--preset", metavar="NAME", help="The kind of project; else the tree decides.")
@click.option("--under", metavar="DIR", default="", help="Put every folder below DIR.")
@click.option("--github", is_flag=True, help="Add a workflow for GitHub Actions.")
@click.option("--list", "listing", is_flag=True, help="List the presets and stop.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--plugin", type=click.Path(path_type=Path), metavar="DIR",
              help="Make a Claude Code plugin, with a marketplace file, in DIR.")  # fmt: skip
@init_clients.client_options
@json_option
def command(
    preset: str | None,
    under: str,
    github: bool,
    listing: bool,
    dry_run: bool,
    plugin: Path | None,
    as_json: bool,
    **clients: bool,
) -> None:
    """Set up a repository: configuration, folders, examples.

    Looks at the tree and fits the configuration to it. Never overwrites; doing
    it twice is harmless. With a client's name, enters that client instead.
    """
    if listing:
        return _list(as_json)
    if plugin is not None:
        if any(clients.values()):
            raise UsageError("--plugin goes alone", hint="delete its folder to be rid of it")
        return init_clients.pack(plugin, dry_run=dry_run, as_json=as_json)
    if init_clients.asked(clients):
        return init_clients.enter(clients, dry_run=dry_run, as_json=as_json)
    from orchestrator.scaffold.init import set_up

    done = set_up(Path.cwd(), preset=preset, under=under, github=github, dry_run=dry_run)
    if as_json:
        return print_json({**asdict(done), "root": str(done.root), "dry_run": dry_run})
    _show(done, dry_run)
    return None


def _list(as_json: bool) -> None:
    from orchestrator.config import presets

    summaries = {name: presets.load(name).summary for name in presets.NAMES}
    if as_json:
        return print_json(summaries)
    for name, summary in summaries.items():
        print(f"{name:<16}{summary}")
    return None


def _show(done: SetUp, dry_run: bool) -> None:
    if done.preset:
        print(f"preset: {done.preset}")
    for reason in done.reasons:
        print(printable(f"  because {reason}"))
    verb = "would write" if dry_run else "wrote"
    for path in done.written:
        print(printable(f"{verb}  {path}"))
    for path in done.kept:
        print(printable(f"kept   {path}"))
    if not done.written:
        print("nothing to do: everything is there")
    for note in done.notes:
        remark(printable(f"note: {note}"))
    if not dry_run:
        print("next:")
        for line in done.next:
            print(printable(f"  {line}"))
