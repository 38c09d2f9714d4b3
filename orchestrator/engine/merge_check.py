"""What a branch would bring with it, looked at before it is merged: by hand, or by CI."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.coordination.committing import Problem, acting, judge, policy
from orchestrator.coordination.dropped import HINT, in_history, merges
from orchestrator.coordination.paths import folds_case
from orchestrator.engine.handoff import RefNotFound
from orchestrator.engine.project import Project
from orchestrator.git import Git
from orchestrator.store.port import Reader

__all__ = ["Found", "check"]


@dataclass(frozen=True, slots=True)
class Found:
    """``files`` and ``merges`` are how many were looked at; ``remarks`` what could not be."""

    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]
    files: int
    merges: int

    @property
    def refused(self) -> bool:
        return any(problem.refuse for problem in self.problems)

    @property
    def summary(self) -> str:
        end = "something speaks against it" if self.refused else "nothing speaks against it"
        return f"{self.files} files, {self.merges} merges: {end}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "refused": self.refused}


def check(project: Project, *, since: str, ref: str = "HEAD", instance: str | None = None) -> Found:
    """Everything in ``since..ref``. Raises ``RefNotFound`` and what the store raises."""
    git = project.repository.git
    base, head = _commit(git, since), _commit(git, ref)
    fork = git.merge_base(base, head)
    files = (
        git.changed(fork, head)
        if fork
        else tuple(git.lines("ls-tree", "-r", "--name-only", "-z", head))
    )
    who, fold = project.caller(), folds_case(str(project.repository.main))

    def body(reader: Reader) -> list[Problem]:
        rules = policy(reader)
        assert rules is not None  # opening the project compiled it
        name = instance or acting(reader, project.repository, who)
        return judge(reader, rules, name, files, fold=fold)

    problems, remarks = project.store.read(body), []
    for commit, drop in in_history(git, base, head):
        if drop is None:
            remarks.append(f"{commit[:12]} merges several branches at once: not examined")
        else:
            problems.append(Problem(f"{commit[:12]} {drop}", not drop.choice, HINT))
    if not project.store.read(lambda reader: reader.find("leases", limit=1, columns=("id",))):
        remarks.append(
            "no lease was ever taken in this store: only ownership and merges were judged"
        )
    count = len(merges(git, base, head))
    return Found(tuple(dict.fromkeys(problems)), tuple(remarks), len(files), count)


def _commit(git: Git, ref: str) -> str:
    found = git.commit(ref)
    if found is None:
        raise RefNotFound(f"{ref!r} names no commit", hint="fetch it first, with its history")
    return found
