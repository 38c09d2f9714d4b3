"""Fences in the life of a handoff: who took a changed file after its producer.

Checked when work is marked ready and again before it lands. In between, the
producer's leases on the changed files belong to the handoff.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.coordination import fences, leases
from orchestrator.coordination.paths import Target, file_target, folds_case
from orchestrator.engine.project import Project
from orchestrator.git import Git
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["land_problems", "pass_on", "ready_problems", "renames"]


def _targets(project: Project, files: Iterable[str]) -> list[Target]:
    """The targets of changed files, as git names them."""
    fold = folds_case(str(project.repository.main))
    return [file_target(path, fold=fold) for path in files]


def ready_problems(
    project: Project, reader: Reader, instance: str, files: Iterable[str]
) -> list[str]:
    """Why changes to ``files`` cannot land, by the fences."""
    return fences.problems(reader, instance, _targets(project, files))


def land_problems(project: Project, handoff: Row) -> list[str]:
    """The same, for an approved handoff that is about to land."""
    files = project.git.changed(handoff["base"], handoff["candidate"])
    return project.store.read(
        lambda reader: ready_problems(project, reader, handoff["producer"], files)
    )


def pass_on(
    project: Project,
    tx: Transaction,
    handoff: Row,
    files: Iterable[str],
    moved: Iterable[tuple[str, str]] = (),
) -> int:
    """The producer's leases on the changed files pass to the handoff; renamed ones follow."""
    producer = handoff["producer"]
    pairs = [tuple(_targets(project, pair)) for pair in moved]
    leases.renamed(tx, [(old, new) for old, new in pairs], instance=producer)
    return leases.pass_to(tx, handoff, producer, _targets(project, files))


def renames(git: Git, base: str, head: str) -> list[tuple[str, str]]:
    """Old and new names of the files renamed between two commits."""
    fields = git.lines("diff", "--name-status", "--diff-filter=R", "-M", "-z", base, head)
    return list(zip(fields[1::3], fields[2::3], strict=True))
