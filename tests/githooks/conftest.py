"""A shop with a worktree an instance and our hooks installed; git commands as somebody."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.coordination import leases
from orchestrator.coordination.paths import file_target
from orchestrator.engine.git_hooks.install import install
from orchestrator.engine.project import Project
from orchestrator.store.port import Row
from tests.conftest import MakeRepo, change, commit, git

CONFIG = """\
version: 1
project: shop
coordinator: {instance: coordinator}
instances:
  backend: {role: B, file_patterns: ["src/**"], worktree: ../backend, branch: backend}
  frontend: {role: F, file_patterns: ["ui/**"], worktree: ../frontend, branch: frontend}
layers:
  code: {paths: ["src/**"]}
"""
LINES = "".join(f"line {number}\n" for number in range(1, 21))


@dataclass
class Shop:
    """``main`` has the integration branch; ``at(NAME)`` is an instance's worktree."""

    main: Path
    project: Project

    def at(self, instance: str) -> Path:
        return self.main.parent / instance

    def lease(self, instance: str, path: str) -> None:
        target = file_target(path)
        self.project.store.write(
            lambda tx: leases.acquire(tx, [target], instance=instance, session=None)
        )

    def release(self, instance: str) -> None:
        self.project.store.write(
            lambda tx: leases.release(tx, None, instance=instance, actor=instance)
        )

    def policy(self, text: str) -> None:
        """Add to the configuration in force."""
        file = self.main / "config/orchestrate.yaml"
        file.write_text(f"{CONFIG}{text}\n")
        git(self.main, "-c", "core.hooksPath=/dev/null", "commit", "-qam", "policy")
        self.project.store.close()
        self.project = Project.open(self.main)

    def unchecked(self) -> list[Row]:
        return list(self.project.store.events(where={"kind": "commit.unchecked"}))


@dataclass
class Said:
    """What a git command printed, and its exit status."""

    status: int
    text: str


def run(folder: Path, *arguments: str, who: str | None = None) -> Said:
    """Run git as instance ``who`` would from its client; None: as a human."""
    names = {"ORCHESTRATE_INSTANCE": who, "ORCHESTRATE_SESSION": f"term-{who}"} if who else {}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **names}, capture_output=True, text=True
    )
    return Said(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def bare_shop(make_repo: MakeRepo) -> Iterator[Shop]:
    """Without our hooks."""
    main = make_repo(
        {"config/orchestrate.yaml": CONFIG, "src/a.py": LINES, "ui/b.js": "b\n"}, "main"
    )
    for name in ("backend", "frontend"):
        git(main, "worktree", "add", "-q", "-b", name, str(main.parent / name))
    shop = Shop(main, Project.open(main))
    yield shop
    shop.project.store.close()


@pytest.fixture
def shop(bare_shop: Shop) -> Shop:
    install(bare_shop.project)
    return bare_shop


__all__ = ["LINES", "Said", "Shop", "change", "commit", "git", "run"]
