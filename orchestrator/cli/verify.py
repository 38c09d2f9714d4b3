"""``orchestrate verify``: the whole suite for one commit, without a coordinator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.output import json_option, paper
from orchestrator.cli.signals import until_signalled
from orchestrator.errors import OrchestrateError, UsageError

if TYPE_CHECKING:
    from orchestrator.verification.outcome import Report

__all__ = ["command"]

_FORMATS = ("console", "json", "junit", "sarif", "markdown", "html", "github", "intoto")
_STDOUT = "-"


class ReportNotWritten(OrchestrateError):
    """A report could not be written to its file.

    Happens after a run, when ``--output`` names a file that cannot be written.
    The run itself is not affected; its other reports are written. Name another
    file and run again.
    """

    code = "E681"


@click.command()
@click.option("--since", metavar="BASE", help="Check what changed since BASE, under its rules.")
@click.option("--all", "everything", is_flag=True, help="Check every layer (the default).")
@click.option("--layer", "layers", metavar="LAYER", multiple=True, help="Check this layer alone.")
@click.option("--report", "formats", type=click.Choice(_FORMATS), multiple=True,
              help="A report in this form; may be repeated.")  # fmt: skip
@click.option("--output", "outputs", metavar="FILE", multiple=True,
              help="Where the report before it goes; - is standard output.")  # fmt: skip
@click.option("--no-cache", is_flag=True, help="Run every check, also where nothing has changed.")
@json_option
def command(
    since: str | None,
    everything: bool,
    layers: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    no_cache: bool,
    as_json: bool,
) -> int:
    """Verify the commit that is checked out, exactly as it is committed.

    Exit status: 0 passed, 1 failed, 3 could not tell, 2 not understood.
    """
    if since is not None and everything:
        raise UsageError("--since and --all exclude each other", hint="leave one out")
    wanted = _destinations((*formats, *(["json"] if as_json else [])), outputs)
    from orchestrator.engine.head_start import head_start
    from orchestrator.git import find

    repository = find()
    with until_signalled() as (stop, received), head_start(repository, wanted=no_cache) as ready:
        from orchestrator.engine.verification import verify_commit
        from orchestrator.report.console import Progress
        from orchestrator.verification.outcome import Verdict, overall

        report = verify_commit(
            repository,
            since=since,
            everything=everything,
            layers=layers,
            fresh=no_cache,
            listener=Progress(paper(stderr=True)),
            stop=stop,
            ready=ready,
        )
    _write(report, wanted)
    if any(form == "github" for form, _ in wanted):
        _add_to_job_summary(report)
    return 128 + received[0] if received else Verdict.EXIT[overall(report)]


def _destinations(formats: Sequence[str], outputs: Sequence[str]) -> list[tuple[str, str]]:
    """Each format with its file: the n-th output belongs to the n-th report."""
    if len(outputs) > max(len(formats), 1):
        raise UsageError(
            f"{len(outputs)} outputs for {len(formats)} reports",
            hint="each --output belongs to a --report: --report junit --output results.xml",
        )
    chosen = list(formats) or ["console"]
    files = [*outputs, *[_STDOUT] * (len(chosen) - len(outputs))]
    if files.count(_STDOUT) > 1:
        raise UsageError("only one report can go to standard output", hint="add an --output FILE")
    wanted = list(zip(chosen, files, strict=True))
    return wanted if _STDOUT in files else [*wanted, ("console", _STDOUT)]


def _write(report: Report, wanted: Sequence[tuple[str, str]]) -> None:
    """Every report to its place; files first, so that a closed pipe loses none."""
    refused: list[ReportNotWritten] = []
    for form, file in sorted(wanted, key=lambda pair: pair[1] == _STDOUT):
        if file == _STDOUT:
            _print(report, form)
            continue
        try:
            path = Path(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_rendered(report, form), encoding="utf-8")
        except OSError as error:
            refused.append(ReportNotWritten(f"{file}: {error.strerror}"))
    if refused:
        raise refused[0]


def _add_to_job_summary(report: Report) -> None:
    """What GitHub shows on the page of the job; another step may have written there too."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    from orchestrator.report.github import job_summary

    try:
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(job_summary(report))
    except OSError as error:
        raise ReportNotWritten(f"GITHUB_STEP_SUMMARY, {file}: {error.strerror}") from error


def _print(report: Report, form: str) -> None:
    if form == "console":
        from orchestrator.report.console import print_report

        print_report(report, paper())
    else:
        click.echo(_rendered(report, form), nl=False)


def _rendered(report: Report, form: str) -> str:
    if form == "console":
        return _plain(report)
    from orchestrator.report import render

    return render(report, form)


def _plain(report: Report) -> str:
    """What the console shows, for a file."""
    import io

    from orchestrator.report.console import print_report
    from orchestrator.report.paper import Plain

    stream = io.StringIO()
    print_report(report, Plain(stream))
    return stream.getvalue()
