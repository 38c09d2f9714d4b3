"""``orchestrate check-out``: end this session in order."""

from __future__ import annotations

from dataclasses import asdict

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.attendance import check_out
from orchestrator.engine.project import Project

__all__ = ["command"]


@click.command(name="check-out")
@click.option("--session", help="The session id, where the client gives none.")
@click.option("--agent", metavar="ID", help="End only this sub-agent.")
@click.option("--reason", help="Why; kept in the log.")
@json_option
def command(session: str | None, agent: str | None, reason: str | None, as_json: bool) -> None:
    """End this session: its leases are freed, its tasks returned.

    What an open handoff needs stays with the handoff.
    """
    ended = check_out(Project.open(), session, agent, reason=reason)
    if as_json:
        print_json({**asdict(ended), "tasks": list(ended.tasks)})
        return
    tasks = f", returned {', '.join(ended.tasks)}" if ended.tasks else ""
    print(f"{ended.instance}  checked out, {ended.leases} leases freed{tasks}")
