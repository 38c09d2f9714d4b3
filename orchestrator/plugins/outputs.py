"""Keeps what the commands of a check printed where a report shows only the end of it.

One file an execution, with terminal escapes written out, in a folder of its
run. The folders together are kept small: the oldest runs go first.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.plugins.spec import CheckResult, CommandResult
from orchestrator.processes import SPILLED

__all__ = ["FULL_OUTPUT", "Recorder", "make_room"]

#: The key of ``CheckResult.data`` that names the file.
FULL_OUTPUT = "full_output"
#: Bytes of all files together.
LIMIT = 200_000_000
_CHUNK = 1 << 20


#: A ``CommandRunner`` that takes ``spill`` too: a file for all of a long output.
Runner = Callable[..., CommandResult]


@dataclass(frozen=True, slots=True)
class _Ran:
    """One command that was run; ``spilled`` is there if it printed more than is kept in memory."""

    command: str | Sequence[str]
    ended: CommandResult
    spilled: Path


class Recorder:
    """A ``CommandRunner`` that remembers what it ran, to write it down when it is needed."""

    def __init__(self, runner: Runner, folder: Path, check: str) -> None:
        self._runner, self._folder = runner, folder
        self._name = re.sub(r"[^A-Za-z0-9._-]+", "_", check)[:100].strip(".") or "check"
        self._ran: list[_Ran] = []

    def __call__(self, command: str | Sequence[str], **how: Any) -> CommandResult:
        spill = self._folder / f"{self._name}.{os.urandom(16).hex()}.part"
        ended = self._runner(command, spill=spill, **how)
        self._ran.append(_Ran(command, ended, spill))
        return ended

    def kept(self, result: CheckResult) -> CheckResult:
        """``result``, naming the file with all that was printed if it does not show it itself."""
        printed = sum(len(ran.ended.output) for ran in self._ran)
        try:
            if printed <= len(result.output):
                return result
            path = self._write()
        except OSError:
            return result  # a full disk must not cost the verdict
        finally:
            for ran in self._ran:
                with contextlib.suppress(OSError):
                    ran.spilled.unlink(missing_ok=True)
        return replace(result, data={**result.data, FULL_OUTPUT: str(path)})

    def _write(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = 1
        while True:
            path = self._folder / f"{self._name}.{number}.txt"
            try:
                with open(path, "x", encoding="utf-8", errors="replace") as file:
                    for ran in self._ran:
                        file.writelines(_told(ran))
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
            import shutil  # here: every worker imports this module, none of them makes room

            shutil.rmtree(run, ignore_errors=True)


def _told(ran: _Ran) -> Iterator[str]:
    """The command, all it printed, and how it ended."""
    from orchestrator.report.text import visible

    line = ran.command if isinstance(ran.command, str) else " ".join(ran.command)
    yield visible(f"$ {line}\n")
    yield from map(visible, _printed(ran))
    yield f"\n[{ran.ended.status} {ran.ended.code} after {ran.ended.seconds:.1f} s]\n\n"


def _printed(ran: _Ran) -> Iterator[str]:
    if not ran.spilled.exists():
        yield ran.ended.output.rstrip()
        return
    with open(ran.spilled, encoding="utf-8", errors="replace") as file:
        yield from iter(lambda: file.read(_CHUNK), "")
    if ran.spilled.stat().st_size >= SPILLED:
        yield f"\n[only the first {SPILLED >> 20} MiB are kept; its end:]\n"
        yield ran.ended.output[-_CHUNK:]
