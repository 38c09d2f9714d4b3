"""Every test runs in a sealed world: own home, no client, no user's git configuration."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.environment import sealed

MakeRepo = Callable[..., Path]

# A shell starts what runs in the background with these ignored, and nohup does so too.
# That is inherited by every program a test starts, which then cannot be told to stop.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _sealed_world(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    world = sealed(str(home))
    for name in set(os.environ) - set(world):
        if not name.startswith("PYTEST"):
            monkeypatch.delenv(name)
    for name, value in world.items():
        monkeypatch.setenv(name, value)
    yield


def git(folder: Path, *arguments: str) -> str:
    """Run git in ``folder``; what it printed."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def change(folder: Path, files: dict[str, str | None]) -> None:
    """Write (or with None remove) files and stage everything."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    git(folder, "add", "-A")


def commit(folder: Path, files: dict[str, str | None], message: str = "change") -> str:
    """Write (or with None remove) files, commit everything, return the commit."""
    change(folder, files)
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def make_repo(tmp_path: Path) -> MakeRepo:
    """Make a repository with one commit on ``main``: ``make_repo({"a.py": "…"}, name="repo")``."""

    def make(files: dict[str, str | None] | None = None, name: str = "repo") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        git(folder, "init", "-q", "-b", "main")
        commit(folder, files or {"README.md": "sample\n"}, "first")
        return folder

    return make
