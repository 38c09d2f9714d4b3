"""``orchestrate lease``: take, keep, look at and give back files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import click

from orchestrator.cli.human import confirmed_caller
from orchestrator.cli.lease_views import (
    document_leases,
    lease_json,
    lease_line,
    overlapping,
    standing_json,
    standing_line,
)
from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.coordination import leases
from orchestrator.coordination.leases import Acquired, Conflict, Held, Standing
from orchestrator.engine import leasing
from orchestrator.engine.leasing import Outcome, Wish
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, UsageError

__all__ = ["command"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_instance = click.option("--instance", help="For which instance; default: yours.")


@click.group(name="lease")
def command() -> None:
    """Take, keep, look at and give back files."""


@command.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--shared", is_flag=True, help="Only to read: others may read too.")
@click.option("--ttl", default="5m", show_default=True, help="How long: 30s, 5m, 2h.")
@click.option("--intent", help="What for; others see it.")
@click.option("--lines", metavar="A-B", help="Only these lines of a file.")
@click.option("--wait", default="0s", metavar="60s", help="Wait in the queue at most this long.")
@click.option("--priority", type=int, help="Lower your place in the queue.")
@_instance
@json_option
@click.pass_context
def acquire(
    ctx: click.Context,
    paths: tuple[str, ...],
    shared: bool,
    ttl: str,
    intent: str | None,
    lines: str | None,
    wait: str,
    priority: int | None,
    instance: str | None,
    as_json: bool,
) -> None:
    """Take PATHS, all or none: files (also new ones), folders, globs.

    Exit status 10 when somebody else holds one of them, or waits for it before you.
    """
    wish = Wish(
        paths=paths,
        mode="shared" if shared else "exclusive",
        ttl=_seconds(ttl),
        intent=intent,
        lines=_lines(lines),
        wait=_seconds(wait),
        priority=priority,
        instance=instance,
    )
    project = Project.open()
    outcome = leasing.acquire(project, wish)
    project.publish()
    _show(outcome, as_json)
    ctx.exit(EXIT["held"] if isinstance(outcome.result, Held) else EXIT["ok"])


@command.command()
@click.argument("paths", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything you hold.")
@_instance
@json_option
@click.pass_context
def release(
    ctx: click.Context,
    paths: tuple[str, ...],
    everything: bool,
    instance: str | None,
    as_json: bool,
) -> None:
    """Give PATHS back. Leases that have passed to a handoff end with it."""
    if bool(paths) == everything:
        raise UsageError("name the paths, or --all")
    project = Project.open()
    who = project.caller()
    wants = None if everything else leasing.targets(project, paths)

    def body(tx: Any) -> list[Standing]:
        mine = leasing.holder(project, tx, who, instance)
        return leases.release(tx, wants, instance=mine.instance, actor=mine.actor)

    standings = project.store.write(body)
    project.publish()
    _answer(ctx, standings, as_json, {"mine": "released", "free": "was not leased"})


@command.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--ttl", default="5m", show_default=True, help="From now on: 30s, 5m, 2h.")
@click.option("--wrote", is_flag=True, help="You changed the files: what is there now is yours.")
@_instance
@json_option
@click.pass_context
def renew(
    ctx: click.Context,
    paths: tuple[str, ...],
    ttl: str,
    wrote: bool,
    instance: str | None,
    as_json: bool,
) -> None:
    """Keep PATHS longer. What ran out has to be acquired again (exit status 11)."""
    project = Project.open()
    who, length = project.caller(), round(_seconds(ttl) * 1000)
    wants = leasing.targets(project, paths)

    def body(tx: Any) -> list[Standing]:
        mine = leasing.holder(project, tx, who, instance).instance
        found = leases.renew_on(tx, wants, instance=mine, ttl_ms=length)
        for want, standing in zip(wants, found, strict=True):
            if wrote and standing.state == "mine":
                leases.wrote(tx, want, instance=mine, digest=leasing.content(want))
        return found

    standings = project.store.write(body)
    project.publish()
    _answer(ctx, standings, as_json, {"mine": "renewed", "free": "is not leased"}, free="failed")


@command.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--from", "source", metavar="FILE", help="Answer from a status document alone.")
@_instance
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    source: str | None,
    instance: str | None,
    as_json: bool,
) -> None:
    """How PATHS stand for you: free or yours 0, held 10, ran out 11, changed 12."""
    if source is not None:
        standings = overlapping(source, paths, instance)
    else:
        standings = leasing.check(Project.open(), paths, instance)
    _answer(ctx, standings, as_json, {"mine": "is yours", "free": "is free"})


@command.command(name="list")
@click.option("--from", "source", metavar="FILE", help="Answer from a status document alone.")
@_instance
@json_option
def list_(source: str | None, instance: str | None, as_json: bool) -> None:
    """Everything that is held."""
    if source is not None:
        found = document_leases(source)
    else:
        rows = Project.open().store.read(leases.held)
        found = [lease_json(row) for row in rows]
    found = [entry for entry in found if instance in (None, entry["instance"])]
    if as_json:
        print_json(found)
        return
    for entry in found:
        print(printable(lease_line(entry)))
    if not found:
        print("nothing is leased")


@command.command()
@json_option
def cleanup(as_json: bool) -> None:
    """End leases that ran out, or whose holder is known to be dead."""
    project = Project.open()
    rows = project.store.write(leases.cleanup)
    project.publish()
    if as_json:
        print_json([lease_json(row) for row in rows])
        return
    for row in rows:
        print(printable(f"ended {row['id']}  {row['path']}  of {row['instance']}"))
    if not rows:
        print("nothing to clean up")


@command.command()
@click.argument("path")
@click.option("--reason", required=True, help="Why; kept in the log.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
@_instance
@json_option
def steal(path: str, reason: str, yes: bool, instance: str | None, as_json: bool) -> None:
    """Take PATH from its holder: a dead one, or any for a human with a reason."""
    project = Project.open()
    confirmed_caller(project, f"Take {path} from its holder?", yes)
    outcome = leasing.steal(project, path, reason=reason, instance=instance)
    project.publish()
    _show(outcome, as_json)


def _show(outcome: Outcome, as_json: bool) -> None:
    """What came of acquiring: the leases, or what is in the way."""
    result = outcome.result
    for text in outcome.remarks:
        remark(printable(text))
    if as_json:
        print_json(_outcome_json(outcome))
    elif isinstance(result, Acquired):
        for row in result.leases:
            print(printable(lease_line(lease_json(row))))
    else:
        for conflict in result.conflicts:
            remark(printable(_conflict_line(conflict)))


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    taken = isinstance(result, Acquired)
    rows = result.leases if isinstance(result, Acquired) else ()
    over = result.taken_over if isinstance(result, Acquired) else ()
    return {
        "acquired": taken,
        "instance": outcome.holder.instance,
        "leases": [lease_json(row) for row in rows],
        "takenOver": [lease_json(row) for row in over],
        "conflicts": [_conflict_json(c) for c in getattr(result, "conflicts", ())],
        "remarks": list(outcome.remarks),
    }


def _conflict_json(conflict: Conflict) -> dict[str, Any]:
    row = conflict.lease
    return {
        "path": str(conflict.want),
        "instance": conflict.holder,
        "lease": lease_json(row) if row else None,
        "queued": conflict.wait is not None,
    }


def _conflict_line(conflict: Conflict) -> str:
    if conflict.lease is None:
        return f"{conflict.want} is not free: {conflict.holder} waits for it"
    entry = lease_json(conflict.lease)
    return f"{conflict.want} is held: {lease_line(entry)}"


def _answer(
    ctx: click.Context,
    standings: Iterable[Standing],
    as_json: bool,
    words: dict[str, str],
    *,
    free: str = "ok",
) -> None:
    """Print how things stand, and end with the gravest status."""
    status = {"held": "held", "expired": "expired", "changed": "conflict", "free": free}
    found = list(standings)
    if as_json:
        print_json([standing_json(standing) for standing in found])
    for standing in found if not as_json else ():
        print(printable(standing_line(standing, words)))
    exits = {EXIT[status.get(standing.state, "ok")] for standing in found}
    order = (EXIT["held"], EXIT["conflict"], EXIT["expired"], EXIT["failed"])
    ctx.exit(next((code for code in order if code in exits), EXIT["ok"]))


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(-?[0-9]{1,9})(ms|[smhd])", text)
    if match is None:
        raise UsageError(f"{text!r} is no length of time", hint="for example 30s, 5m or 2h")
    return int(match[1]) * _UNITS[match[2]]


def _lines(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
    if match is None:
        raise UsageError(f"{text!r} is no range of lines", hint="for example 10-25")
    return int(match[1]), int(match[2] or match[1])
