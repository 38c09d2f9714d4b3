"""Processes and what they leave behind: who descends from whom, and ending all of them.

A command that starts a session of its own (``setsid``) or forks twice escapes
its process group. On Linux a *reaper* gets such orphans back as its children;
a marker variable in the environment finds those of a reaper that was itself
killed. Elsewhere there is no reaper and no environment to read: what leaves
its session survives there, and ``can_reap`` says so.

Standard library only; knows nothing of checks or plugins.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

__all__ = [
    "MARKER",
    "alive",
    "become_reaper",
    "can_reap",
    "children",
    "end_children",
    "end_orphans",
    "end_strays",
    "end_tree",
    "marker",
    "marker_key",
    "reap_dead",
]

#: The variable that marks every process started for a run.
MARKER = "ORCHESTRATE_RUN"

_PR_SET_CHILD_SUBREAPER = 36
_reaper = False


def can_reap() -> bool:
    """True where descendants that leave their session can be ended too."""
    return sys.platform == "linux" and Path("/proc/self/stat").exists()


def become_reaper() -> bool:
    """Make this process the parent of its orphaned descendants; False where impossible."""
    global _reaper
    if can_reap():
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        _reaper = library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    return _reaper


def is_reaper() -> bool:
    """True after a successful ``become_reaper``."""
    return _reaper


def children(pid: int) -> set[int]:
    """The direct children of a process, the dead but unreaped among them."""
    return {child for child, parent in _parents().items() if parent == pid}


def end_children(spare: Collection[int] = ()) -> None:
    """Kill and reap every child of this process except ``spare``, and theirs as they come."""
    while _has_children():
        mine = children(os.getpid()) - set(spare)
        if not mine:
            return
        for pid in mine:
            _signal(pid, signal.SIGKILL)
        for pid in mine:
            _reap(pid)


def reap_dead(spare: Collection[int] = ()) -> None:
    """Reap children that have ended, up to the first of ``spare``, which somebody waits for."""
    with contextlib.suppress(ChildProcessError):
        while (dead := _ended()) and dead not in spare:
            _reap(dead)


def end_tree(root: int) -> None:
    """Kill a process and all its descendants. Each is stopped first, so that none forks away."""
    frozen: set[int] = set()
    while fresh := _descendants(root) - frozen:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        frozen |= fresh
    for pid in frozen:
        _signal(pid, signal.SIGKILL)


def marker_key(place: Path) -> str:
    """The part of a marker that says for which state folder a process runs: 12 hex digits."""
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:12]


def marker(place: Path) -> str:
    """A marker for the processes this process starts for ``place``: ``key.pid.start``."""
    return f"{marker_key(place)}.{os.getpid()}.{_started(os.getpid()) or 0}"


def end_strays(marked: str) -> int:
    """Kill every process whose marker is ``marked`` or starts with ``marked/``; how many."""
    victims = [pid for pid, value in _marked() if value == marked or value.startswith(f"{marked}/")]
    return _kill_all(victims)


def end_orphans(key: str) -> int:
    """Kill what earlier, killed processes started for ``key`` and left behind; how many.

    A marked process is an orphan when the process named in its marker is gone.
    """
    victims = [
        pid
        for pid, value in _marked()
        if value.split(".", 1)[0] == key and not _owner_lives(value.partition("/")[0])
    ]
    return _kill_all(victims)


def alive(pid: int, started: int | None = None) -> bool:
    """True when ``pid`` runs, and (when told) is the one that started at that clock tick."""
    now = _started(pid)
    if now is None:
        return _answers(pid)
    return started is None or now == started


def _owner_lives(value: str) -> bool:
    _, pid, started = value.split(".")
    return alive(int(pid), int(started) or None)


def _kill_all(victims: list[int]) -> int:
    for pid in victims:
        _signal(pid, signal.SIGKILL)
    return len(victims)


def _descendants(root: int) -> set[int]:
    """``root`` and everything below it."""
    below: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        below.setdefault(parent, []).append(pid)
    found, waiting = {root}, [root]
    while waiting:
        fresh = [pid for pid in below.get(waiting.pop(), ()) if pid not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _parents() -> dict[int, int]:
    """Every process with its parent."""
    if not can_reap():
        return _parents_by_ps()
    fields = ((pid, _stat(pid)) for pid in _pids())
    return {pid: int(stat[1]) for pid, stat in fields if stat}


def _parents_by_ps() -> dict[int, int]:
    printed = subprocess.run(
        ["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False
    ).stdout
    pairs = (line.split() for line in printed.splitlines())
    return {int(pid): int(parent) for pid, parent in pairs}


def _marked() -> Iterator[tuple[int, str]]:
    """Every other process that carries a marker, with the marker."""
    wanted = f"{MARKER}=".encode()
    for pid in _pids():
        if pid == os.getpid():
            continue
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in variables:
            if variable.startswith(wanted):
                yield pid, variable.removeprefix(wanted).decode(errors="replace")


def _pids() -> list[int]:
    if not can_reap():
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  faster


def _stat(pid: int) -> list[bytes] | None:
    """The fields of ``/proc/PID/stat`` after the name, which may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when unknown or gone."""
    stat = _stat(pid)
    dead = stat is None or stat[0] in (b"Z", b"X")
    return None if stat is None or dead else int(stat[19])


def _answers(pid: int) -> bool:
    """Whether a signal could be sent; a zombie on Linux is no longer alive."""
    if can_reap():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _ended() -> int | None:
    """A child that has ended and is not reaped. Raises ``ChildProcessError`` without any child."""
    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found.si_pid if found else None


def _has_children() -> bool:
    """Cheap: asks the kernel, reads no files."""
    try:
        _ended()
    except ChildProcessError:
        return False
    return True


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
