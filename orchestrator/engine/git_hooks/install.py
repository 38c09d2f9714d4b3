"""Puts our hooks into git and takes them out again; what was there before comes back as it was."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.coordination import unchecked
from orchestrator.engine.git_hooks.places import CHECKED, KEPT, PREVIOUS, Place, place, text
from orchestrator.engine.git_hooks.state import is_ours, legacy
from orchestrator.engine.project import Project, put, setting
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Repository
from orchestrator.store.port import Transaction

__all__ = ["HookInTheWay", "install", "remove"]


class HookInTheWay(OrchestrateError):
    """A git hook was replaced after ours was installed, and an older one is still kept.

    Which of both shall run cannot be guessed. Delete the one you do not want, or join
    them in one file, then call ``orchestrate githooks install`` again.
    """

    code = "E721"
    exit_status = EXIT["conflict"]


def install(project: Project) -> list[str]:
    """Install or renew our hooks; sentences about what was changed, none if nothing was.

    Raises ``HookInTheWay`` before anything is written.
    """
    repository = project.repository
    with _alone(repository):
        where = place(repository)
        said = [*_beside(where)] if where.beside else [*_pointed(repository, where)]
        project.store.write(lambda tx: _begin(tx, repository))
    return said


def remove(project: Project) -> list[str]:
    """Take our hooks out and put back what they had replaced; sentences about it."""
    repository = project.repository
    with _alone(repository):
        where = place(repository)
        said = [] if where.beside else [*_pointed_back(repository, where)]
        said += _put_back(repository.common / "hooks")
        project.store.write(lambda tx: put(tx, "git_hooks", ""))
    return said


def _begin(tx: Transaction, repository: Repository) -> None:
    """From now on commits without a check are told; those before are nobody's fault."""
    if not setting(tx, "git_hooks"):
        put(tx, "git_hooks", "installed")
        unchecked.baseline(tx, repository.common)


def _beside(where: Place) -> Iterator[str]:
    """Ours in the usual folder; what is there is kept under another name beside it."""
    where.folder.mkdir(parents=True, exist_ok=True)
    for name in CHECKED:
        _refuse_two(where.folder / name)
    for name in CHECKED:
        file = where.folder / name
        through = legacy(file)
        if through is not None:
            yield from _written(through, text(where, name))
            continue
        if os.path.lexists(file) and not is_ours(file):
            kept = file.with_name(name + KEPT)
            file.rename(kept)
            yield f"kept {file} as {kept.name}; it runs after ours"
        yield from _written(file, text(where, name))


def _refuse_two(file: Path) -> None:
    kept = file.with_name(file.name + KEPT)
    if legacy(file) is None and file.exists() and not is_ours(file) and kept.exists():
        raise HookInTheWay(f"{file} is not ours any more, and {kept.name} is kept from before",
                           hint=f"delete one of both: {file} or {kept}")  # fmt: skip


def _pointed(repository: Repository, where: Place) -> Iterator[str]:
    """Ours in a folder of their own, which git is pointed to; theirs is not touched."""
    where.folder.mkdir(parents=True, exist_ok=True)
    wrote = [_written(where.folder / name, text(where, name)) for name in where.names]
    if count := sum(1 for said in wrote for _ in said):
        yield f"wrote {count} hooks in {where.folder}"
    if not where.active:
        git, scope = repository.git, "--worktree" if where.scope == "worktree" else "--local"
        git.run("config", "--local", PREVIOUS, f"{where.scope or ''}:{where.value or ''}")
        git.run("config", scope, "core.hooksPath", str(where.folder))
        yield f"core.hooksPath is {where.folder} now; everything there goes on to {where.previous}"


def _written(file: Path, content: str) -> Iterator[str]:
    """Write a hook beside and rename it, if it is not as it should be."""
    plain = file.is_file() and not file.is_symlink() and os.access(file, os.X_OK)
    if plain and file.read_text(errors="replace") == content:
        return
    new = file.with_name(f"{file.name}.orchestrate-new")
    new.write_text(content)
    new.chmod(0o755)
    again = file.exists()
    new.replace(file)
    yield f"{'renewed' if again else 'installed'} {file}"


def _put_back(folder: Path) -> Iterator[str]:
    """The usual folder as it was; ours may stand there from before core.hooksPath was set."""
    for name in CHECKED:
        file = folder / name
        kept = file.with_name(name + KEPT)
        mine = file if is_ours(file) else legacy(file)
        if mine is None and os.path.lexists(kept):
            if os.path.lexists(file):
                yield f"{file} is not ours: it stays, and so does {kept.name} from before"
                continue
            mine = file
        if mine is None:
            continue
        if os.path.lexists(kept):
            kept.replace(mine)
            yield f"put back {mine}"
        else:
            mine.unlink()
            yield f"removed {mine}"


def _pointed_back(repository: Repository, where: Place) -> Iterator[str]:
    git = repository.git
    if where.active:
        if where.scope in ("local", "worktree") and where.value:
            git.run("config", f"--{where.scope}", "core.hooksPath", where.value)
            yield f"core.hooksPath is {where.value} again"
        else:
            git.run("config", "--unset", "core.hooksPath")
            yield "core.hooksPath of this repository is not set any more"
    git.run("config", "--local", "--unset", PREVIOUS, check=False)
    if where.folder.is_dir():
        shutil.rmtree(where.folder)
        yield f"removed {where.folder}"


@contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    """One installation at a time."""
    folder = repository.common / "orchestrator"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "githooks.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
