"""A repository that is coordinated, and clients in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.engine.project import Project
from tests.conftest import MakeRepo
from tests.hooks.client import Client

CONFIG = """\
version: 1
project: shop
instances:
  backend: {role: BACKEND, file_patterns: ["lib/**"]}
layers:
  all: {paths: ["src/**"]}
"""

NewClient = Callable[..., Client]


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    files = {
        "config/orchestrate.yaml": CONFIG,
        "src/a.py": "a\n",
        "src/b.py": "b\n",
        "lib/c.py": "c\n",
    }
    folder = make_repo(dict(files))
    Project.open(folder).store.close()
    return folder


@pytest.fixture
def project(repo: Path) -> Project:
    return Project.open(repo)


@pytest.fixture
def client(repo: Path) -> NewClient:
    """``client("one")``: a session that has started, in the repository."""

    def make(name: str, cwd: Path | None = None, **more: object) -> Client:
        one = Client(cwd or repo, f"session-{name}", **more)  # type: ignore[arg-type]
        said = one.start()
        assert said.status == 0, said
        return one

    return make
