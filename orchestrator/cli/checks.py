"""``orchestrate checks``: what each check is worth, and which are set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from orchestrator.cli.human import confirmed, reason_option
from orchestrator.cli.main import printable
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.cli.when import period, shown
from orchestrator.engine.project import Project
from orchestrator.engine.quarantine import give, restore, standing
from orchestrator.engine.track_record import WINDOW, records
from orchestrator.policy.track_record import TrackRecord
from orchestrator.store.port import Row

__all__ = ["command"]


@click.group(name="checks", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """What each check is worth: runs, failures, flakes, precision, time.

    Precision is the share of its failures that were right, as far as it is
    known: mended by the producer, or let through all the same by somebody.
    """
    if context.invoked_subcommand is not None:
        return
    project = Project.open()
    found, aside = project.store.read(lambda r: (records(r), standing(r)))
    if as_json:
        print_json(_told(found, aside))
    else:
        _show(project, found, {row["check"]: row for row in aside})


@command.command()
@click.argument("check")
@click.option("--for", "lasts", default="7d", metavar="7d", help="How long: 30m, 12h, 7d, 2w.")
@reason_option()
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
def quarantine(check: str, lasts: str, reason: str, yes: bool) -> None:
    """Set CHECK aside: its failures decide nothing for a while. Only a human does that."""
    project, seconds = Project.open(), period(lasts)
    actor = confirmed(project, f"Set {check} aside for {lasts}?", yes)
    row = give(project, actor, check, seconds=seconds, reason=reason)
    print(printable(f"{check} is in quarantine until {shown(row['expires_at'])}"))


@command.command(name="restore")
@click.argument("check")
@reason_option()
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
def restore_(check: str, reason: str, yes: bool) -> None:
    """End the quarantine of CHECK now."""
    project = Project.open()
    actor = confirmed(project, f"Let {check} decide again?", yes)
    restore(project, actor, check, reason=reason)
    print(printable(f"{check} decides again from the next run on"))


def _told(found: list[TrackRecord], aside: list[Row]) -> dict[str, Any]:
    checks = [
        {**asdict(record), "precision": record.precision, "proposal": record.noise()}
        for record in found
    ]
    return {"checks": checks, "quarantine": aside}


def _show(project: Project, found: list[TrackRecord], aside: dict[str, Row]) -> None:
    from rich.table import Table

    out = console()
    if not found:
        out.print("no check ran here yet; orchestrate watch keeps what each one said")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("check", overflow="fold")
    for title in ("runs", "failed", "flaky", "untold", "precision", "median", "slowest"):
        table.add_column(title, justify="right")
    for record in found:
        table.add_row(printable(record.check), *_cells(record))
    out.print(table)
    for name, row in aside.items():
        out.print(
            f"in quarantine until {shown(row['expires_at'])}: {name}: {printable(row['reason'])}"
        )
    shadowed = project.config.verification.shadow
    for record in found:
        noise = record.noise()
        if noise and record.check not in (*aside, *shadowed):
            out.print(f"{record.check}: {noise}", soft_wrap=True)
            out.print(
                f'  consider verification: {{shadow: ["{record.check}"]}}, or mend the check; '
                "nothing is changed by itself",
                soft_wrap=True,
            )
    out.print(f"the last {WINDOW} runs of each; untold: errored or inconclusive", style="dim")


def _cells(record: TrackRecord) -> tuple[str, ...]:
    precision = "–" if record.precision is None else f"{record.precision:.0%} of {record.judged}"
    counts = (record.runs, record.failed, record.flaky, record.errored + record.inconclusive)
    return (
        *map(str, counts), precision, f"{record.seconds:.1f} s", f"{record.slowest:.1f} s",
    )  # fmt: skip
