"""A run on the console: live progress while it goes, a calm report when it ended."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.plugins.spec import FAMILIES, Check, Finding, Outcome
from orchestrator.report.evidence import limits, measured, notes
from orchestrator.report.paper import Line, Paper
from orchestrator.report.text import duration, flat, visible
from orchestrator.report.words import by_family, elsewhere, place, sentence, word
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Progress", "print_report"]

#: How a check or a family ended, in words → its mark and colour.
_SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "inconclusive": ("?", "yellow"),
    "errored": ("!", "yellow"),
}
_OTHER = ("–", "dim")
_LAST = list(FAMILIES)[-1]
_TONES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.UNKNOWN: "yellow"}
#: Lines of a command's output, or of one piece of evidence, shown for a check.
_TAIL = 15
#: Findings shown of one check; the others are counted.
_MOST = 20


class Progress:
    """A listener. On a terminal a bar that moves, elsewhere one line a finished check.

    In CI (the variable ``CI``) there are lines on a terminal too: a log has no use for a bar.
    """

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.waiting: set[str] = set()
        self.running: list[str] = []
        self.lock = threading.Lock()
        self.bar: Bar | None = None
        self.task: TaskID | None = None

    def planned(self, checks: Sequence[Check]) -> None:
        self.waiting = {check.id for check in checks}
        console = self.paper.bar
        if console is not None and checks and not os.environ.get("CI"):
            self.bar = _bar(console)
            self.task = self.bar.add_task("", total=len(checks))
            self.bar.start()
            atexit.register(self.close)  # a terminal without its cursor is a poor farewell

    def started(self, check: Check) -> None:
        with self.lock:
            self.running.append(check.id)
            self._refresh()

    def finished(self, report: CheckReport) -> None:
        with self.lock:
            self.waiting.discard(report.id)
            self.running = [name for name in self.running if name != report.id]
            if self.bar is None and report.cached_from is None:
                self.paper.write([_line(report)])
            self._refresh(done=1)
        if not self.waiting:
            self.close()

    def close(self) -> None:
        """Take the bar away; harmless twice."""
        if self.bar:
            self.bar.stop()
            self.bar = None
            atexit.unregister(self.close)

    def _refresh(self, done: int = 0) -> None:
        if self.bar:
            names = flat(", ".join(self.running))
            assert self.task is not None  # it is made with the bar
            self.bar.update(self.task, advance=done, description=names, refresh=True)


def _bar(console: Console) -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # The names take what is left: on a narrow terminal the count stays.
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    names = TextColumn("{task.description}", markup=False, table_column=rest)
    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), names)
    return Progress(*columns, console=console, transient=True, refresh_per_second=8, expand=True)


def print_report(report: Report, paper: Paper) -> None:
    """Families with their checks, what is wrong and what to do, then the verdict."""
    paper.write(_lines(report))


def _lines(report: Report) -> Iterator[Line]:
    for warning in report.warnings:
        yield ((f"warning: {flat(warning)}", "yellow"),)
    for path in report.conflicts:
        yield ((f"✗ conflict  {flat(path)}", "red"),)
    for family, (title, worst, told) in zip(FAMILIES, by_family(report), strict=True):
        checks = [check for check in report.checks if check.family == family]
        mark, style = _SIGNS.get(worst, _OTHER)
        yield (f"{mark} {title}", f"bold {style}"), (f"  {told}", style)
        for check in checks:
            yield from _check(check)
        if checks or family == _LAST:
            yield ()
    yield ((sentence(report), f"bold {_TONES[overall(report)]}"),)


def _check(check: CheckReport) -> Iterator[Line]:
    found = check.result.findings
    yield _line(check, said=any(f.message == check.result.reason for f in found))
    for finding in found[:_MOST]:
        yield from _finding(check, finding)
    if len(found) > _MOST:
        yield _more(f"… and {len(found) - _MOST} more findings, in the JSON report")
    for name, span in measured(check):
        yield _more(f"{name}: {span.words()}")
    for line in limits(check):
        yield _more(line)
    if check.outcome not in (Outcome.PASSED, Outcome.SKIPPED) and not found:
        yield from _block(check.result.output)
    if check.outcome not in (Outcome.PASSED, Outcome.SKIPPED) and elsewhere(check):
        yield _more(f"what it printed, {elsewhere(check).strip(' ()')}")


def _line(check: CheckReport, *, said: bool = False) -> Line:
    """One check; ``said``: its reason follows, as a finding."""
    mark, style = _SIGNS.get(word(check), _OTHER)
    told = ["" if said else flat(check.result.reason), "flaky" * check.flaky]
    told += [f"known from {flat(check.cached_from)}"] if check.cached_from else []
    remarks = "; ".join(part for part in told if part)
    return (
        (f"  {mark} {word(check):<12}  ", style),
        (f"{flat(check.id)}  {duration(check.seconds)}", style),
        (f"  {remarks}" if remarks else "", f"dim {style}"),
    )


def _finding(check: CheckReport, finding: Finding) -> Iterator[Line]:
    where = f"{flat(place(finding))}  " if finding.file else ""
    yield ((f"      {where}{flat(finding.message)}", ""),)
    fingerprint = finding.fingerprint(check.id)
    waived = ", waived" * (fingerprint in check.waived)
    yield _more(f"{finding.severity} {finding.rule}{waived}  {fingerprint}")
    if finding.remedy:
        yield _more(f"to do: {finding.remedy}")
    for note in notes(finding.evidence):
        if "\n" in note.text:
            yield _more(f"{note.label}:")
            yield from _block(note.text)
        else:
            yield _more(f"{note.label}: {note.text}")


def _more(text: str) -> Line:
    return ((f"      {flat(text)}", "dim"),)


def _block(text: str) -> Iterator[Line]:
    """The last lines of a longer text."""
    lines = visible(text).strip("\n").splitlines()
    if len(lines) > _TAIL:
        yield ((f"      | … {len(lines) - _TAIL} lines before this", "dim"),)
    for line in lines[-_TAIL:]:
        yield ((f"      | {line}", "dim"),)
