"""Where a git hook runs and who runs it, and how it says what it found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.coordination.callers import Caller, caller
from orchestrator.coordination.committing import Policy, Problem, acting, judge, policy
from orchestrator.coordination.paths import folds_case
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository, find
from orchestrator.store.port import Reader, Store
from orchestrator.store.sqlite import FILE, open_store

__all__ = ["Scene", "Undecided", "say", "scene", "verdict"]


class Undecided(OrchestrateError):
    """A git hook cannot tell whether the commit, merge or push may go on.

    Happens when the store is missing, damaged or busy for too long. An instance's
    commit is refused then; a human's goes on with the message. Look what is wrong:
    ``orchestrate doctor``.
    """

    code = "E720"


@dataclass(frozen=True, slots=True)
class Scene:
    """``git`` keeps the variables git gave the hook; ``instance`` is whose work it is."""

    repository: Repository
    git: Git
    store: Store
    rules: Policy
    who: Caller
    instance: str

    def judge(self, files: Iterable[str], author: str | None = None) -> list[Problem]:
        """What speaks against changes of these files by ``author`` (default: the caller's)."""
        fold, name = folds_case(str(self.repository.main)), author or self.instance
        beside = None if name == self.instance else self.instance
        return self.store.read(
            lambda reader: judge(reader, self.rules, name, files, fold=fold, beside=beside)
        )


def scene(start: Path | None = None) -> Scene:
    """Find everything out. Raises ``Undecided`` and what the store raises."""
    repository = find(start)
    if not (repository.state / FILE).is_file():
        raise Undecided(f"there is no store in {repository.state}", hint="orchestrate status")
    store = open_store(repository.state)

    def body(reader: Reader) -> tuple[Policy | None, Caller, str]:
        who = caller(reader)
        return policy(reader), who, acting(reader, repository, who)

    rules, who, instance = store.read(body)
    if rules is None:
        raise Undecided("the store holds no configuration yet", hint="orchestrate config check")
    return Scene(repository, Git(repository.worktree, inherit=True), store, rules, who, instance)


def verdict(scene: Scene, what: str, problems: Sequence[Problem]) -> int:
    """Say what was found; 1 when it stops ``what`` (``commit``, ``merge``, ``push``)."""
    if not problems:
        return 0
    bad = any(problem.refuse for problem in problems)
    refused = bad and (not scene.who.human or scene.rules.humans == "refuse")
    say(f"orchestrate: this {what} is refused" if refused else f"orchestrate: about this {what}")
    say(*(f"  {problem.text}" for problem in dict.fromkeys(problems)))
    if refused:
        hints = [problem.hint for problem in problems if problem.refuse and problem.hint]
        say(*(f"hint: {hint}" for hint in dict.fromkeys(hints)))
    elif bad:
        say("you are a human, so it goes on (git_hooks.humans: refuse would stop it)")
    return 1 if refused else 0


def say(*lines: str) -> None:
    """On stderr, with the control characters of file names made visible."""
    for line in lines:
        signs = (c if c.isprintable() else ascii(c)[1:-1] for c in line)
        print("".join(signs), file=sys.stderr)
