"""``coord-lock``: take, give back and look at locks on files, with the documented exit codes.

0 done, 10 held by somebody else, 11 yours ran out, 12 the file changed since
you took it, 13 your session has ended, 2 wrong usage, 3 could not tell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from orchestrator.cli.lease_views import document_leases, overlapping
from orchestrator.cli.main import run
from orchestrator.cli.output import print_json, remark
from orchestrator.cli.status import read_document, say_age
from orchestrator.coordination import leases
from orchestrator.coordination.leases import Held, Standing
from orchestrator.coordination.paths import Target
from orchestrator.engine import attendance, leasing
from orchestrator.engine.leasing import Wish
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT
from orchestrator.status.document import lease_entry
from orchestrator.status.views import visible
from orchestrator.store.port import Row, Transaction

__all__ = ["command", "main"]

_STATUS = {"held": "held", "expired": "expired", "changed": "conflict"}
_from = click.option("--from", "source", metavar="FILE", help="Answer from a status document.")


@click.group(name="coord-lock", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Manage locks on files. Put -- before a path that begins with a dash."""


@command.command()
@click.argument("path")
@click.argument("intent", required=False)
@click.pass_context
def acquire(ctx: click.Context, path: str, intent: str | None) -> None:
    """Take PATH for five minutes; every sign of life of your session renews it."""
    project = Project.open()
    outcome = leasing.acquire(project, Wish((path,), intent=intent))
    project.publish()
    for text in outcome.remarks:
        remark(visible(text))
    if isinstance(outcome.result, Held):
        for conflict in outcome.result.conflicts:
            remark(visible(f"Lock held by another instance: {conflict.holder}"))
        ctx.exit(EXIT["held"])
    (row,) = outcome.result.leases
    print(visible(f"Lock acquired successfully: {row['path']}"))


@command.command()
@click.argument("path")
@click.pass_context
def release(ctx: click.Context, path: str) -> None:
    """Give PATH back. What nobody holds is released already; another's is not yours to release."""

    def body(tx: Transaction, want: Target, instance: str, actor: str) -> list[Standing]:
        return leases.release(tx, [want], instance=instance, actor=actor)

    (standing,) = _change(path, body)
    words = {"mine": "Lock released", "free": "Not locked", "expired": "Lock had expired"}
    _say(ctx, standing, words)


@command.command()
@click.argument("path")
@click.pass_context
def renew(ctx: click.Context, path: str) -> None:
    """Keep PATH for five more minutes."""

    def body(tx: Transaction, want: Target, instance: str, actor: str) -> list[Standing]:
        return leases.renew_on(tx, [want], instance=instance)

    (standing,) = _change(path, body)
    _say(ctx, standing, {"mine": "Lock renewed", "free": "Not locked"}, free="failed")


@command.command()
@click.argument("path")
@_from
@click.pass_context
def check(ctx: click.Context, path: str, source: str | None) -> None:
    """Say whether PATH is locked; 0 when you may take it."""
    if source is None:
        (standing,) = leasing.check(Project.open(), [path])
    else:
        say_age(read_document(source), source)
        (standing,) = overlapping(source, [path], None)
    _say(ctx, standing, {"mine": "Locked by you", "free": "Not locked"})


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_from
def list_(as_json: bool, source: str | None) -> None:
    """Every lock that is held."""
    if source is None:
        found = [lease_entry(row) for row in Project.open().store.read(leases.held)]
    else:
        say_age(read_document(source), source)
        found = document_leases(source)
    if as_json:
        print_json(found)
        return
    print(f"Active Locks: {len(found)}")
    for entry in found:
        print()
        print(visible(f"File: {entry['path']}"))
        for text in _details(entry):
            print(visible(f"  {text}"))


@command.command()
def cleanup() -> None:
    """End what dead sessions and expired locks still hold."""
    project = Project.open()
    cleaned = attendance.cleanup(project)
    ended = project.store.write(leases.cleanup)
    project.publish()
    print(f"Cleaned up {len(cleaned.sessions)} stale instances, {len(ended)} expired locks")


def _change(
    path: str, body: Callable[[Transaction, Target, str, str], list[Standing]]
) -> list[Standing]:
    """Do something with the caller's own lease on ``path``."""
    project = Project.open()
    who, (want,) = project.caller(), leasing.targets(project, [path])

    def write(tx: Transaction) -> list[Standing]:
        mine = leasing.holder(project, tx, who, None)
        return body(tx, want, mine.instance, mine.actor)

    standings = project.store.write(write)
    project.publish()
    return standings


_SAID = {"held": "Locked", "expired": "Lock expired", "changed": "File changed since it was locked"}


def _say(ctx: click.Context, standing: Standing, words: dict[str, str], free: str = "ok") -> None:
    """One line, who holds it where somebody else does, and the exit status."""
    print(visible(f"{ {**_SAID, **words}[standing.state] }: {standing.target}"))
    if standing.state == "held":
        for row in standing.leases:
            for text in _details(_entry(row)):
                print(visible(f"  {text}"))
    ctx.exit(EXIT[{**_STATUS, "free": free}.get(standing.state, "ok")])


def _entry(row: Row) -> dict[str, Any]:
    return lease_entry(row)


def _details(entry: dict[str, Any]) -> Iterable[str]:
    yield f"Locked by: {entry['instance']}"
    yield f"Locked at: {entry['acquiredAt'][:19]}Z"
    until = entry["expiresAt"]
    yield f"Expires at: {until[:19]}Z" if until else f"Until {entry['handoff']} ends"
    if entry["intent"]:
        yield f"Intent: {entry['intent']}"


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:], command, "coord-lock"))


if __name__ == "__main__":
    main()
