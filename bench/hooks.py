"""What a hook costs: its whole process against the bare interpreter, taken in turn.

Every figure is a ratio within this run, of processor time, which hardly depends on what
else the machine does; the note has the ratio of elapsed time. From the smallest to the
largest store the figures have to stay the same, and a large file on stdin may not matter.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.row import Row
from orchestrator.coordination import leases
from orchestrator.coordination.paths import file_target
from orchestrator.coordination.sessions import Client, register
from orchestrator.engine.instances import make
from orchestrator.engine.project import Project
from orchestrator.hooks.registration import ENTRY, FLAGS, interpreter, package
from orchestrator.store.port import Transaction

__all__ = ["measure"]

#: (instances, leases), the smallest first.
_SIZES = ((2, 2), (1_000, 100_000))
_ROUNDS = 40
_BUDGET = 2.0
_CONFIG = """\
version: 1
project: bench
instances:
  docs: {role: DOCS, file_patterns: ["docs/**", "*.md"]}
layers:
  all: {paths: ["src/**"]}
"""


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        repo = Path(name).resolve()
        _repository(repo)
        first: dict[str, float] = {}
        held = 0
        for instances, count in _SIZES:
            _fill(repo, instances, held, count)
            held = count
            ratios = _ratios(repo)
            size = f"{instances:,} instances, {count:,} leases"
            for what, (ratio, elapsed) in ratios.items():
                note = f"of the bare interpreter; elapsed {elapsed:.2f} x"
                yield Row(f"{what}, {size}", ratio, "x", _BUDGET, note)
                if what in first:
                    yield Row(f"… {what}, against the small store", ratio / first[what], "x", 1.15)
                first.setdefault(what, ratio)


def _repository(repo: Path) -> None:
    (repo / "config").mkdir()
    (repo / "config/orchestrate.yaml").write_text(_CONFIG)
    (repo / "src").mkdir()
    for name in ("mine", "theirs"):
        (repo / f"src/{name}.py").write_text("x\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], cwd=repo, check=True)


def _fill(repo: Path, instances: int, start: int, end: int) -> None:
    project = Project.open(repo)

    def body(tx: Transaction) -> None:
        known = tx.count("sessions")
        for number in range(known, instances):
            row = make(tx, f"i{number}")
            register(tx, Client(f"s{number}", os.getpid(), "claude", str(repo)), row, "t")
        for number in range(start, end):
            path = f"src/part{number % 100}/file{number}.py" if number > 1 else "src/theirs.py"
            owner = 1 + number % (instances - 1)
            leases.acquire(tx, [file_target(path)], instance=f"i{owner}", session=f"s{owner}",
                           ttl_ms=leases.LONGEST_MS)  # fmt: skip

    project.store.write(body)
    project.store.close()


def _ratios(repo: Path) -> dict[str, tuple[float, float]]:
    """Ratios of medians (processor time, elapsed time) of processes started in turn."""
    bare = [interpreter(), *FLAGS, "-c", "pass"]
    entry = [interpreter(), *FLAGS, str(package() / "hooks" / ENTRY), "claude-code"]
    cases = _cases(repo)
    spent: dict[str, list[tuple[float, float]]] = {"": [], **{what: [] for what in cases}}
    for number in range(_ROUNDS):
        for what, times in spent.items():
            event = json.dumps(_event(cases[what], number)).encode() if what else b""
            times.append(_once(entry if what else bare, event, repo, what))
    floor = _medians(spent.pop(""))
    found = {what: _medians(times) for what, times in spent.items()}
    return {what: (one / floor[0], other / floor[1]) for what, (one, other) in found.items()}


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def _once(command: list[str], event: bytes, repo: Path, what: str) -> tuple[float, float]:
    """Seconds of processor time and elapsed seconds of one whole process."""
    names = {"PATH": os.environ["PATH"], "CLAUDE_PID": str(os.getpid())}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=repo, env=names)  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(event)
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    spent = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (2 if what.startswith("denied") else 0):
        sys.exit(f"{what}: ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, spent


def _cases(repo: Path) -> dict[str, dict[str, Any]]:
    base = {"session_id": "s0", "cwd": str(repo), "permission_mode": "acceptEdits"}

    def edit(name: str, size: int = 100) -> dict[str, Any]:
        given = {"file_path": str(repo / name), "content": "x" * size}
        return {**base, "hook_event_name": "PreToolUse", "tool_name": "Write",
                "tool_use_id": "toolu", "tool_input": given}  # fmt: skip

    beat = {**base, "hook_event_name": "PostToolUse", "tool_name": "Glob", "tool_use_id": "toolu",
            "tool_input": {}, "tool_response": {}}  # fmt: skip
    return {
        "granted (a new file)": edit("src/new{}.py"),
        "granted (one's own)": edit("src/mine.py"),
        "granted, 200 KB": edit("src/mine.py", 200_000),
        "denied": edit("src/theirs.py"),
        "heartbeat": beat,
        "after an edit": {**edit("src/mine.py"), "hook_event_name": "PostToolUse"},
        "stop": {**base, "hook_event_name": "Stop", "stop_hook_active": False},
    }


def _event(event: dict[str, Any], number: int) -> dict[str, Any]:
    """A new file has another name every time."""
    given = dict(event.get("tool_input", {}))
    if "file_path" in given:
        given["file_path"] = given["file_path"].format(f"{number}-{time.monotonic_ns()}")
    return {**event, "tool_input": given}
