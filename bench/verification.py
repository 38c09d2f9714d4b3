"""The cost of verification itself: beside ``make`` on the same commands, and with no check."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, floor, process_seconds

__all__ = ["config", "measure", "repository"]

_LAYERS, _CHECKS = 4, 25
_COMMAND = "sleep 0.1"
_VERIFY = (sys.executable, "-m", "orchestrator", "verify")


def measure() -> Iterator[Row]:
    """Whole processes, as a user starts them; ratios within this run."""
    with tempfile.TemporaryDirectory() as folder:
        empty = repository(Path(folder) / "empty", config(0))
        bare = floor()
        seconds = process_seconds(_VERIFY, 7, cwd=str(empty))
        note = f"{seconds * 1000:.0f} ms; unit: the bare interpreter"
        yield Row("verify with no checks", seconds / bare, "x", 80, note)
        full = repository(Path(folder) / "full", config(_CHECKS))
        ours = process_seconds((*_VERIFY, "--no-cache"), 3, cwd=str(full))
        if shutil.which("make") is None:
            yield Row("100 checks of 100 ms", ours, "s", None, "make is not installed: no ratio")
            return
        (full / "Makefile").write_text(_makefile())
        theirs = process_seconds(("make", "-s", "-j2"), 3, cwd=str(full))
        yield Row(
            "100 checks of 100 ms in 4 layers",
            ours / theirs,
            "x",
            1.15,
            f"{ours:.2f} s; make -j2 {theirs:.2f} s",
        )


def config(checks: int) -> str:
    """Four layers with this many checks each."""
    lines = ["version: 1", "project: bench", "verification: {parallel: 2}", "layers:"]
    for number in range(_LAYERS):
        below = f", depends_on: [l{number - 1}]" if number else ""
        lines.append(f'  l{number}: {{paths: ["l{number}/**"]{below}, checks: [')
        lines += [f'    {{name: c{c}, run: "{_COMMAND}"}},' for c in range(checks)]
        lines.append("  ]}")
    return "\n".join(lines) + "\n"


def _makefile() -> str:
    """The same commands with the same order between layers."""
    rules = [f"all: l{_LAYERS - 1}"]
    for number in range(_LAYERS):
        targets = [f"l{number}c{c}" for c in range(_CHECKS)]
        below = f" | l{number - 1}" if number else ""
        rules.append(f"l{number}: {' '.join(targets)}")
        rules.append(f"{' '.join(targets)}:{below}\n\t{_COMMAND}")
    return "\n".join(rules) + "\n"


def repository(folder: Path, text: str) -> Path:
    """A repository with this configuration, committed."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "orchestrate.yaml").write_text(text)
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for command in (
        ("git", "init", "-q"),
        ("git", "add", "-A"),
        ("git", *identity, "commit", "-qm", "bench"),
    ):
        subprocess.run(command, cwd=folder, check=True)
    return folder
