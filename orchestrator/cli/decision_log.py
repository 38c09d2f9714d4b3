"""``orchestrate decision``: the log of decisions, looked at, written out and taken in."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.cli.output import console, json_option, print_json
from orchestrator.cli.when import moment
from orchestrator.coordination import deciding
from orchestrator.coordination.copies import copy_of, parse, take_in
from orchestrator.coordination.decisions import find, listed, to_json
from orchestrator.engine import decisions as engine
from orchestrator.engine.acting import act, name_of
from orchestrator.engine.project import Project
from orchestrator.errors import UsageError
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["COMMANDS", "file_text", "instance_option", "project_now", "whole"]

F = TypeVar("F", bound=Callable[..., Any])

_LIMIT = 64 * 1024 * 1024
_SPAN = re.compile(r"[1-9][0-9]{0,4}[mhdw]")


def instance_option(function: F) -> F:
    """``--instance``, as every command of decisions takes it."""
    text = "For which instance; default: the one of this session or worktree."
    return click.option("--instance", metavar="I", help=text)(function)


@click.command(name="list")
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
    project = project_now()

    def body(reader: Reader) -> list[dict[str, Any]]:
        start = _past(since, reader.now) if since else None
        rows = listed(reader, since=start, **filters)
        return [whole(reader, row) for row in rows] if as_json else rows

    rows = project.store.read(body)
    if as_json:
        print_json(rows)
        return
    out = console()
    for row in rows:
        out.print(f"{row['id']}  {row['status']}  {row['category']}  {_line(row['title'])}")
    if not rows:
        out.print("no decisions")


@click.command(name="show")
@click.argument("decision")
@json_option
def show(decision: str, as_json: bool) -> None:
    """One decision: options, input, what was decided and why."""
    _show(decision, as_json)


@click.command(name="query")
@click.argument("decision")
@json_option
def query(decision: str, as_json: bool) -> None:
    """The same as show."""
    _show(decision, as_json)


def _show(decision: str, as_json: bool) -> None:
    from orchestrator.coordination.adr import MARK, page

    value = project_now().store.read(lambda reader: whole(reader, find(reader, decision)))
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


@click.command()
@click.option("--keep", type=click.IntRange(min=0), required=True, metavar="N")
@instance_option
@json_option
def archive(keep: int, instance: str | None, as_json: bool) -> None:
    """Archive all but the newest N settled decisions. Nothing is removed, ids stay taken."""
    project = project_now()
    who = project.caller()

    def write(tx: Transaction, actor: str) -> list[str]:
        return deciding.archive(tx, keep, actor=actor)

    names = act(project, who, name_of(project, who, instance), write)
    if as_json:
        print_json({"archived": names})
    else:
        print(f"{len(names)} archived; orchestrate decision list --all shows them")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--commit", is_flag=True, help="Commit these pages, and nothing else, to git.")
@json_option
def export(folder: Path | None, commit: bool, as_json: bool) -> None:
    """Write every decision as a page of Markdown into FOLDER.

    Without FOLDER, --json prints the whole log: what merge reads in another copy.
    """
    project = project_now()
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


@click.command()
@click.argument("file")
@instance_option
@json_option
def merge(file: str, instance: str | None, as_json: bool) -> None:
    """Take in the log of another copy of this repository, from FILE or - for stdin.

    FILE is what export --json printed there. Doing it twice changes nothing.
    """
    foreign = parse(file_text(file), "stdin" if file == "-" else file)
    project = project_now()
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


#: What ``orchestrate decision`` has from here.
COMMANDS = (list_, show, query, archive, export, merge)


def project_now() -> Project:
    """The project, with the defaults that hold by now."""
    project = Project.open()
    engine.settle(project)
    return project


def whole(reader: Reader, row: Row) -> dict[str, Any]:
    """A decision with what was said about it, as JSON."""
    return to_json(row, reader.find("opinions", {"decision": row["id"]}))


def _past(since: str, now: int) -> int:
    """``24h`` means the last 24 hours."""
    return now - moment(since, 0) if _SPAN.fullmatch(since) else moment(since)


def _line(text: str) -> str:
    """On one line, control characters visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def file_text(name: str) -> str:
    """A file\'s text, or with ``-`` what stands on standard input. Raises ``UsageError``."""
    try:
        if name == "-":
            return sys.stdin.read(_LIMIT)
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {name}: {error}") from error
