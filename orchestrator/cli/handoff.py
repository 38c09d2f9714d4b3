"""``orchestrate handoff``: list and show handoffs, undo a landed one, thaw landing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.human import confirmed, reason_option
from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.engine.integration import let_land
from orchestrator.engine.overview import handoff_detail, handoff_summary
from orchestrator.engine.project import Project
from orchestrator.engine.rollback import undo, undone
from orchestrator.verification.outcome import Report

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command"]


@click.group(name="handoff")
def command() -> None:
    """List and show handoffs; undo a landed one."""


@command.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also those that ended.")
@json_option
def list_(everything: bool, as_json: bool) -> None:
    """The open handoffs, newest first."""
    project = Project.open()
    where = None if everything else {"status": "open"}
    rows = project.store.read(
        lambda reader: [handoff_summary(reader, row) for row in reader.find("handoffs", where)]
    )[::-1]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    keys = ("id", "producer", "target", "state", "attempt", "head", "task")
    table = Table(*keys, box=None)
    for row in rows:
        short = {**row, "head": row["head"][:12]}
        table.add_row(*(str(short[key] or "–")[:60] for key in keys))
    console().print(table if rows else "no handoffs" if everything else "no open handoffs")


@command.command()
@click.argument("handoff")
@json_option
def show(handoff: str, as_json: bool) -> None:
    """One handoff: where it stands, its notes, runs, evidence and escalations."""
    project = Project.open()
    value = project.store.read(lambda reader: handoff_detail(reader, handoff))
    if as_json:
        print_json({**value, "report": json.loads(value["report"] or "null")})
        return
    out = console()
    for key in (
        "id",
        "state",
        "producer",
        "target",
        "task",
        "ref",
        "head",
        "attempt",
        "base",
        "candidate",
        "verdict",
        "approved_by",
        "waiting",
        "landed",
        "rollback",
    ):
        out.print(f"{key:>12}  {value[key] if value[key] is not None else '–'}")
    for title, text in value["notes"].items():
        out.print(f"\n{title}", style="bold")
        out.print(text)
    _print_last_run(value, out)
    for run in value["runs"]:
        out.print(
            f"\n{run['id']}  attempt {run['attempt']}  {run['status']}  {run['verdict'] or ''}"
        )
    for row in value["escalations"]:
        out.print(f"{row['id']}  {row['status']}  {row['question']}  {row['answer'] or ''}")


@command.command()
@click.argument("handoff")
@reason_option("Why; kept in the log and in the commit.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rollback(handoff: str, reason: str, yes: bool) -> None:
    """Undo a landed HANDOFF: revert it on the branch, its producer goes to REMEDIATION."""
    project = Project.open()
    actor = confirmed(project, f"Undo {handoff} on the integration branch?", yes)
    row = undo(project, actor, handoff, reason)
    project.publish()
    print(f"{row['producer']}  → REMEDIATION  {handoff} undone by {row['rollback'][:12]}")
    remark(f"remark: {undone(project, row)}")


@command.command()
@reason_option()
@click.option("--yes", is_flag=True, help="Do not ask.")
def thaw(reason: str, yes: bool) -> None:
    """Let work land again after an emergency rule froze the integration branch."""
    project = Project.open()
    actor = confirmed(project, "Let work land again?", yes)
    thawed = let_land(project, actor, reason)
    project.publish()
    print("work lands again" if thawed else "nothing is frozen")


def _print_last_run(value: Mapping[str, Any], out: Console) -> None:
    """The report of the handoff's current run: what its author has to know."""
    from orchestrator.report.console import print_report
    from orchestrator.report.paper import Styled

    if value["report"]:
        out.print()
        print_report(Report.from_json(json.loads(value["report"])), Styled(out))
