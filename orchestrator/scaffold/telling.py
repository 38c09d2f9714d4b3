"""How the demonstration tells what happens: chapters, commands, changes of state, progress.

Plain lines, the same on a terminal and in a pipe; nothing depends on colour.
"""

from __future__ import annotations

import shlex
import textwrap
import threading
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.report.events import line

__all__ = ["Teller"]

_WIDTH = 88
#: Lines of the watch that tell of a check begin like this.
_CHECK = " " * 10


class Teller:
    """Prints; safe to call from several threads."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lock = threading.Lock()

    def _print(self, text: str, style: str = "") -> None:
        with self._lock:
            self.console.print(Text(text, style=style), soft_wrap=True)

    def title(self, text: str) -> None:
        """The beginning of a chapter."""
        self._print(f"\n── {text} ".ljust(_WIDTH, "─"), "bold")

    def say(self, text: str) -> None:
        """A few words for people."""
        for part in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False):
            self._print(part)

    def command(self, place: str, *arguments: str) -> None:
        """A command somebody types: where, and what."""
        self._print(f"{place}$ {shlex.join(arguments)}", "cyan")

    def output(self, text: str, *, limit: int = 200) -> None:
        """What a command printed; of more than ``limit`` lines only the first."""
        lines = text.rstrip().splitlines()
        for part in lines[:limit]:
            self._print(f"  {part}".rstrip(), "dim")
        if len(lines) > limit:
            self._print(f"  … and {len(lines) - limit} more lines", "dim")

    def event(self, event: Mapping[str, Any]) -> None:
        """An event of the log; a change of state as ``FROM → TO``."""
        self._print(f"  {line(event)}", "green" if "→" in line(event) else "")

    def check(self, text: str) -> None:
        """A line the watch printed, if it tells of a check."""
        if text.startswith(_CHECK):
            self._print(f"  {text}", "dim")
