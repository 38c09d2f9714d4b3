"""Landing an approved candidate, and undoing a landed one. Never fetches.

What lands is the very commit that was verified: a fast-forward of the
integration branch from the base it was verified on. Where the branch is
checked out, git moves that checkout too and itself refuses to overwrite
uncommitted work; elsewhere the ref is compared and set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Git
from orchestrator.store.port import Row

__all__ = ["CannotUndo", "Landing", "checked_out_at", "fast_forward", "revert_commit"]


class CannotUndo(OrchestrateError):
    """The landed work cannot be undone by itself.

    Later commits build on it or changed the same lines. Revert it by hand in
    an instance's worktree and hand that off like any other work.
    """

    code = "E421"
    exit_status = EXIT["conflict"]


@dataclass(frozen=True, slots=True)
class Landing:
    """``landed``: the branch is at the commit. Else ``waiting`` says for what, or it moved."""

    landed: bool
    waiting: str | None = None


def fast_forward(project: Project, old: str, new: str) -> Landing:
    """Move the integration branch from ``old`` to ``new``, or say why not now."""
    if not project.git.is_ancestor(old, new):
        # Moving the branch there would drop what is on it.
        return Landing(False, f"{new[:12]} is not on top of {project.branch}")
    place = checked_out_at(project)
    if place is None:
        return Landing(project.git.point(project.branch, new, old))
    git = Git(place)
    if git.commit("HEAD") != old:
        return Landing(False)
    # --no-overwrite-ignore: an ignored file of the same name is somebody's too.
    done = git.run("merge", "--ff-only", "--no-overwrite-ignore", "--quiet", new, check=False)
    if done.returncode == 0:
        return Landing(True)
    if git.commit("HEAD") != old:
        return Landing(project.integration_head() == new)
    said = " ".join(done.stderr.decode(errors="replace").split())
    return Landing(False, f"the branch is checked out at {place} and git refuses there: {said}")


def checked_out_at(project: Project) -> Path | None:
    """The worktree that has the integration branch checked out, if one exists on disk."""
    for worktree in project.git.worktrees():
        place = Path(worktree["path"])
        if worktree.get("branch") == project.branch and place.is_dir():
            return place
    return None


def revert_commit(project: Project, handoff: Row, reason: str) -> str:
    """A commit on top of the branch that undoes ``handoff``; not landed yet.

    Directly after the landing its tree is exactly the verified base's. Later
    it is computed like any revert, without touching a checkout. Raises
    ``CannotUndo``.
    """
    head, landed = project.integration_head(), handoff["landed"]
    if head is None or landed is None or not project.git.is_ancestor(landed, head):
        raise CannotUndo(f"{handoff['id']} is not on the integration branch")
    before = project.git.out("rev-parse", "--verify", f"{landed}^1")
    tree = project.git.tree(before) if head == landed else _reverted_tree(project, landed, head)
    message = f"Undo {handoff['id']} ({landed[:12]})\n\n{reason}\n"
    done = project.git.run(
        "commit-tree", tree, "-p", head, "-F", "-", stdin=message.encode(), fallback=True
    )
    return done.stdout.decode().strip()


def _reverted_tree(project: Project, landed: str, head: str) -> str:
    """The tree of ``head`` without what ``landed`` brought: a three-way merge of trees.

    The undoing side is a commit on top of ``landed`` with the tree before it,
    so that git finds ``landed`` as the merge base of both.
    """
    before = project.git.tree(f"{landed}^1")
    undoing = (
        project.git.run("commit-tree", before, "-p", landed, "-m", "undo", fallback=True)
        .stdout.decode()
        .strip()
    )
    done = project.git.run("merge-tree", "--write-tree", head, undoing, check=False)
    if done.returncode != 0:
        raise CannotUndo("later work changed the same lines")
    return done.stdout.decode().split()[0]
