"""The tutorial runs: every shell block, in order, in one shell, and ends as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.git import find
from orchestrator.store.sqlite import open_store

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"

STARTED = ("ACTIVE", "HANDOFF_READY", "VERIFICATION")
SENT_BACK = ("FAILED", "REMEDIATION", "HANDOFF_READY", "VERIFICATION")
LANDED = ("APPROVED", "HANDOFF_COMPLETE", "STANDBY")


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)


def states(repository: Path) -> tuple[str, ...]:
    """Every state an instance went to, in order."""
    store = open_store(find(repository).state)
    told = [json.loads(event["data"] or "{}") for event in store.events()]
    store.close()
    return tuple(data["to"] for data in told if "from" in data)


@pytest.mark.slow
def test_the_tutorial_runs_line_by_line(tmp_path: Path) -> None:
    scripts = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        input="set -eu\n" + "\n".join(blocks()),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert states(tmp_path / "greeter") == (
        *(*STARTED, *LANDED),
        *(*STARTED, *SENT_BACK, *SENT_BACK, *LANDED),
        *(*STARTED, *LANDED),
    )
