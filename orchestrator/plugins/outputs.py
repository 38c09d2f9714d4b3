"""Keeps what the commands of a check printed where a report shows only the end of it.

One file an execution, with terminal escapes written out, in a folder of its
run. The folders together are kept small: the oldest runs go first.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.plugins.spec import CheckResult, CommandResult, CommandRunner

__all__ = ["FULL_OUTPUT", "Recorder", "make_room"]

#: The key of ``CheckResult.data`` that names the file.
FULL_OUTPUT = "full_output"
#: Characters of one file, and bytes of all of them.
_FILE, LIMIT = 8 << 20, 50_000_000


class Recorder:
    """A ``CommandRunner`` that remembers what it ran, to write it down when it is needed."""

    def __init__(self, runner: CommandRunner, folder: Path, check: str) -> None:
        self._runner, self._folder, self._check = runner, folder, check
        self._ran: list[tuple[str | Sequence[str], CommandResult]] = []

    def __call__(self, command: str | Sequence[str], **how: Any) -> CommandResult:
        ended = self._runner(command, **how)
        self._ran.append((command, ended))
        return ended

    def kept(self, result: CheckResult) -> CheckResult:
        """``result``, naming the file with all that was printed if it does not show it itself."""
        printed = sum(len(ended.output) for _, ended in self._ran)
        if printed <= len(result.output):
            return result
        try:
            path = self._write()
        except OSError:
            return result  # a full disk must not cost the verdict
        return replace(result, data={**result.data, FULL_OUTPUT: str(path)})

    def _write(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", self._check)[:100].strip(".") or "check"
        number = 1
        while True:
            path = self._folder / f"{name}.{number}.txt"
            try:
                with open(path, "x", encoding="utf-8", errors="replace") as file:
                    file.write("\n".join(_told(*each) for each in self._ran)[:_FILE])
                return path
            except FileExistsError:
                number += 1


def make_room(folder: Path, limit: int = LIMIT) -> None:
    """Remove the oldest runs' folders in ``folder`` until the rest fits."""
    runs = [path for path in folder.glob("*") if path.is_dir()]
    with contextlib.suppress(OSError):
        runs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for number, run in enumerate(runs):
        with contextlib.suppress(OSError):
            total += sum(file.stat().st_size for file in run.iterdir())
        if number and total > limit:
            shutil.rmtree(run, ignore_errors=True)


def _told(command: str | Sequence[str], ended: CommandResult) -> str:
    from orchestrator.report.text import visible

    line = command if isinstance(command, str) else " ".join(command)
    how = f"{ended.status} {ended.code} after {ended.seconds:.1f} s"
    return visible(f"$ {line}\n{ended.output.rstrip()}\n[{how}]\n")
