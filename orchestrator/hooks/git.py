"""What git's hooks run: ``python -I -S …/hooks/git.py NAME PARENT [arguments]``.

Standard library only. Exit status 0 lets git go on, 1 stops it. A guard that cannot
decide refuses an instance's client, and lets a human through with the reason.
Knows which files are about to be committed; whether they may be is judged by
``coordination.committing``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

if __name__ == "__main__":  # no site packages, so the package is not on the path
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(__file__)]  # noqa: PTH120
    sys.path.insert(0, os.path.realpath(f"{__file__}/../../.."))

from pathlib import Path
from typing import NoReturn

from orchestrator.coordination.committing import direct
from orchestrator.environment import in_client
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git
from orchestrator.hooks.git_scene import Scene, Undecided, say, scene, verdict

__all__ = ["DEADLINE", "REFUSED", "main"]

#: The exit status that means no; the file in git's folder knows it.
REFUSED = 10
#: Seconds a hook may take before it cannot decide.
DEADLINE = 25
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def main(arguments: Sequence[str]) -> int:
    """Run one hook; its exit status. Never raises."""
    name, parent, *rest = arguments
    signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(DEADLINE)
    try:
        return _HOOKS[name](scene(), int(parent), rest)
    except OrchestrateError as error:
        hint = error.hint or "orchestrate doctor"
        return _undecided(name, f"{error.code} {error.message}", hint)
    except Exception as error:  # a defect of ours must not let a client through
        return _undecided(name, f"{type(error).__name__}: {error}", "orchestrate doctor")
    finally:
        signal.alarm(0)


def _pre_commit(scene: Scene, parent: int, rest: Sequence[str]) -> int:
    git = scene.git
    head = git.commit("HEAD")
    problems = direct(scene.rules, scene.who, git.branch()) if head else []
    merged = _merged(git) if head else []
    problems += scene.judge(_staged(git, [head or _EMPTY_TREE, *merged]))
    if merged:
        from orchestrator.hooks.git_merge import lost

        problems += lost(scene, merged)
    return _passed(scene, parent, verdict(scene, "commit", problems))


def _merged(git: Git) -> list[str]:
    """The other sides of the merge this commit concludes."""
    merging = git.folder / git.out("rev-parse", "--git-path", "MERGE_HEAD")
    return merging.read_text().split() if merging.is_file() else []


def _staged(git: Git, sides: Sequence[str]) -> list[str]:
    """The files this commit changes. Of a merge, those that are as on no side."""
    changed = [set(git.lines("diff-index", "--cached", "--name-only", "--no-renames", "-z", side))
               for side in sides]  # fmt: skip
    return sorted(set.intersection(*changed))


def _pre_merge(scene: Scene, parent: int, rest: Sequence[str]) -> int:
    from orchestrator.hooks.git_merge import examine

    return _passed(scene, parent, verdict(scene, "merge", examine(scene)))


def _pre_push(scene: Scene, parent: int, rest: Sequence[str]) -> int:
    from orchestrator.hooks.git_push import examine, verified

    lines = [line.split(" ") for line in sys.stdin.read().splitlines() if line.strip()]
    status = verdict(scene, "push", examine(scene, rest[0] if rest else "origin", lines))
    if status == 0 and scene.rules.verify_on_push:
        signal.alarm(0)
        status = verified(scene, lines)
    return status


def _after(scene: Scene, parent: int, rest: Sequence[str]) -> int:
    """After a commit or merge: one that our pre-commit did not see is recorded."""
    from orchestrator.coordination.unchecked import notice

    branch, head = scene.git.branch(), scene.git.commit("HEAD")
    mark = _mark(scene.git)
    checked = _read(mark) == _git_above(parent)
    if branch is not None and head is not None:
        found = notice(
            scene.store, scene.repository.common, ref=branch, own=head,
            passed=head if checked else None, actor=scene.who.acting_for(scene.instance),
        )  # fmt: skip
        if head in found:
            say(f"orchestrate: {head[:12]} was committed without our check; that is in the log now")
    mark.unlink(missing_ok=True)
    return 0


def _passed(scene: Scene, parent: int, status: int) -> int:
    """Leave a mark for the hook after the commit, by the git process both run under."""
    if status == 0:
        _mark(scene.git).write_text(_git_above(parent))
    return status


def _mark(git: Git) -> Path:
    return Path(git.out("rev-parse", "--absolute-git-dir")) / "orchestrate-checked"


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _git_above(parent: int) -> str:
    """The git process this hook runs under: its pid and start. Others may stand in between."""
    from orchestrator.coordination.liveness import ancestors, command, started

    chain = [parent, *ancestors(parent)]
    pid = next((pid for pid in chain if command(pid) == "git"), parent)
    return f"{pid} {started(pid)}"


def _undecided(name: str, why: str, hint: str) -> int:
    """Where nobody can tell: refuse a client, let a human through; after a commit just say it."""
    stop = name.startswith("pre-") and (in_client() or "ORCHESTRATE_SESSION" in os.environ)
    end = "so this is refused" if stop else "so nothing was checked"
    say(f"orchestrate {name}: cannot decide, {end}: {why}", f"hint: {hint}")
    return 1 if stop else 0


def _too_late(number: int, frame: object) -> NoReturn:
    raise Undecided(f"the hook took more than {DEADLINE} s")


_HOOKS = {
    "pre-commit": _pre_commit,
    "pre-merge-commit": _pre_merge,
    "pre-push": _pre_push,
    "post-commit": _after,
    "post-merge": _after,
}

if __name__ == "__main__":
    # Not 1, which is how Python ends by itself when something is amiss with this program.
    sys.exit(REFUSED if main(sys.argv[1:]) else 0)
