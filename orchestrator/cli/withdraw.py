"""``orchestrate withdraw``: take back what was marked ready."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.coordination.callers import instance_here
from orchestrator.engine.handoff import withdraw
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="withdraw")
@click.option("--instance", help="Which instance; default: the one of this worktree.")
@json_option
def command(instance: str | None, as_json: bool) -> None:
    """Take back what you marked ready: HANDOFF_READY → ACTIVE."""
    project = Project.open()
    name = project.store.read(
        lambda reader: instance_here(reader, project.config, project.repository, instance)
    )
    row = withdraw(project, project.caller(), name)
    project.publish()
    if as_json:
        print_json(row)
    else:
        print(f"{name}  HANDOFF_READY → {row['state']}")
