"""A run on the console: live progress while it goes, a calm report when it ended."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.plugins.spec import FAMILIES, Check, Finding, Outcome
from orchestrator.report.contents import place, sentence, summary, word
from orchestrator.report.evidence import limits, measured, notes
from orchestrator.report.text import duration, flat, visible
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

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
    """A listener. On a terminal one line that moves, elsewhere one line a finished check."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.waiting: set[str] = set()
        self.running: list[str] = []
        self.total = 0
        self.lock = threading.Lock()
        self.live: Live | None = None

    def planned(self, checks: Sequence[Check]) -> None:
        self.waiting, self.total = {check.id for check in checks}, len(checks)
        if self.console.is_terminal and checks:
            self.live = Live(console=self.console, auto_refresh=False, transient=True)
            self.live.start()
            atexit.register(self.close)  # a terminal without its cursor is a poor farewell

    def started(self, check: Check) -> None:
        with self.lock:
            self.running.append(check.id)
            self._refresh()

    def finished(self, report: CheckReport) -> None:
        with self.lock:
            self.waiting.discard(report.id)
            self.running = [name for name in self.running if name != report.id]
            if self.live is None:
                self.console.print(_line(report), soft_wrap=True)
            self._refresh()
        if not self.waiting:
            self.close()

    def close(self) -> None:
        """Take the moving line away; harmless twice."""
        if self.live:
            self.live.stop()
            self.live = None
            atexit.unregister(self.close)

    def _refresh(self) -> None:
        if self.live:
            done = self.total - len(self.waiting)
            names = flat(", ".join(self.running)) or "…"
            self.live.update(Text(f"{done}/{self.total}  {names}"), refresh=True)


def print_report(report: Report, console: Console) -> None:
    """Families with their checks, what is wrong and what to do, then the verdict."""
    for text in _lines(report):
        console.print(text, soft_wrap=True)


def _lines(report: Report) -> Iterator[Text]:
    for warning in report.warnings:
        yield Text(f"warning: {flat(warning)}", style="yellow")
    for path in report.conflicts:
        yield Text(f"✗ conflict  {flat(path)}", style="red")
    for family, (title, worst, told) in zip(FAMILIES, summary(report).rows, strict=True):
        checks = [check for check in report.checks if check.family == family]
        mark, style = _SIGNS.get(worst, _OTHER)
        yield Text(f"{mark} {title}", style=f"bold {style}").append(f"  {told}", style="not bold")
        for check in checks:
            yield from _check(check)
        if checks or family == _LAST:
            yield Text()
    yield Text(sentence(report), style=f"bold {_TONES[overall(report)]}")


def _check(check: CheckReport) -> Iterator[Text]:
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


def _line(check: CheckReport, *, said: bool = False) -> Text:
    """One check; ``said``: its reason follows, as a finding."""
    mark, style = _SIGNS.get(word(check), _OTHER)
    told = ["" if said else flat(check.result.reason), "flaky" * check.flaky]
    told += [f"known from {flat(check.cached_from)}"] if check.cached_from else []
    text = Text(f"  {mark} {word(check):<12}  ", style=style)
    text.append(f"{flat(check.id)}  {duration(check.seconds)}", style="none")
    remarks = "; ".join(part for part in told if part)
    return text.append(f"  {remarks}" if remarks else "", style="dim")


def _finding(check: CheckReport, finding: Finding) -> Iterator[Text]:
    where = f"{flat(place(finding))}  " if finding.file else ""
    yield Text(f"      {where}{flat(finding.message)}")
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


def _more(text: str) -> Text:
    return Text(f"      {flat(text)}", style="dim")


def _block(text: str) -> Iterator[Text]:
    """The last lines of a longer text."""
    lines = visible(text).strip("\n").splitlines()
    if len(lines) > _TAIL:
        yield Text(f"      | … {len(lines) - _TAIL} lines before this", style="dim")
    for line in lines[-_TAIL:]:
        yield Text(f"      | {line}", style="dim")
