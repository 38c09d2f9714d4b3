"""``orchestrate task``: what is to be done, by whom, after what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.cli.when import moment, shown
from orchestrator.coordination import tasks
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.dependencies import waits_for
from orchestrator.coordination.messages import PRIORITIES
from orchestrator.engine import tasking
from orchestrator.engine.acting import instance_of, name_of
from orchestrator.engine.notes import missing, parse
from orchestrator.engine.project import Project
from orchestrator.errors import UsageError
from orchestrator.store.port import Reader, Row

__all__ = ["command"]

_LISTS = ("dependencies", "deliverables", "required_expertise", "files")


@click.group(name="task")
def command() -> None:
    """Add, claim, propose and complete tasks."""


def _instance_option(function: Callable[..., Any]) -> Callable[..., Any]:
    text = "Which instance; default: the one of this session or worktree."
    return click.option("--instance", metavar="I", help=text)(function)


@command.command()
@click.argument("title")
@click.option("--description", default="", help="What exactly; up to 64 KiB.")
@click.option("--priority", type=click.Choice(PRIORITIES), default="medium", show_default=True)
@click.option("--due", metavar="2h", help="A span from now, or RFC 3339.")
@click.option("--depends", "depends", multiple=True, metavar="ID", help="After this task.")
@click.option("--deliverable", multiple=True, metavar="PATH", help="Has to exist when it is done.")
@click.option("--expertise", multiple=True, metavar="WORD", help="What one has to know.")
@click.option("--file", "files", multiple=True, metavar="GLOB", help="Which files it touches.")
@click.option("--assign", metavar="I", help="Who shall do it; another instance is asked.")
@click.option("--key", metavar="TEXT", help="A repeated call with the same key adds nothing.")
@_instance_option
@json_option
def add(
    title: str,
    description: str,
    priority: str,
    due: str | None,
    depends: tuple[str, ...],
    deliverable: tuple[str, ...],
    expertise: tuple[str, ...],
    files: tuple[str, ...],
    assign: str | None,
    key: str | None,
    instance: str | None,
    as_json: bool,
) -> None:
    """Add a task. It is ready at once, or when what it depends on is done."""
    project = Project.open()
    due_at = moment(due) if due else None
    draft = tasks.Draft(
        title, description, priority, due_at, depends, deliverable, expertise, files
    )
    who = project.caller()
    by = name_of(project, who, instance)
    row = tasking.add(project, who, by, draft, assign=assign, key=key)
    _done(project, row, as_json)
    if not as_json and row["status"] == "ready" and row["suggested"]:
        remark(f"{row['suggested']} suits it: orchestrate task suggest {row['id']}")


@command.command()
@click.argument("task")
@json_option
def suggest(task: str, as_json: bool) -> None:
    """Who suits TASK, the best first, and why."""
    found = tasking.suggestions(Project.open(), task)
    if as_json:
        print_json([suggestion.to_json() for suggestion in found])
        return
    for place in found:
        console().print(f"{place.instance}  {place.score}  {'; '.join(place.reasons)}")
    if not found:
        print("nobody")


@command.command()
@click.argument("task")
@_instance_option
@json_option
def claim(task: str, instance: str | None, as_json: bool) -> None:
    """Take TASK: STANDBY → ACTIVE. Of several who try, exactly one gets it."""
    _own(instance, as_json, lambda project, who, me: tasking.claim(project, who, me, task))


@command.command()
@click.argument("task")
@click.option("--to", required=True, metavar="I", help="Who shall take it.")
@_instance_option
@json_option
def propose(task: str, to: str, instance: str | None, as_json: bool) -> None:
    """Ask an instance to take TASK."""
    project = Project.open()
    who = project.caller()
    row = tasking.propose(project, who, name_of(project, who, instance), task, to)
    _done(project, row, as_json)


@command.command()
@click.argument("task")
@_instance_option
@json_option
def accept(task: str, instance: str | None, as_json: bool) -> None:
    """Take TASK, which was proposed to you: STANDBY → ACTIVE."""
    _own(instance, as_json, lambda project, who, me: tasking.accept(project, who, me, task))


@command.command()
@click.argument("task")
@click.option("--reason", help="Why; its author is told.")
@_instance_option
@json_option
def decline(task: str, reason: str | None, instance: str | None, as_json: bool) -> None:
    """Refuse TASK, which was proposed to you."""
    _own(
        instance, as_json, lambda project, who, me: tasking.decline(project, who, me, task, reason)
    )


@command.command()
@click.argument("task")
@_instance_option
@json_option
def start(task: str, instance: str | None, as_json: bool) -> None:
    """Begin TASK."""
    _own(instance, as_json, lambda project, who, me: tasking.start(project, who, me, task))


@command.command()
@click.argument("task")
@click.option("--reason", required=True, help="What stands in the way.")
@_instance_option
@json_option
def block(task: str, reason: str, instance: str | None, as_json: bool) -> None:
    """Say that TASK cannot go on; its author is told."""
    _own(instance, as_json, lambda project, who, me: tasking.block(project, who, me, task, reason))


@command.command()
@click.argument("task")
@_instance_option
@json_option
def unblock(task: str, instance: str | None, as_json: bool) -> None:
    """Go on with TASK."""
    _own(instance, as_json, lambda project, who, me: tasking.unblock(project, who, me, task))


@command.command()
@click.argument("task")
@click.option("--ready", is_flag=True, help="Mark the work ready; it is done when it has landed.")
@click.option("--ref", default="HEAD", show_default=True, help="With --ready: which commit.")
@click.option("--notes", metavar="FILE", help="With --ready: the handoff notes.")
@_instance_option
@json_option
def complete(
    task: str, ready: bool, ref: str, notes: str | None, instance: str | None, as_json: bool
) -> None:
    """Complete TASK, whose deliverables exist; with --ready hand the work off."""
    if notes and not ready:
        raise UsageError("--notes are for the handoff", hint="add --ready")
    fields = _notes(notes) if ready else None
    project = Project.open()
    me = instance_of(project, instance)
    done = tasking.complete(project, project.caller(), me, task, notes=fields, ref=ref)
    if as_json:
        print_json({**_json(done.task), "remarks": list(done.remarks)})
    else:
        for text in done.remarks:
            remark(f"remark: {text}")
        _print(done.task)
        if done.handoff:
            print(f"it is done when {done.handoff['id']} has landed")
    project.publish()


def _notes(path: str | None) -> dict[str, str]:
    """The fields of the notes file; complete, or a usage error."""
    try:
        fields = parse(Path(path).read_text()) if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the notes {path}: {error}") from error
    if lacking := missing(fields):
        hint = "orchestrate ready --template prints every heading with its question"
        raise UsageError(f"the notes lack: {', '.join(lacking)}", hint=hint)
    return dict(fields)


@command.command()
@click.argument("task")
@click.option("--reason", help="Why; its holder is told.")
@_instance_option
@json_option
def cancel(task: str, reason: str | None, instance: str | None, as_json: bool) -> None:
    """Give TASK up for good."""
    project = Project.open()
    who = project.caller()
    row = tasking.cancel(project, who, name_of(project, who, instance), task, reason)
    _done(project, row, as_json)


@command.command()
@click.argument("task")
@click.option("--on", multiple=True, metavar="ID", help="Wait for this task too.")
@click.option("--drop", multiple=True, metavar="ID", help="Do not wait for this one any more.")
@_instance_option
@json_option
def depend(
    task: str, on: tuple[str, ...], drop: tuple[str, ...], instance: str | None, as_json: bool
) -> None:
    """Change what TASK waits for."""
    project = Project.open()
    who = project.caller()
    row = tasking.depend(project, who, name_of(project, who, instance), task, on, drop)
    _done(project, row, as_json)


@command.command(name="list")
@click.option("--mine", is_flag=True, help="What I have and what is proposed to me.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(tasks.STATUSES))
@_instance_option
@json_option
def list_(mine: bool, statuses: tuple[str, ...], instance: str | None, as_json: bool) -> None:
    """Tasks, the urgent ones first."""
    project = Project.open()
    me = instance_of(project, instance) if mine or instance else None
    rows = project.store.read(lambda reader: tasks.listed(reader, statuses=statuses, instance=me))
    if as_json:
        print_json([_json(row) for row in rows])
        return
    from rich.table import Table

    table = Table("id", "status", "priority", "who", "due", "title", box=None)
    for row in rows:
        who = row["assigned_to"] or row["proposed_to"] or row["suggested"] or "–"
        unsure = "" if row["assigned_to"] or who == "–" else "?"
        due = shown(row["due_at"])
        table.add_row(row["id"], row["status"], row["priority"], who + unsure, due, row["title"])
    console().print(table if rows else "no tasks")


@command.command()
@click.argument("task")
@json_option
def show(task: str, as_json: bool) -> None:
    """Everything about TASK."""
    project = Project.open()
    value = project.store.read(lambda reader: _detail(reader, task))
    if as_json:
        print_json(value)
        return
    out = console()
    for key, text in value.items():
        text = shown(text) if key.endswith("_at") else text
        listed = ", ".join(map(str, text)) if isinstance(text, list) else text
        out.print(f"{key:>18}  {listed if listed not in (None, '') else '–'}")


def _detail(reader: Reader, name: str) -> dict[str, Any]:
    row = tasks.task_of(reader, name)
    waiting = [f"{r['id']} ({r['status']})" for r in waits_for(reader, row)]
    possible = [verb for verb, step in tasks.STEPS.items() if row["status"] in step.sources]
    return {**_json(row), "waits_for": waiting, "possible": possible}


def _json(row: Row) -> dict[str, Any]:
    lists = {name: json.loads(row[name] or "[]") for name in _LISTS}
    return {**{k: v for k, v in row.items() if k != "data"}, **lists}


def _own(instance: str | None, as_json: bool, do: Callable[[Project, Caller, str], Row]) -> None:
    """Run a verb in the name of the caller's instance and print the task."""
    project = Project.open()
    row = do(project, project.caller(), instance_of(project, instance))
    _done(project, row, as_json)


def _done(project: Project, row: Row, as_json: bool) -> None:
    project.publish()
    if as_json:
        print_json(_json(row))
    else:
        _print(row)


def _print(row: Row) -> None:
    whose = {"proposed": row.get("proposed_to")}.get(row["status"], row.get("assigned_to"))
    console().print(f"{row['id']}  {row['status']}{f'  {whose}' if whose else ''}  {row['title']}")
