"""A run on the console: live progress while it goes, a calm report when it ended."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.plugins.spec import FAMILIES, Check, Finding, Outcome
from orchestrator.report.contents import TITLES, sentence
from orchestrator.report.page import visible
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

__all__ = ["Progress", "print_report"]

_MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.INCONCLUSIVE: ("?", "yellow"),
    Outcome.ERRORED: ("!", "yellow"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.NOT_RUN: ("–", "dim"),
}
_TONES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.UNKNOWN: "yellow"}
#: Lines of a command's output shown for a check that did not pass.
_TAIL = 15


class Progress:
    """A listener. On a terminal one line that moves, elsewhere one line a finished check."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = self.done = 0
        self.running: dict[str, Check] = {}
        self.lock = threading.Lock()
        self.live: Live | None = None

    def planned(self, checks: Sequence[Check]) -> None:
        self.total = len(checks)
        if self.console.is_terminal and checks:
            self.live = Live(console=self.console, auto_refresh=False, transient=True)
            self.live.start()

    def started(self, check: Check) -> None:
        with self.lock:
            self.running[check.id] = check
        self._refresh()

    def finished(self, report: CheckReport) -> None:
        with self.lock:
            self.running.pop(report.id, None)
            self.done += 1
            last = self.done >= self.total
        if self.live is None:
            self.console.print(_line(report), soft_wrap=True)
        self._refresh()
        if last:
            self.close()

    def close(self) -> None:
        """Take the moving line away; harmless twice."""
        if self.live:
            self.live.stop()
            self.live = None

    def _refresh(self) -> None:
        if self.live:
            names = ", ".join(self.running) or "…"
            self.live.update(Text(f"{self.done}/{self.total}  {names}"), refresh=True)


def print_report(report: Report, console: Console) -> None:
    """Families with their checks, what is wrong and what to do, then the verdict."""
    for text in report.warnings:
        console.print(Text(f"warning: {visible(text)}", style="yellow"), soft_wrap=True)
    for path in report.conflicts:
        console.print(Text(f"✗ conflict  {visible(path)}", style="red"), soft_wrap=True)
    for family in FAMILIES:
        _family(family, [c for c in report.checks if c.family == family], console)
    console.print(Text(sentence(report), style=f"bold {_TONES[overall(report)]}"), soft_wrap=True)


def _family(family: str, checks: list[CheckReport], console: Console) -> None:
    if not checks:
        return
    console.print(Text(TITLES[family], style="bold"))
    for check in checks:
        console.print(_line(check), soft_wrap=True)
        for finding in check.result.findings:
            _print_finding(finding, console)
        if check.outcome not in (Outcome.PASSED, Outcome.SKIPPED) and not check.result.findings:
            _print_output(check, console)
    console.print()


def _line(check: CheckReport) -> Text:
    mark, style = _MARKS[check.outcome]
    word = str(check.outcome).replace("_", " ")
    notes = [check.result.reason, "flaky" * check.flaky, "on the base too" * check.preexisting]
    told = "; ".join(visible(note) for note in notes if note)
    text = Text(f"  {mark} {word:<13}", style=style)
    text.append(f"{visible(check.id)}  {check.seconds:.1f} s", style="none")
    return text.append(f"  {told}" if told else "", style="dim")


def _print_finding(finding: Finding, console: Console) -> None:
    place = f"{finding.file}:{finding.line or 1}  " if finding.file else ""
    lines = [f"{place}{finding.message}", f"{finding.severity} {finding.rule}"]
    if finding.remedy:
        lines.append(f"to do: {finding.remedy}")
    lines += [f"{key}: {_short(value)}" for key, value in list(finding.evidence.items())[:8]]
    for number, text in enumerate(lines):
        for line in visible(text).splitlines():
            console.print(Text(f"      {line}", style="" if number == 0 else "dim"), soft_wrap=True)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]} …"


def _print_output(check: CheckReport, console: Console) -> None:
    for line in check.result.output.strip().splitlines()[-_TAIL:]:
        console.print(Text(f"      | {visible(line)}", style="dim"), soft_wrap=True)
