"""``orchestrate escalation``: what needs a human, and the answer."""

from __future__ import annotations

import json
from typing import Any

import click

from orchestrator.cli.human import confirmed_caller, reason_option
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine import questions
from orchestrator.engine.pages import escalation_text, write_escalation
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.store.port import Row

__all__ = ["command"]

_reason = reason_option()
_yes = click.option("--yes", is_flag=True, help="Do not ask on the terminal.")


@click.group(name="escalation")
def command() -> None:
    """List, show and answer what needs a human."""


@command.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also those that ended.")
@json_option
def list_(everything: bool, as_json: bool) -> None:
    """The open escalations, oldest first."""
    project = Project.open()
    where = None if everything else {"status": questions.OPEN}
    rows = project.store.read(lambda reader: reader.find("escalations", where, order="opened_at"))
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    out = console()
    for row in rows:
        out.print(f"{row['id']}  {row['status']}  {row['type']}  {row['question']}", style="bold")
        out.print(f"    {row['answer'] or row['reason']}")
    if not rows:
        out.print("nothing needs a human" if not everything else "no escalations yet")


@command.command()
@click.argument("escalation")
@json_option
def show(escalation: str, as_json: bool) -> None:
    """One escalation: what is asked, why, the evidence, and the commands that answer it."""
    project = Project.open()
    row = project.store.read(lambda reader: row_of(reader, "escalations", escalation))
    page = write_escalation(project, row)
    if as_json:
        print_json({**_plain(row), "report": str(page)})
        return
    from rich.markdown import Markdown

    out = console()
    text = escalation_text(project, row)
    if out.is_terminal:
        out.print(Markdown(text))
    else:
        print(text)
    print(f"\nthe same as a page: {page}")


@command.command()
@click.argument("escalation")
@_reason
@_yes
def approve(escalation: str, reason: str, yes: bool) -> None:
    """Approve: the work lands, or it may go on."""
    _answer(escalation, "approve", reason, yes)


@command.command()
@click.argument("escalation")
@_reason
@_yes
def reject(escalation: str, reason: str, yes: bool) -> None:
    """Reject: the work goes back to its producer, or is given up."""
    _answer(escalation, "reject", reason, yes)


@command.command()
@click.argument("escalation")
@_reason
@_yes
def retry(escalation: str, reason: str, yes: bool) -> None:
    """Have it verified again, after what stood in the way was mended."""
    _answer(escalation, "retry", reason, yes)


@command.command()
@click.argument("escalation")
def ack(escalation: str) -> None:
    """Say that you look at it; the next level is paged only if nothing follows."""
    project = Project.open()
    row = questions.acknowledge(project, project.caller(), escalation)
    project.publish()
    print(f"{row['id']} acknowledged by {row['acknowledged_by']}")


def _answer(escalation: str, given: str, reason: str, yes: bool) -> None:
    project = Project.open()
    row = project.store.read(lambda reader: row_of(reader, "escalations", escalation))
    who = confirmed_caller(project, f"{given.capitalize()} {row['id']}: {row['question']}", yes)
    row = questions.answer(project, who, escalation, given, reason)
    project.publish()
    print(f"{row['id']} answered: {given} by {row['answered_by']}")


def _plain(row: Row) -> dict[str, Any]:
    """An escalation as JSON: its ladder and data as objects."""
    parsed = {key: json.loads(row[key] or "null") for key in ("ladder", "data")}
    return {**row, **parsed}
