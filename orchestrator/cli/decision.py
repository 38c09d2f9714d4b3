"""``orchestrate decision``: what is proposed and decided, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from orchestrator.cli.decision_log import (
    COMMANDS,
    file_text,
    instance_option,
    project_now,
    whole,
)
from orchestrator.cli.decision_options import options_of
from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.cli.when import moment, shown
from orchestrator.coordination import deciding, decisions
from orchestrator.coordination.decisions import Draft
from orchestrator.engine import decisions as engine
from orchestrator.engine.acting import act, name_of
from orchestrator.engine.project import Project
from orchestrator.store.port import Row, Transaction

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])


@click.group(name="decision")
def command() -> None:
    """Record, propose, discuss and take decisions."""


def _drafted(function: F) -> F:
    """The options ``add`` and ``propose`` have in common."""
    for option in reversed(
        (
            click.option("--title", required=True, help="In one line."),
            click.option("--description", required=True, help="What it is about; up to 64 KiB."),
            click.option("--category", default="architecture", show_default=True),
            click.option(
                "--scope", default="module", show_default=True, help="How far it reaches."
            ),
            click.option("--rationale", help="Why."),
            click.option("--task", "tasks", multiple=True, metavar="ID", help="A related task."),
            click.option(
                "--file", "files", multiple=True, metavar="GLOB", help="Files it concerns."
            ),
            click.option("--affects", multiple=True, metavar="I", help="An instance, or all."),
            click.option("--depends", multiple=True, metavar="ID", help="A decision it rests on."),
            click.option("--key", help="A repeated call with the same key adds nothing."),
        )
    ):
        function = option(function)
    return function


@command.command()
@_drafted
@click.option("--decision", help="What exactly was decided.")
@click.option("--decided-by", multiple=True, metavar="WHO", help="Who; default: you.")
@instance_option
@json_option
def add(
    instance: str | None,
    as_json: bool,
    key: str | None,
    tasks: tuple[str, ...],
    depends: tuple[str, ...],
    **fields: Any,
) -> None:
    """Record a decision that is taken already."""
    draft = Draft(related_tasks=tasks, dependencies=depends, **fields)
    _record(decisions.add, draft, instance, as_json, key)


@command.command()
@_drafted
@click.option("--option", "texts", multiple=True, metavar='"NAME|pro;pro|con;con"')
@click.option("--options", "file", metavar="FILE", help="Options as JSON or YAML; - for stdin.")
@click.option("--input-from", multiple=True, metavar="I", help="Whose input is wanted.")
@click.option("--deadline", metavar="4h", help="A span from now, or RFC 3339.")
@click.option("--default", "fallback", metavar="NAME", help="What holds after the deadline.")
@instance_option
@json_option
def propose(
    instance: str | None,
    as_json: bool,
    key: str | None,
    tasks: tuple[str, ...],
    depends: tuple[str, ...],
    texts: tuple[str, ...],
    file: str | None,
    input_from: tuple[str, ...],
    deadline: str | None,
    **fields: Any,
) -> None:
    """Put options on the table, and say whose input is wanted by when."""
    draft = Draft(
        related_tasks=tasks,
        dependencies=depends,
        options=options_of(texts, file),
        inputs_needed=input_from,
        deadline_at=moment(deadline) if deadline else None,
        **fields,
    )
    _record(decisions.propose, draft, instance, as_json, key)


def _record(
    body: Callable[..., Row], draft: Draft, instance: str | None, as_json: bool, key: str | None
) -> None:
    project = Project.open()
    who = project.caller()

    def write(tx: Transaction, actor: str) -> Row:
        return body(tx, draft, actor=actor)

    _done(project, act(project, who, name_of(project, who, instance), write, key), as_json)
    if not draft.affects and not as_json:
        remark("it names nobody it affects: --affects INSTANCE, or --affects all")


@command.command(name="input")
@click.argument("decision")
@click.option("--body", required=True, help="What speaks for or against; - for stdin.")
@instance_option
@json_option
def input_(decision: str, body: str, instance: str | None, as_json: bool) -> None:
    """Give your input to a proposal; giving it again replaces it."""
    project = Project.open()
    who = project.caller()
    name, text = name_of(project, who, instance), _text(body)

    def write(tx: Transaction, actor: str) -> Row:
        return deciding.give_input(tx, decision, text, actor=actor, instance=name)

    _done(project, act(project, who, name, write), as_json)


@command.command(name="object")
@click.argument("decision")
@click.option("--body", required=True, help="Why you disagree; - for stdin.")
@instance_option
@json_option
def object_(decision: str, body: str, instance: str | None, as_json: bool) -> None:
    """Disagree. It is documented, and a human decides."""
    project = Project.open()
    who = project.caller()
    name = name_of(project, who, instance)
    row, question = engine.object_to(project, who, name, decision, _text(body))
    _done(project, row, as_json)
    remark(f"a human decides: orchestrate escalation show {question['id']}")


@command.command()
@click.argument("decision")
@click.option("--option", metavar="NAME", help="One of its options.")
@click.option("--decision", "words", help="What is decided, in words.")
@click.option("--rationale", required=True, help="Why.")
@click.option("--anyway", is_flag=True, help="Without the inputs that are still missing.")
@instance_option
@json_option
def decide(
    decision: str,
    option: str | None,
    words: str | None,
    rationale: str,
    anyway: bool,
    instance: str | None,
    as_json: bool,
) -> None:
    """Decide a proposal, by one of its options or in words."""
    _step(
        instance, as_json, deciding.decide, decision,
        option=option, decision=words, rationale=rationale, anyway=anyway,
    )  # fmt: skip


@command.command()
@click.argument("decision")
@click.option("--by", required=True, metavar="ID", help="The decision that takes its place.")
@instance_option
@json_option
def supersede(decision: str, by: str, instance: str | None, as_json: bool) -> None:
    """Say that another decision took its place."""
    _step(instance, as_json, deciding.supersede, decision, by=by)


@command.command()
@click.argument("decision")
@instance_option
@json_option
def implement(decision: str, instance: str | None, as_json: bool) -> None:
    """Say that the code now does what was decided."""

    def body(tx: Transaction, name: str, actor: str, human: bool) -> Row:
        return deciding.implement(tx, name, actor=actor)

    _step(instance, as_json, body, decision)


@command.command()
@click.argument("decision")
@click.option("--reason", required=True, help="Why; kept in the log.")
@instance_option
@json_option
def deprecate(decision: str, reason: str, instance: str | None, as_json: bool) -> None:
    """Say that it is no longer to be followed."""
    _step(instance, as_json, deciding.deprecate, decision, reason=reason)


def _step(
    instance: str | None, as_json: bool, body: Callable[..., Row], name: str, /, **given: Any
) -> None:
    project = project_now()
    who = project.caller()

    def step(tx: Transaction, actor: str) -> Row:
        return body(tx, name, actor=actor, human=who.human, **given)

    row = engine.end(project, who, name_of(project, who, instance), step)
    _done(project, row, as_json)


def _done(project: Project, row: Row, as_json: bool) -> None:
    project.publish()
    if as_json:
        print_json(project.store.read(lambda reader: whole(reader, row)))
        return
    until = row.get("deadline_at") if row["status"] == "proposed" else None
    print(f"{row['id']} {row['status']}{f' until {shown(until)}' if until else ''}")


def _text(body: str) -> str:
    return file_text("-") if body == "-" else body


for _one in COMMANDS:
    command.add_command(_one)
