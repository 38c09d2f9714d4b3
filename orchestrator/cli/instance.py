"""``orchestrate instance``: who is known, what state each is in, what was handed to it."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine.handoff import live
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.lifecycle.states import State, possible
from orchestrator.store.port import Reader, Row

__all__ = ["command"]

_LIVE = {True: "live", False: "dead", None: "unknown"}


@click.group(name="instance")
def command() -> None:
    """List and show instances."""


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Every instance with its state, task and handoff."""
    project = Project.open()
    rows = project.store.read(
        lambda reader: [_summary(row, reader.now) for row in reader.find("instances")]
    )
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    keys = ("id", "role", "state", "client", "task", "handoff")
    table = Table(*keys, box=None)
    for row in rows:
        table.add_row(*(str(row[key] or "–") for key in keys))
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
        out.print(f"{key:>16}  {shown if shown not in (None, '') else '–'}")


def _summary(row: Row, now: int) -> dict[str, Any]:
    keys = ("id", "role", "state", "task", "handoff", "worktree", "branch", "session")
    return {**{key: row[key] for key in keys}, "client": _LIVE[live(row, now)]}


def _detail(project: Project, reader: Reader, name: str) -> dict[str, Any]:
    row = row_of(reader, "instances", name)
    known = project.config.instances.get(name)
    received = reader.find("handoffs", {"target": name, "status": "landed"}, order="-closed_at")
    return {
        **_summary(row, reader.now),
        "possible": [str(event) for event in possible(State(row["state"]))],
        "specializations": list(known.specializations) if known else [],
        "file_patterns": list(known.file_patterns) if known else [],
        "layers": list(known.layers) if known else [],
        "hands_off_to": known.hands_off_to if known else None,
        "handed_to_it": [f"{h['id']} from {h['producer']}" for h in received[:10]],
    }
