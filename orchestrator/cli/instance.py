"""``orchestrate instance``: who is known, what state each is in, what was handed to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator.cli.human import confirmed_caller
from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.cli.when import shown
from orchestrator.engine.creating import create as create_instance
from orchestrator.engine.instances import retire as retire_instance
from orchestrator.engine.overview import instance_detail, instance_summary
from orchestrator.engine.project import Project
from orchestrator.status.views import visible

__all__ = ["command"]


@click.group(name="instance")
def command() -> None:
    """List, show, create and retire instances."""


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Every instance with its state, task and handoff."""
    project = Project.open()
    rows = project.store.read(
        lambda reader: [instance_summary(project, reader, row) for row in reader.find("instances")]
    )
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    keys = ("id", "role", "state", "client", "branch", "task", "handoff")
    table = Table(*keys, box=None)
    for row in rows:
        table.add_row(*(visible(str(row[key] or "–")) for key in keys))
    console().print(table)


@command.command()
@click.argument("instance")
@json_option
def show(instance: str, as_json: bool) -> None:
    """One instance: state, what is possible from here, its work and what was handed to it."""
    project = Project.open()
    value = project.store.read(lambda reader: instance_detail(project, reader, instance))
    if as_json:
        print_json(value)
        return
    out = console()
    for key, found in value.items():
        out.print(visible(f"{key:>26}  {_shown(key, found)}"))


def _shown(key: str, value: Any) -> str:
    """For people: lists with commas, yes and no, times as times."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key.endswith("_at") and value is not None:
        return shown(value)
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return "–" if text in (None, "") else str(text)


@command.command()
@click.argument("instance")
@click.option("--worktree", metavar="DIR", type=click.Path(path_type=Path), help="Where it works.")
@click.option("--branch", help="Its branch; default: the instance's name.")
@click.option("--role", help="What it is there for, as free text.")
@json_option
def create(
    instance: str, worktree: Path | None, branch: str | None, role: str | None, as_json: bool
) -> None:
    """Make INSTANCE with a worktree and a branch of its own; harmless when it is there."""
    project = Project.open()
    made = create_instance(
        project, project.caller(), instance, worktree=worktree, branch=branch, role=role
    )
    if as_json:
        flags = {"worktree_made": made.worktree_made, "branch_made": made.branch_made}
        keys = ("id", "role", "state", "worktree", "branch")
        print_json({**{key: made.row[key] for key in keys}, **flags})
        return
    if instance not in project.config.instances:
        remark(f"files and layers are given to it in {project.config.source}: instances")
    print(f"{instance}  {made.row['worktree']} on {made.row['branch']}")


@command.command()
@click.argument("instance")
@click.option("--reason", help="Why; kept in the log.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
@json_option
def retire(instance: str, reason: str | None, yes: bool, as_json: bool) -> None:
    """Take INSTANCE out of the project; its worktree and branch stay."""
    project = Project.open()
    who = confirmed_caller(project, f"Retire {instance}?", yes)
    row = retire_instance(project, who, instance, reason=reason)
    project.publish()
    if as_json:
        print_json({"id": instance, "state": row["state"], "retired": True})
    else:
        print(f"{instance}  retired")
