"""``instance create``: a worktree, a branch and an instance, together or not at all.

Repeating the call after a failure or a kill finishes what was begun.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.coordination.callers import Caller
from orchestrator.engine.handoff import NoIntegrationBranch
from orchestrator.engine.instances import make
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, GitError
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = ["CannotCreate", "Created", "create"]


class CannotCreate(OrchestrateError):
    """The instance cannot be made like this.

    The folder is something else already, the branch is checked out elsewhere,
    or the instance has another worktree. Nothing was changed.
    """

    code = "E357"


@dataclass(frozen=True, slots=True)
class Created:
    """``row`` is the instance; the two flags say what was made by this very call."""

    row: Row
    worktree_made: bool
    branch_made: bool


def create(
    project: Project,
    who: Caller,
    name: str,
    *,
    worktree: Path | None = None,
    branch: str | None = None,
    role: str | None = None,
) -> Created:
    """Make instance ``name`` with a worktree at ``worktree`` on ``branch``.

    What is configured for it is the default. Raises ``CannotCreate``,
    ``BadName``, ``GitError``; then neither worktree nor branch is left behind.
    """
    place, branch = _settled(project, name, worktree, branch)
    known = project.store.read(lambda reader: reader.get("instances", id=name))
    _same_worktree(known, place)
    with (
        _alone(project.repository.state),
        _worktree(project.git, place, branch, _start(project, branch)) as made,
    ):
        row = project.store.write(
            lambda tx: _register(tx, who, name, place, branch, role), durable=True
        )
    project.publish()
    return Created(row, *made)


def _settled(
    project: Project, name: str, worktree: Path | None, branch: str | None
) -> tuple[Path, str]:
    """Folder and branch, with the configuration's as the default."""
    known = project.config.instances.get(name)
    if worktree is None and known and known.worktree:
        worktree = project.repository.main / known.worktree
    branch = branch or (known.branch if known else None) or name
    if worktree is None:
        raise CannotCreate(f"it is not said where {name} works", hint="--worktree DIR")
    done = project.git.run("check-ref-format", "--branch", branch, check=False)
    if done.returncode != 0 or branch.startswith("-"):
        raise CannotCreate(f"{branch!r} cannot be a branch")
    return worktree.absolute().resolve(), branch


def _same_worktree(known: Row | None, place: Path) -> None:
    if known and known["worktree"] and Path(known["worktree"]).resolve() != place:
        raise CannotCreate(f"{known['id']} works in {known['worktree']} already")


def _start(project: Project, branch: str) -> str | None:
    """The commit a new branch begins at; None where the branch exists."""
    if project.git.commit(f"refs/heads/{branch}") is not None:
        return None
    head = project.integration_head()
    if head is None:
        raise NoIntegrationBranch(
            f"{project.branch} does not exist", hint="it needs its first commit"
        )
    return head


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """One creation at a time: undoing a failed one must not take another's worktree away."""
    with (state / "create.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _worktree(git: Git, place: Path, branch: str, start: str | None) -> Iterator[tuple[bool, bool]]:
    """The worktree while it is registered; removed again when that fails, if made here."""
    if _is_there(git, place, branch):
        yield False, False
        return
    try:
        git.run("worktree", "prune")
        _add(git, place, branch, start)
        yield True, start is not None
    except BaseException:
        _remove(git, place, branch, start)
        raise


def _add(git: Git, place: Path, branch: str, start: str | None) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    new = ("-b", branch) if start else ()
    git.run("worktree", "add", "--quiet", *new, "--", str(place), start or branch, fallback=True)


def _is_there(git: Git, place: Path, branch: str) -> bool:
    """The worktree exists as wanted. Raises ``CannotCreate`` where something else is in the way."""
    for one in git.worktrees():
        on = one.get("branch", "").removeprefix("refs/heads/")
        if Path(one["path"]).resolve() == place and place.is_dir():
            if on != branch:
                raise CannotCreate(f"{place} has {on or 'a detached commit'} checked out")
            return True
        if on == branch and Path(one["path"]).is_dir():
            raise CannotCreate(f"{branch} is checked out in {one['path']}")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise CannotCreate(f"{place} exists and is no worktree of this repository")
    return False


def _remove(git: Git, place: Path, branch: str, start: str | None) -> None:
    """Undo ``_add``, whatever part of it was done; a branch that moved on stays."""
    with suppress(GitError):
        git.run("worktree", "remove", "--force", str(place), check=False)
        git.run("worktree", "prune", check=False)
        if start and not any(
            one.get("branch") == f"refs/heads/{branch}" for one in git.worktrees()
        ):
            git.run("update-ref", "-d", f"refs/heads/{branch}", start, check=False)


def _register(
    tx: Transaction, who: Caller, name: str, place: Path, branch: str, role: str | None
) -> Row:
    row = tx.get("instances", id=name)
    _same_worktree(row, place)
    if row is None:
        return make(tx, name, role=role, worktree=str(place), branch=branch, actor=who.actor)
    changes: Row = {"worktree": str(place), "branch": branch}
    if role and not row["configured"]:
        changes["role"] = role
    if any(row[key] != value for key, value in changes.items()):
        tx.update("instances", {"id": name}, changes)
        tx.record(NewEvent("instance.settle", who.actor, name, data=changes))
    return {**row, **changes}
