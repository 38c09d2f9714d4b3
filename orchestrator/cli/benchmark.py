"""``orchestrate benchmark``: what was measured so far, and whether the comparison itself works."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine import measurements
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.plugins.spec import Outcome
from orchestrator.policy.measurement import Point

__all__ = ["command"]


class UnknownBenchmark(OrchestrateError):
    """There is no benchmark of this name.

    Happens when ``benchmark history`` names one that is neither in the
    configuration nor was ever measured here. ``orchestrate benchmark history``
    without a name lists them all.
    """

    code = "E466"


class PageNotWritten(OrchestrateError):
    """The page could not be written.

    Happens when ``benchmark history --html`` names a file that cannot be
    written. Nothing else is affected: name another file.
    """

    code = "E467"


@click.group(name="benchmark")
def command() -> None:
    """What benchmarks measured so far; whether the comparison itself works."""


@command.command()
@click.argument("name", required=False)
@click.option("--last", type=click.IntRange(1, 1000), default=20, show_default=True,
              help="How many runs on each machine.")  # fmt: skip
@click.option("--html", "page", metavar="FILE", help="Write a page with pictures instead.")
@json_option
def history(name: str | None, last: int, page: str | None, as_json: bool) -> None:
    """What each run of the coordinator measured, of benchmark NAME or of all.

    Each run compares the work with its base on one machine in one session;
    machines are never compared with each other. "together" multiplies the
    ratios of all that landed: how small slowdowns add up.
    """
    project = Project.open()
    if name is not None:
        _expect(project, name)
    points = project.store.read(lambda reader: measurements.history(reader, name))
    groups = [
        list(group)[-last:]
        for _, group in groupby(points, key=lambda p: (p.benchmark, p.name, p.machine))
    ]
    if as_json:
        print_json({"measurements": [asdict(point) for group in groups for point in group]})
        return
    if page is not None:
        _write(page, groups)
        return
    from orchestrator.report.measurements import shown

    shown(console(), groups)


def _write(page: str, groups: Sequence[Sequence[Point]]) -> None:
    from orchestrator.report.benchmarks import history_page
    from orchestrator.report.html import html

    try:
        Path(page).write_text(html("Benchmarks", history_page(groups)), encoding="utf-8")
    except OSError as error:
        raise PageNotWritten(f"{page} cannot be written: {error.strerror}") from error
    print(printable(f"written to {page}"))


def _expect(project: Project, name: str) -> None:
    there = {*project.config.benchmarks, *project.store.read(measurements.known)}
    if name not in there:
        near = difflib.get_close_matches(name, there, n=1)
        all_ = f"there are: {', '.join(sorted(there)) or 'none'}"
        hint = f'did you mean "{near[0]}"?' if near else all_
        raise UnknownBenchmark(f'there is no benchmark "{name}"', hint=hint)


@command.command()
@json_option
def selftest(as_json: bool) -> int:
    """Measure identical code, and a planted slowdown of 50 %, for real.

    Exits with 0: the slowdown was found and identical code raised no alarm;
    1: the comparison is broken; 3: this machine is too busy to tell.
    """
    from orchestrator.plugins.builtin.benchmarks.selftest import examine

    examined = examine()
    if as_json:
        print_json({"outcome": examined.outcome, "trials": [asdict(t) for t in examined.trials]})
    else:
        for trial in examined.trials:
            print(f"{_MARKS[trial.outcome]:5}  {trial.what}: {trial.reason}")
        print(_SAID[examined.outcome])
    return EXIT[_STATUS[examined.outcome]]


_STATUS = {Outcome.PASSED: "ok", Outcome.FAILED: "failed", Outcome.INCONCLUSIVE: "unknown"}
_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "WRONG", Outcome.INCONCLUSIVE: "open"}
_SAID = {
    Outcome.PASSED: "the comparison finds what is there and nothing else",
    Outcome.FAILED: "the comparison is BROKEN: do not believe a benchmark of this installation",
    Outcome.INCONCLUSIVE: "could not tell: this machine is too busy; try again when it is not",
}
