"""``orchestrate health``: what needs somebody's attention."""

from __future__ import annotations

import time
from itertools import groupby

import click

from orchestrator.cli.output import console, json_option, print_json
from orchestrator.coordination.health import Concern, counts
from orchestrator.engine.checkup import checkup
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT
from orchestrator.status.times import ago, rfc3339

__all__ = ["command"]

#: Concerns of one kind that are shown; the rest are counted.
_SHOWN = 10


@click.command(name="health")
@click.option("--all", "everything", is_flag=True, help="Also ghosts that were told before.")
@json_option
def command(everything: bool, as_json: bool) -> int:
    """Say what needs attention. Exit status 1 when something is red.

    What is gone and has no open work is told once; --all tells it again.
    """
    project = Project.open()
    found = checkup(project, everything=everything)
    total = counts(found)
    if as_json:
        print_json({"status": _status(total), **total, "concerns": [_plain(c) for c in found]})
    else:
        _print(found)
    return EXIT["failed"] if total["red"] else EXIT["ok"]


def _status(total: dict[str, int]) -> str:
    return "red" if total["red"] else "yellow" if total["yellow"] else "green"


def _plain(concern: Concern) -> dict[str, object]:
    value = concern.to_json()
    return {**value, "since": rfc3339(concern.since) if concern.since else None}


def _print(found: list[Concern]) -> None:
    out, now = console(), time.time_ns() // 1_000_000
    for (level, _), group in groupby(_by_kind(found), key=lambda c: (c.level, c.name)):
        members = list(group)
        for concern in members[:_SHOWN]:
            age = f" ({ago(now - concern.since)})" if concern.since else ""
            out.print(
                f"{level:<6}  {_line(concern.subject)} {_line(concern.message)}{age}",
                soft_wrap=True,
            )
        if len(members) > _SHOWN:
            out.print(f"{level:<6}  … and {len(members) - _SHOWN} more like these")
        out.print(f"        {_line(members[0].hint)}", style="dim", soft_wrap=True)
    if not found:
        out.print("nothing needs attention")


def _by_kind(found: list[Concern]) -> list[Concern]:
    """Those of one kind together, in the order in which the first of each stands."""
    first: dict[tuple[str, str], int] = {}
    for place, concern in enumerate(found):
        first.setdefault((concern.level, concern.name), place)
    return sorted(found, key=lambda c: first[c.level, c.name])


def _line(text: str) -> str:
    """Control characters visible: subjects and messages hold what others wrote."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
