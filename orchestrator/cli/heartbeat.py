"""``orchestrate heartbeat``: a sign of life, which renews the session's leases too."""

from __future__ import annotations

import click

from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.engine.attendance import beat
from orchestrator.engine.project import Project
from orchestrator.status.views import visible

__all__ = ["command"]


@click.command(name="heartbeat")
@click.option("--session", help="The session id, where the client gives none.")
@click.option("--agent", metavar="ID", help="The sub-agent that gives the sign.")
@json_option
def command(session: str | None, agent: str | None, as_json: bool) -> None:
    """Say that this session lives; its leases are renewed."""
    row = beat(Project.open(), session, agent)
    if as_json:
        keys = ("id", "instance", "heartbeat_at", "leases", "followed", "remarks")
        print_json({key: row[key] for key in keys})
        return
    for old, new in row["followed"]:
        remark(visible(f"{old} was renamed: {new} is leased too"))
    for text in row["remarks"]:
        remark(visible(text))
    leases = "1 lease" if row["leases"] == 1 else f"{row['leases']} leases"
    print(f"{row['instance']}  {leases} renewed")
