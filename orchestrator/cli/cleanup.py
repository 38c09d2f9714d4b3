"""``orchestrate cleanup``: end the sessions that are known dead."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.attendance import cleanup
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="cleanup")
@json_option
def command(as_json: bool) -> None:
    """End what is known dead and free what it held; nothing live, nothing unknown."""
    cleaned = cleanup(Project.open())
    if as_json:
        print_json(cleaned.to_json())
        return
    for one in cleaned.ended:
        tasks = f", returned {', '.join(one.tasks)}" if one.tasks else ""
        print(f"{one.instance}  session {one.session} ended, {one.leases} leases freed{tasks}")
    if not cleaned.ended:
        print("nothing to clean up")
