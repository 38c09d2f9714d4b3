"""The health of a project: the concerns of its store, its machine and its git."""

from __future__ import annotations

from pathlib import Path

from orchestrator.coordination.health import Concern, Surroundings, concerns, news
from orchestrator.engine import decisions
from orchestrator.engine.project import Project
from orchestrator.git import GitError
from orchestrator.store.errors import Busy, StoreFull, Unwritable

__all__ = ["checkup", "surroundings"]


def checkup(project: Project, *, everything: bool = False) -> list[Concern]:
    """What to look at, red first. ``everything``: also ghosts that were told before.

    A store that cannot be written is no reason to say nothing: then all is told.
    """
    around = surroundings(project)
    if everything:
        return project.store.read(lambda reader: concerns(reader, around))
    try:
        decisions.settle(project)
        return project.store.write(lambda tx: news(tx, concerns(tx, around)))
    except (Busy, StoreFull, Unwritable):
        return project.store.read(lambda reader: concerns(reader, around))


def surroundings(project: Project) -> Surroundings:
    """The machine's and git's part. The main worktree is nobody's to orphan."""
    try:
        trees = project.git.worktrees()
    except GitError:
        trees = []
    return Surroundings(exists=lambda path: Path(path).is_dir(), worktrees=tuple(trees[1:]))
