"""What a merge carries into this branch, and what it would lose on the way."""

from __future__ import annotations

import os

from orchestrator.coordination.committing import Problem, branch_of, direct
from orchestrator.coordination.dropped import HINT, drops
from orchestrator.hooks.git_scene import Scene

__all__ = ["examine", "lost"]

_HEAD = "GITHEAD_"


def examine(scene: Scene) -> list[Problem]:
    """Everything that speaks against the merge whose result stands in the index."""
    heads = {name[len(_HEAD):]: branch for name, branch in os.environ.items()
             if name.startswith(_HEAD)}  # fmt: skip
    problems = direct(scene.rules, scene.who, scene.git.branch())
    for head, branch in heads.items():
        problems += _carried(scene, head, branch)
    return problems + lost(scene, list(heads))


def lost(scene: Scene, heads: list[str]) -> list[Problem]:
    """What the index lost of merging HEAD and one other; of more sides that nobody looked."""
    if not heads:
        return []
    if len(heads) > 1:
        return [
            Problem(f"a merge of {len(heads) + 1} sides: what it loses is not looked at", False)
        ]
    tree = scene.git.out("write-tree")
    found = drops(scene.git, "HEAD", heads[0], tree)
    return [Problem(str(drop), not drop.choice, HINT) for drop in found]


def _carried(scene: Scene, head: str, branch: str) -> list[Problem]:
    """The other side's files, as changes of whoever works on that branch. Landed work is free."""
    git, main = scene.git, f"refs/heads/{scene.rules.branch}"
    fork = git.merge_base("HEAD", head)
    if git.commit(main) and git.is_ancestor(head, main):
        return []
    author = scene.store.read(lambda reader: branch_of(reader, branch))
    return scene.judge(git.changed(fork, head), author) if fork else []
