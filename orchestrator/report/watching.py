"""What ``orchestrate watch`` shows: every event as a line; on a terminal a live table too.

It reads the store and is told of checks as they run; it decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.plugins.spec import Check, Outcome
from orchestrator.report.events import line
from orchestrator.store.port import Row, Store
from orchestrator.verification.outcome import CheckReport

__all__ = ["Screen"]

#: The columns of an instance in the live table.
_SHOWN = ("id", "state", "handoff", "task")


class Screen:
    """A context manager and a verification listener. ``live`` needs a terminal."""

    def __init__(
        self, store: Store, console: Console, *, live: bool, about: Sequence[str] = ()
    ) -> None:
        self.store, self.console, self.about = store, console, about
        self.live = Live(console=console, auto_refresh=False, transient=True) if live else None
        self.running: dict[str, Check] = {}
        self.done = self.planned_count = self.seen = 0
        self.lock = threading.Lock()

    def __enter__(self) -> Screen:
        for text in self.about:
            self.console.print(text, soft_wrap=True)
        self.seen = max((event["seq"] for event in self.store.events()), default=0)
        if self.live:
            self.live.start()
        self.refresh()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live:
            self.live.stop()
        self.catch_up()
        # Why it stopped is told once, by whoever prints the error.
        self.console.print("stopped")

    def catch_up(self) -> None:
        """Print the events that came since the last call."""
        for event in self.store.events(after=self.seen):
            self.seen = event["seq"]
            self.console.print(Text(line(event)), soft_wrap=True)
        self.refresh()

    def say(self, text: str) -> None:
        """Print a line of the watch's own."""
        self.console.print(Text(text), soft_wrap=True)

    # -- verification.progress.Listener: called from the verifying threads ---------------

    def planned(self, checks: Sequence[Check]) -> None:
        with self.lock:
            self.planned_count, self.done = len(checks), 0
            self.running.clear()
        self.refresh()

    def started(self, check: Check) -> None:
        with self.lock:
            self.running[check.id] = check
        self.refresh()

    def finished(self, report: CheckReport) -> None:
        with self.lock:
            self.running.pop(report.id, None)
            self.done += 1
        why = "" if report.outcome is Outcome.PASSED else f"  {report.result.reason}"
        why += "  flaky" * report.flaky
        text = f"          {report.outcome:<12} {report.id}  {report.seconds:.1f} s{why}"
        self.console.print(Text(text.splitlines()[0]), soft_wrap=True)
        self.refresh()

    def refresh(self) -> None:
        """Redraw the live part, if there is one."""
        if self.live and self.live.is_started:
            self.live.update(self._picture(), refresh=True)

    def _picture(self) -> Group:
        rows, asked = self.store.read(
            lambda reader: (
                reader.find("instances", columns=_SHOWN),
                reader.find("escalations", {"status": ("open", "acknowledged")}),
            )
        )
        questions = [Text(f"{row['id']}  {row['question']}", style="yellow") for row in asked]
        return Group(Text(""), _table(rows), *questions, Text(self._progress()))

    def _progress(self) -> str:
        with self.lock:
            if self.done >= self.planned_count:
                return "waiting for work"
            running = ", ".join(self.running) or "…"
            return f"running {running}  ({self.done}/{self.planned_count})"


def _table(rows: Sequence[Row]) -> Table:
    table = Table("instance", "state", "handoff", "task", box=None, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(row[key] or "–")) for key in _SHOWN))
    return table
