"""``orchestrate githooks``: our checks inside git's own commands."""

from __future__ import annotations

from dataclasses import asdict

import click

from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.engine.git_hooks.install import install, remove
from orchestrator.engine.git_hooks.state import State, state
from orchestrator.engine.merge_check import check
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT
from orchestrator.git import find

__all__ = ["command"]


@click.group(name="githooks")
def command() -> None:
    """Install, remove and look at our hooks in git; check a merge.

    They refuse an instance's commit, merge or push of what somebody else holds; a
    human is told and may go on.
    """


@command.command(name="install")
@json_option
def install_command(as_json: bool) -> None:
    """Put them in front of the hooks that are there. Twice is harmless."""
    _show(install(Project.open()), "nothing to do: everything is in place", as_json)


@command.command(name="remove")
@json_option
def remove_command(as_json: bool) -> None:
    """Take them out; what was there before comes back as it was."""
    _show(remove(Project.open()), "nothing to do: none of ours is here", as_json)


def _show(said: list[str], nothing: str, as_json: bool) -> None:
    if as_json:
        print_json({"changed": said})
        return
    for line in said or [nothing]:
        print(line)


@command.command(name="status")
@json_option
def status_command(as_json: bool) -> int:
    """How they stand. Exit 1 unless all of them work."""
    found = state(find())
    if as_json:
        hooks = [asdict(hook) for hook in found.hooks]
        print_json(
            {"installed": found.installed, "folder": str(found.place.folder), "hooks": hooks}
        )
    else:
        _print(found)
    return EXIT["ok"] if found.installed and not found.broken else EXIT["failed"]


def _print(found: State) -> None:
    for hook in found.hooks:
        then = f"  then {hook.then}" if hook.then else ""
        print(f"{hook.state:<10}{hook.name:<20}{hook.file}{then}")
    if found.overridden:
        remark(
            f"git does not look there: core.hooksPath is {found.place.value} ({found.place.scope})"
        )
    if found.broken or not found.installed:
        remark("put it right: orchestrate githooks install")


@command.command(name="check")
@click.option("--since", metavar="BASE", required=True, help="What is on BASE counts as known.")
@click.option("--ref", default="HEAD", show_default=True, help="The commit to look at.")
@click.option("--instance", help="Whose work it is; default: the caller's.")
@json_option
def check_command(since: str, ref: str, instance: str | None, as_json: bool) -> int:
    """Look at everything a merge of REF would bring: for CI, and before merging by hand.

    Files that somebody else holds or took after you, files of others, and what
    merges among the commits have lost. Exit 1 when something speaks against it.
    """
    found = check(Project.open(), since=since, ref=ref, instance=instance)
    if as_json:
        print_json(found.to_json())
    else:
        for problem in found.problems:
            print(f"{'refused' if problem.refuse else 'notice':<9}{problem.text}")
        for text in found.remarks:
            remark(text)
        print(found.summary)
    return EXIT["failed"] if found.refused else EXIT["ok"]
