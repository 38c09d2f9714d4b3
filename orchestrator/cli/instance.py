"""``orchestrate instance``: who is known, what state each is in, what was handed to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator.cli.human import confirmed_caller
from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.coordination.profiles import profile
from orchestrator.coordination.sessions import children, session_liveness
from orchestrator.engine.creating import create as create_instance
from orchestrator.engine.handoff import live
from orchestrator.engine.instances import retire as retire_instance
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.lifecycle.states import State, possible
from orchestrator.status.views import visible
from orchestrator.store.port import Reader, Row

__all__ = ["command"]

_LIVE = {True: "live", False: "dead", None: "unknown"}


@click.group(name="instance")
def command() -> None:
    """List, show, create and retire instances."""


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Every instance with its state, task and handoff."""
    project = Project.open()
    rows = project.store.read(
        lambda reader: [_summary(project, reader, row) for row in reader.find("instances")]
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
    value = project.store.read(lambda reader: _detail(project, reader, instance))
    if as_json:
        print_json(value)
        return
    out = console()
    for key, text in value.items():
        shown = ", ".join(map(str, text)) if isinstance(text, list) else text
        out.print(visible(f"{key:>26}  {shown if shown not in (None, '') else '–'}"))


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


def _summary(project: Project, reader: Reader, row: Row) -> dict[str, Any]:
    """What a list shows; where a session occupies the instance, with its signs."""
    session = reader.get("sessions", id=row["session"]) if row["session"] else None
    known = session_liveness(session, reader.now) if session else live(row, reader.now)
    keys = ("id", "role", "state", "task", "handoff", "branch", "session", "host")
    return {
        **{key: row[key] for key in keys},
        "worktree": row["worktree"] or (session["cwd"] if session else None),
        "client": _LIVE[known],
        "heartbeat_at": row["heartbeat_at"],
        **profile(reader, row["id"], project.config.instances.get(row["id"])),
    }


def _detail(project: Project, reader: Reader, name: str) -> dict[str, Any]:
    row = row_of(reader, "instances", name)
    known = project.config.instances.get(name)
    received = reader.find("handoffs", {"target": name, "status": "landed"}, order="-closed_at")
    return {
        **_summary(project, reader, row),
        "agents": [child["agent"] for child in children(reader, row["session"] or "")],
        "possible": [str(event) for event in possible(State(row["state"]))],
        "file_patterns": list(known.file_patterns) if known else [],
        "layers": list(known.layers) if known else [],
        "hands_off_to": known.hands_off_to if known else None,
        "handed_to_it": [f"{h['id']} from {h['producer']}" for h in received[:10]],
    }
