"""The sample project of the demonstration, as a new repository with its worktrees.

The files are real and ship in the package, under ``sample/``. Nothing here runs
orchestrate: it only makes the place where it is played.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from orchestrator.errors import OrchestrateError

__all__ = ["WORKTREES", "FolderInUse", "Sample", "create", "unpack"]

#: Instance → the branch its worktree is on, as the sample's configuration says.
WORKTREES = {"data": "work/data", "service": "work/service", "web": "work/web"}

#: With ``fast``: this many pairs of a benchmark at most, in this many seconds.
_FAST = {"max_pairs": "40", "time_limit": "20s"}


class FolderInUse(OrchestrateError):
    """The folder for the sample project is not empty.

    Name a folder that does not exist yet or is empty; nothing that is there is
    ever overwritten.
    """

    code = "E141"


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample project on disk: ``main`` is the main worktree, the others beside it.

    ``environment`` is what its commands run with.
    """

    folder: Path
    environment: Mapping[str, str]

    @property
    def main(self) -> Path:
        return self.folder / "shop"

    @property
    def state(self) -> Path:
        """Where its store is; not steered by the variables of whoever plays."""
        return self.main / ".git" / "orchestrator"

    def worktree(self, instance: str) -> Path:
        """The checkout of an instance; the main worktree for one that has none."""
        return self.folder / instance if instance in WORKTREES else self.main

    def git(self, instance: str, *arguments: str) -> str:
        """Run git in an instance's worktree; what it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.worktree(instance),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise OrchestrateError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.rstrip()


def unpack(folder: Path, *, fast: bool = False) -> None:
    """Write the sample project's files into ``folder``, which must be absent or empty."""
    with as_file(files("orchestrator.scaffold") / "sample") as source:
        shutil.copytree(
            source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    if fast:
        config = folder / "config" / "orchestrate.yaml"
        config.write_text(_quicker(config.read_text()))


def _quicker(text: str) -> str:
    for key, value in _FAST.items():
        text = re.sub(rf"^( +{key}:) .*$", rf"\1 {value}", text, flags=re.MULTILINE)
    return text


def create(folder: Path, environment: Mapping[str, str], *, fast: bool = False) -> Sample:
    """A new repository in ``folder``/shop with a worktree for each instance beside it.

    Raises ``FolderInUse``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInUse(f"{folder} exists and is not an empty folder")
    sample = Sample(folder.absolute(), environment)
    sample.main.mkdir(parents=True)
    unpack(sample.main, fast=fast)
    sample.git("main", "init", "--quiet", "--initial-branch=main")
    sample.git("main", "add", "--all")
    sample.git("main", "commit", "--quiet", "--message=The tea shop")
    for instance, branch in WORKTREES.items():
        sample.git("main", "worktree", "add", "--quiet", "-b", branch, f"../{instance}")
    return sample
