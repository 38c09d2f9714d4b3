"""``orchestrate assign``: STANDBY → ACTIVE."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.handoff import assign
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="assign")
@click.argument("instance")
@click.option("--task", required=True, help="What to do: free text, or a task's id.")
@json_option
def command(instance: str, task: str, as_json: bool) -> None:
    """Give INSTANCE a task: STANDBY → ACTIVE."""
    project = Project.open()
    row = assign(project, project.caller(), instance, task)
    project.publish()
    if as_json:
        print_json(row)
    else:
        print(f"{instance}  STANDBY → {row['state']}  {task}")
