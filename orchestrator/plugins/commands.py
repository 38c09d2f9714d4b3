"""The plain ``CommandRunner``: a command on this machine, and its end as plugins see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from orchestrator import processes
from orchestrator.plugins.spec import CommandResult

__all__ = ["run_command"]


def run_command(
    command: str | Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    stop: int | None = None,
    grace: float = processes.GRACE,
    spill: Path | None = None,
) -> CommandResult:
    """A ``CommandRunner``: run ``command`` and wait until all it started is gone.

    ``grace`` are the seconds between asking it to end and ending it; ``spill`` is a
    file for all of an output that is too long to be kept in memory.
    """
    ended = processes.run(
        command,
        cwd=cwd,
        environment=environment,
        timeout=timeout,
        stdin=stdin,
        grace=grace,
        stop=stop,
        spill=spill,
    )
    return CommandResult(**asdict(ended))
