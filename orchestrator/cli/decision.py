"""``orchestrate decision``: what is proposed and decided, and why."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.cli.decision_options import options_of
from orchestrator.cli.output import console, json_option, print_json, remark
from orchestrator.cli.when import moment, shown
from orchestrator.coordination import deciding, decisions
from orchestrator.coordination.copies import copy_of, parse, take_in
from orchestrator.coordination.decisions import Draft, find, listed, to_json
from orchestrator.engine import decisions as engine
from orchestrator.engine.acting import act, name_of
from orchestrator.engine.project import Project
from orchestrator.errors import UsageError
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

_LIMIT = 64 * 1024 * 1024
_SPAN = re.compile(r"[1-9][0-9]{0,4}[mhdw]")


@click.group(name="decision")
def command() -> None:
    """Record, propose, discuss and take decisions."""


def _instance(function: F) -> F:
    text = "For which instance; default: the one of this session or worktree."
    return click.option("--instance", metavar="I", help=text)(function)


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
@_instance
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
@_instance
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
@_instance
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
@_instance
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
@_instance
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
@_instance
@json_option
def supersede(decision: str, by: str, instance: str | None, as_json: bool) -> None:
    """Say that another decision took its place."""
    _step(instance, as_json, deciding.supersede, decision, by=by)


@command.command()
@click.argument("decision")
@_instance
@json_option
def implement(decision: str, instance: str | None, as_json: bool) -> None:
    """Say that the code now does what was decided."""

    def body(tx: Transaction, name: str, actor: str, human: bool) -> Row:
        return deciding.implement(tx, name, actor=actor)

    _step(instance, as_json, body, decision)


@command.command()
@click.argument("decision")
@click.option("--reason", required=True, help="Why; kept in the log.")
@_instance
@json_option
def deprecate(decision: str, reason: str, instance: str | None, as_json: bool) -> None:
    """Say that it is no longer to be followed."""
    _step(instance, as_json, deciding.deprecate, decision, reason=reason)


def _step(
    instance: str | None, as_json: bool, body: Callable[..., Row], name: str, /, **given: Any
) -> None:
    project = _project()
    who = project.caller()

    def step(tx: Transaction, actor: str) -> Row:
        return body(tx, name, actor=actor, human=who.human, **given)

    row = engine.end(project, who, name_of(project, who, instance), step)
    _done(project, row, as_json)


@command.command(name="list")
@click.option("--category", help="Only these.")
@click.option("--scope", help="Only these.")
@click.option("--status", "statuses", multiple=True, help="Only these; repeatable.")
@click.option("--path", metavar="FILE", help="Only those that concern this file.")
@click.option("--since", metavar="24h", help="A span until now, or RFC 3339.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="The newest N.")
@click.option("--all", "archived", is_flag=True, help="Also the archived ones.")
@json_option
def list_(since: str | None, as_json: bool, **filters: Any) -> None:
    """The decisions, newest first."""
    project = _project()

    def body(reader: Reader) -> list[dict[str, Any]]:
        start = _past(since, reader.now) if since else None
        rows = listed(reader, since=start, **filters)
        return [_whole(reader, row) for row in rows] if as_json else rows

    rows = project.store.read(body)
    if as_json:
        print_json(rows)
        return
    out = console()
    for row in rows:
        out.print(f"{row['id']}  {row['status']}  {row['category']}  {_line(row['title'])}")
    if not rows:
        out.print("no decisions")


@command.command(name="show")
@click.argument("decision")
@json_option
def show(decision: str, as_json: bool) -> None:
    """One decision: options, input, what was decided and why."""
    _show(decision, as_json)


@command.command(name="query")
@click.argument("decision")
@json_option
def query(decision: str, as_json: bool) -> None:
    """The same as show."""
    _show(decision, as_json)


def _show(decision: str, as_json: bool) -> None:
    from orchestrator.coordination.adr import MARK, page

    value = _project().store.read(lambda reader: _whole(reader, find(reader, decision)))
    if as_json:
        print_json(value)
        return
    text = page(value).removeprefix(MARK).strip()
    out = console()
    if out.is_terminal:
        from rich.markdown import Markdown

        out.print(Markdown(text))
    else:
        print(text)


@command.command()
@click.option("--keep", type=click.IntRange(min=0), required=True, metavar="N")
@_instance
@json_option
def archive(keep: int, instance: str | None, as_json: bool) -> None:
    """Archive all but the newest N settled decisions. Nothing is removed, ids stay taken."""
    project = _project()
    who = project.caller()

    def write(tx: Transaction, actor: str) -> list[str]:
        return deciding.archive(tx, keep, actor=actor)

    names = act(project, who, name_of(project, who, instance), write)
    if as_json:
        print_json({"archived": names})
    else:
        print(f"{len(names)} archived; orchestrate decision list --all shows them")


@command.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--commit", is_flag=True, help="Commit these pages, and nothing else, to git.")
@json_option
def export(folder: Path | None, commit: bool, as_json: bool) -> None:
    """Write every decision as a page of Markdown into FOLDER.

    Without FOLDER, --json prints the whole log: what merge reads in another copy.
    """
    project = _project()
    if folder is None:
        if not as_json or commit:
            raise UsageError("it is not said where to", hint="a folder, or --json for the log")
        print_json(project.store.read(copy_of))
        return
    paths = engine.export(project, folder.absolute())
    made = engine.commit(project, paths) if commit else None
    written = [str(path) for path in paths if path.exists()]
    if as_json:
        print_json({"pages": written, "commit": made})
        return
    print(f"{len(written)} pages in {folder}")
    if commit:
        print(f"committed as {made}" if made else "nothing to commit")


@command.command()
@click.argument("file")
@_instance
@json_option
def merge(file: str, instance: str | None, as_json: bool) -> None:
    """Take in the log of another copy of this repository, from FILE or - for stdin.

    FILE is what export --json printed there. Doing it twice changes nothing.
    """
    foreign = parse(_file(file), "stdin" if file == "-" else file)
    project = _project()
    who = project.caller()
    taken = act(project, who, name_of(project, who, instance),
                lambda tx, actor: take_in(tx, foreign, actor=actor))  # fmt: skip
    if as_json:
        print_json({"added": taken.added, "changed": taken.changed,
                    "renumbered": dict(taken.renumbered)})  # fmt: skip
        return
    print(f"{len(taken.added)} added, {len(taken.changed)} changed")
    for old, new in taken.renumbered.items():
        print(f"{old} is now {new}")


def _project() -> Project:
    """The project, with the defaults that hold by now."""
    project = Project.open()
    engine.settle(project)
    return project


def _whole(reader: Reader, row: Row) -> dict[str, Any]:
    return to_json(row, reader.find("opinions", {"decision": row["id"]}))


def _done(project: Project, row: Row, as_json: bool) -> None:
    project.publish()
    if as_json:
        print_json(project.store.read(lambda reader: _whole(reader, row)))
        return
    until = row.get("deadline_at") if row["status"] == "proposed" else None
    print(f"{row['id']} {row['status']}{f' until {shown(until)}' if until else ''}")


def _past(since: str, now: int) -> int:
    """``24h`` means the last 24 hours."""
    return now - moment(since, 0) if _SPAN.fullmatch(since) else moment(since)


def _line(text: str) -> str:
    """On one line, control characters visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(body: str) -> str:
    return _file("-") if body == "-" else body


def _file(name: str) -> str:
    """A file's text, or what stands on standard input."""
    try:
        if name == "-":
            return sys.stdin.read(_LIMIT)
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {name}: {error}") from error
