"""Is a process still the one that was registered? Three answers: yes, no, unknown.

A pid alone is not enough, because pids are used again: the start time goes with
it. Read from ``/proc`` on Linux, asked of ``ps`` elsewhere.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["TTL_MS", "alive", "ancestors", "command", "host", "is_live", "started"]

#: Without a pid on this host, this long without a heartbeat means gone: 5 minutes.
TTL_MS = 5 * 60 * 1000


def host() -> str:
    """This machine's name, as recorded with a pid."""
    return platform.node() or "localhost"


def started(pid: int) -> str | None:
    """When process ``pid`` started, as an opaque text; None when there is no such process.

    A zombie has ended: it counts as no process.
    """
    stat = _stat(pid)
    if stat is not None:
        return None if stat[0] == "Z" else stat[19]
    if Path("/proc/self/stat").exists():
        return None
    asked = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True
    )
    state, _, since = asked.stdout.strip().partition(" ")
    return since.strip() or None if asked.returncode == 0 and not state.startswith("Z") else None


def alive(pid: int | None, start: str | None, where: str | None) -> bool | None:
    """True, False, or None when it cannot be told (another host, no pid)."""
    if not pid or not start or where != host():
        return None
    return started(pid) == start


def is_live(
    pid: int | None, start: str | None, where: str | None, heartbeat_at: int | None, now: int
) -> bool | None:
    """Liveness of a client: its process on this host, its heartbeat elsewhere.

    None (unknown) for one that never gave a sign of life.
    """
    known = alive(pid, start, where)
    if known is not None:
        return known
    if heartbeat_at is None:
        return None
    return now - heartbeat_at <= TTL_MS


def ancestors(pid: int | None = None) -> Iterator[int]:
    """The pids of the parents of ``pid`` (default: this process), nearest first."""
    current = _parent(os.getpid() if pid is None else pid)
    while current and current > 1:
        yield current
        current = _parent(current)


def _parent(pid: int) -> int | None:
    stat = _stat(pid)
    if stat is not None:
        return int(stat[1])
    if Path("/proc/self/stat").exists():
        return None
    asked = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(asked.stdout) if asked.stdout.strip().isdigit() else None


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` after the name (state first), or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name is in parentheses and may itself contain spaces and parentheses.
    return text.rpartition(")")[2].split()


def command(pid: int) -> str | None:
    """The short name of the program process ``pid`` runs, or None."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    asked = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True)
    return asked.stdout.strip().rpartition("/")[2] or None
