"""Worktrees a client asks for: made from the integration branch, with the client's settings.

A hook for this *replaces* the client's own way of making one: the path is printed
last, and any failure means there is none.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Git
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.slow import payload

__all__ = ["NoWorktree", "create", "remove"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FOLDER = ".claude/worktrees"
#: Settings that may be in no commit: without them a worktree would have no hooks.
_SETTINGS = (".claude/settings.json", ".claude/settings.local.json")


class NoWorktree(OrchestrateError):
    """The worktree a client asked for was not made.

    Happens for a name that is no plain file name, and when git refuses; the
    message says which. ``git worktree list`` shows what there is.
    """

    code = "E700"
    exit_status = EXIT["failed"]


def create(project: Project, request: Request) -> Answer:
    """WorktreeCreate: the checkout ``.claude/worktrees/NAME`` on a branch of that name."""
    name = str(payload(request).get("name") or "")
    if _NAME.fullmatch(name) is None or name.endswith((".", ".lock")) or ".." in name:
        raise NoWorktree(f"{name[:80]!r} is no name for a worktree", hint="letters, digits, . _ -")
    main, git = project.repository.main, project.git
    path = main / FOLDER / name
    if not _there(git, path):
        _exclude(project.repository.common)
        base = project.integration_head() or git.commit("HEAD")
        branch = f"worktree-{name}"
        known = git.commit(f"refs/heads/{branch}")
        start = [branch] if known else ["-b", branch, str(base)]
        git.run("worktree", "add", "--quiet", *(_ordered(start, str(path))))
    for setting in _SETTINGS:
        source, target = main / setting, path / setting
        if source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return Answer("path", str(path))


def _ordered(start: list[str], path: str) -> list[str]:
    """``PATH BRANCH``, or ``-b BRANCH PATH START``."""
    return [path, *start] if len(start) == 1 else [*start[:2], path, start[2]]


def _there(git: Git, path: Path) -> bool:
    return any(Path(row["path"]) == path for row in git.worktrees())


def _exclude(common: Path) -> None:
    """Keep git from listing the worktrees as untracked files of the main checkout."""
    file, line = common / "info" / "exclude", f"/{FOLDER}/"
    text = file.read_text() if file.is_file() else ""
    if line not in text.splitlines():
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as out:
            out.write(("" if not text or text.endswith("\n") else "\n") + f"{line}\n")


def remove(project: Project, request: Request) -> Answer:
    """WorktreeRemove: gone if it holds no work; the branch too, if everything in it landed."""
    path = Path(str(payload(request).get("worktree_path") or ""))
    ours = (project.repository.main / FOLDER).resolve()
    if path.resolve().parent != ours:
        return Answer()
    if not path.is_dir() or _work(path):
        return Answer()
    done = project.git.run("worktree", "remove", "--force", str(path), check=False)
    if done.returncode == 0:
        project.git.run("branch", "--quiet", "-d", f"worktree-{path.name}", check=False)
    return Answer()


def _work(path: Path) -> bool:
    """Whether anything was changed there, beside the settings that were copied."""
    changed = Git(path).lines("status", "--porcelain", "-z", "--untracked-files=all")
    return any(line[3:] not in _SETTINGS for line in changed)
