"""A repository with the views on, and the commands on PATH as an installation has them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import cli, run
from orchestrator.dropin import decisions, lock
from tests.conftest import MakeRepo, git

CONFIG = """\
version: 1
project: shop
instances:
  backend: {role: backend-system-architect, file_patterns: ["src/**"], worktree: ../backend}
layers:
  code: {paths: ["src/**"]}
status:
  views: {work_registry: true, locks: true, decision_log: true, heartbeats: true,
          instance_registry: true, task_queue: true, communication_log: true, decisions: true}
"""

MODULES = {
    "orchestrate": "orchestrator",
    "coord-status": "orchestrator.dropin.status",
    "coord-lock": "orchestrator.dropin.lock",
    "coord-decisions": "orchestrator.dropin.decisions",
}

COMMANDS: dict[str, click.Command] = {
    "orchestrate": cli,
    "coord-lock": lock.command,
    "coord-decisions": decisions.command,
}


@dataclass(frozen=True)
class Place:
    """A checkout in which commands and scripts are run."""

    folder: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def prepare(self, *command: str, **variables: str) -> None:
        """Run what only leads to what a test is about: in this process, which is much faster."""
        with pytest.MonkeyPatch.context() as patch, contextlib.chdir(self.folder):
            for name, value in variables.items():
                patch.setenv(name, value)
            assert run(command[1:], COMMANDS[command[0]], command[0]) == 0, command

    def bash(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-c", script, **variables)

    def path(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def place(make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    repo = make_repo({"config/orchestrate.yaml": CONFIG, "src/app.py": "1\n", "b.py": "2\n"})
    git(repo, "worktree", "add", "-q", "-b", "backend", str(repo.parent / "backend"))
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, module in MODULES.items():
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return Place(repo)


@pytest.fixture
def jq() -> None:
    """Scripts need jq: in CI it has to be there."""
    if shutil.which("jq") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("jq is not installed: apt-get install -y jq")
        pytest.skip("jq is not installed")
