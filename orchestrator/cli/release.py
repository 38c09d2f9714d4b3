"""``orchestrate release``: give up an instance's task."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.handoff import release
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="release")
@click.argument("instance")
@click.option("--reason", help="Why; kept in the log.")
@json_option
def command(instance: str, reason: str | None, as_json: bool) -> None:
    """Give up the task of INSTANCE: it stands by again, its handoff is closed.

    The way out for an instance whose client died, in ACTIVE, HANDOFF_READY,
    FAILED or REMEDIATION. Its commits stay; only their handoff ends.
    """
    project = Project.open()
    who = project.caller()
    before = project.store.read(lambda reader: reader.get("instances", id=instance))
    row = release(project, who, instance, reason=reason)
    project.publish()
    if as_json:
        print_json(row)
    else:
        print(f"{instance}  {before['state'] if before else '?'} → {row['state']}")
