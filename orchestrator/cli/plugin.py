"""``orchestrate plugin``: which plugins verify here, and whether one keeps the contract."""

from __future__ import annotations

from dataclasses import asdict

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine.plugins import Examination, describe
from orchestrator.errors import EXIT
from orchestrator.git import find
from orchestrator.plugins.wire import Described

__all__ = ["command"]

_MARK = {"ok": "✓", "remark": "–", "broken": "✗"}


@click.group(name="plugin")
def command() -> None:
    """Which plugins verify here, and whether one keeps the contract."""


@command.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Every plugin: built in, installed, and the project's own. Exit 1 when one is refused."""
    found = describe(find())
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)
    return EXIT["failed"] if found.problems else EXIT["ok"]


def _show(found: Described) -> None:
    from rich.table import Table

    table = Table("plugin", "family", "version", "from", box=None, pad_edge=False)
    for plugin in found.plugins:
        kind, place = plugin.source["kind"], plugin.source["place"]
        where = {"builtin": "built in", "installed": place}.get(kind, plugin.source["name"])
        table.add_row(printable(plugin.name), plugin.family, printable(plugin.version), where)
    out = console()
    out.print(table)
    for problem in found.problems:
        out.print(f"✗ {printable(problem.message)}", soft_wrap=True)
        if problem.hint:
            out.print(f"  {printable(problem.hint)}", soft_wrap=True)


@command.command()
@click.argument("target")
@click.option("--execute", is_flag=True, help="Also run what it plans, on the last commit.")
@click.option("--since", metavar="BASE", help="Compare with BASE where a check asks for one.")
@json_option
def check(target: str, execute: bool, since: str | None, as_json: bool) -> int:
    """Prove that the plugin TARGET, a file or a name, keeps the contract.

    It is loaded in a process of its own, asked twice what it plans here, and
    with --execute made to run it. Exit 1 when something is broken.
    """
    said = []
    out = console()
    for line in Examination(find(), target, execute=execute, since=since):
        said.append(line)
        if not as_json:
            out.print(f"{_MARK[line.state]} {printable(line.text)}", soft_wrap=True)
            if line.hint:
                out.print(f"  {printable(line.hint)}", soft_wrap=True)
    if as_json:
        print_json([asdict(line) for line in said])
    return EXIT["failed" if any(line.state == "broken" for line in said) else "ok"]
