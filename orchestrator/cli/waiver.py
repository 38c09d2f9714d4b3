"""``orchestrate waiver``: accept a finding for a while."""

from __future__ import annotations

import click

from orchestrator.cli.human import confirmed_caller, reason_option
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.cli.when import period, shown
from orchestrator.engine.project import Project
from orchestrator.engine.waiving import finding, give, revoke

__all__ = ["command"]


@click.group(name="waiver")
def command() -> None:
    """Accept a finding for a while; list and revoke what was accepted."""


@command.command()
@click.argument("handoff")
@click.argument("fingerprint")
@reason_option()
@click.option("--for", "lasts", required=True, metavar="7d", help="How long: 30m, 12h, 7d, 2w.")
@click.option("--uses", type=click.IntRange(min=1), help="For how many approvals at most.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
def add(
    handoff: str, fingerprint: str, reason: str, lasts: str, uses: int | None, yes: bool
) -> None:
    """Accept the finding FINGERPRINT of HANDOFF's last run; nobody does for their own work."""
    project = Project.open()
    message = finding(project, handoff, fingerprint)
    who = confirmed_caller(project, f"Waive “{message}”?", yes)
    row = give(project, who, handoff, fingerprint, reason=reason, seconds=period(lasts), uses=uses)
    print(f"{row['id']} until {shown(row['expires_at'])}: {message}")
    print(
        "it counts from the next verification on; for one that waits: orchestrate escalation retry"
    )


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Every waiver, also the expired ones."""
    project = Project.open()
    rows = project.store.read(lambda reader: reader.find("waivers"))
    if as_json:
        print_json(rows)
        return
    out = console()
    for row in rows:
        uses = f"{row['used']} of {row['uses']} uses" if row["uses"] else f"{row['used']} uses"
        out.print(f"{row['id']}  {row['fingerprint']}  until {shown(row['expires_at'])}  {uses}")
        out.print(f"    {row['reason']} ({row['approver']}, work of {row['producer']})")
    if not rows:
        out.print("no waivers")


@command.command(name="revoke")
@click.argument("waiver")
def revoke_(waiver: str) -> None:
    """End a waiver now."""
    project = Project.open()
    row = revoke(project, project.caller(), waiver)
    print(f"{row['id']} ended")
