"""What a push would send: the files its new commits change, and what it does to the branch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from orchestrator.coordination.committing import Problem, landed
from orchestrator.hooks.git_scene import Scene, say

__all__ = ["examine", "verified"]

_HEADS = "refs/heads/"


def examine(scene: Scene, remote: str, lines: Sequence[Sequence[str]]) -> list[Problem]:
    """``lines``: local ref, local commit, remote ref, remote commit, as git gives them."""
    problems: list[Problem] = []
    files: set[str] = set()
    for _, new, name, old in lines:
        if scene.rules.protect and name == f"{_HEADS}{scene.rules.branch}":
            problems += _protected(scene, new, old)
        if new.strip("0"):
            files |= _files(scene, remote, new, old)
    return problems + scene.judge(sorted(files))


def _files(scene: Scene, remote: str, new: str, old: str) -> set[str]:
    """What the commits that only this push brings change; of a merge, what is as on no side."""
    git, main = scene.git, f"{_HEADS}{scene.rules.branch}"
    known = [commit for commit in (old, main) if commit.strip("0") and git.commit(commit)]
    return set(git.lines(
        "log", "-c", "--root", "--name-only", "--no-renames", "--format=", "-z",
        new, "--not", *known, f"--remotes={remote}",
    ))  # fmt: skip


def _protected(scene: Scene, new: str, old: str) -> Iterator[Problem]:
    """The integration branch at the remote takes what was landed here, and nothing else."""
    git, branch, stop = scene.git, scene.rules.branch, not scene.who.human
    known = old if old.strip("0") and git.commit(old) else None
    if not new.strip("0"):
        yield Problem(f"this deletes {branch}, the integration branch", stop)
    elif known and not git.is_ancestor(known, new):
        yield Problem(f"this drops commits from {branch}: {known[:12]} is not part of it", stop)
    elif start := known or git.commit(f"{_HEADS}{branch}"):
        commits = git.out("rev-list", "--first-parent", f"{start}..{new}").split()
        done = scene.store.read(lambda reader: landed(reader, commits))
        strange = [commit for commit in commits if commit not in done]
        many = "a commit" if len(strange) == 1 else f"{len(strange)} commits"
        if strange:
            yield Problem(f"{many} for {branch} came through no handoff ({strange[0][:12]})",
                          stop, "orchestrate ready; the coordinator lands it")  # fmt: skip


def verified(scene: Scene, lines: Sequence[Sequence[str]]) -> int:
    """``verify --since`` of what is checked out, if that is pushed; 1 unless it passed."""
    head = scene.git.commit("HEAD") or ""
    pushed = {line[1] for line in lines if line[1].strip("0")}
    if pushed - {head}:
        say("orchestrate: only what is checked out here is verified, not all that is pushed")
    base = scene.git.merge_base(f"{_HEADS}{scene.rules.branch}", head) if head in pushed else None
    if base is None or base == head:
        return 0
    # Without git's own variables: a verification makes checkouts of its own.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "verify", "--since", base],
        cwd=scene.repository.worktree, env=plain, stdin=subprocess.DEVNULL, stdout=sys.stderr,
    )  # fmt: skip
    if done.returncode == 0:
        return 0
    refused = not scene.who.human or scene.rules.humans == "refuse"
    what = "verification failed" if done.returncode == 1 else "verification could not tell"
    end = "this push is refused" if refused else "you are a human, so the push goes on"
    say(f"orchestrate: {what}: {end}")
    return 1 if refused else 0
