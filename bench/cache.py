"""The cost of a run in which nothing has changed, beside the first one."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import verification
from bench.row import Row, process_seconds

__all__ = ["measure"]

_VERIFY = (sys.executable, "-m", "orchestrator", "verify")


def measure() -> Iterator[Row]:
    """Whole processes: 100 checks of 100 ms in 4 layers, then the same again."""
    with tempfile.TemporaryDirectory() as folder:
        repository = verification.repository(Path(folder) / "full", verification.config(25))
        first = process_seconds(_VERIFY, 1, cwd=str(repository))
        again = process_seconds(_VERIFY, 7, cwd=str(repository))
        note = f"first {first:.2f} s, then {again * 1000:.0f} ms"
        yield Row("unchanged re-run", again / first * 100, "%", 5, note)
        shutil.rmtree(repository / ".git" / "orchestrator" / "verdicts")
        cold = process_seconds(_VERIFY, 1, cwd=str(repository))
        yield Row("the same, forgotten", cold / first * 100, "%", None, f"{cold:.2f} s")
