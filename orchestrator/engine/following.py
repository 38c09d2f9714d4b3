"""Renames are followed while work goes on: who leased the old name leases the new one too.

Looked for at a heartbeat. Cheap: a leased file that is still there ends it, and
git is asked once about each disappearance, not at every heartbeat.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.coordination import leases
from orchestrator.coordination.paths import Target, file_target, folds_case
from orchestrator.engine import lease_ownership
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, GitError
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Followed", "follow"]

#: The most leases looked at, and the most new files compared with what disappeared.
_MOST_LEASES, _MOST_FILES = 500, 200


@dataclass(frozen=True, slots=True)
class Followed:
    """``names`` are pairs (old, new) that are leased now; ``remarks`` what could not be."""

    names: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def follow(project: Project, session: Row) -> Followed:
    """Lease what the leased files of ``session`` (a row) were renamed to in its checkout."""
    here = session["cwd"] or str(project.repository.worktree)
    rows = project.store.read(lambda reader: _files(reader, session))
    gone = [row for row in rows if not os.path.lexists(f"{here}/{row['path']}")]
    mark = _mark(here, gone) if gone else None
    if mark == session["moved"]:
        return Followed()
    pairs = _renamed(project, Path(here), gone) if gone else {}

    def body(tx: Transaction) -> Followed:
        tx.update("sessions", {"id": session["id"]}, {"moved": mark})
        return _take(project, tx, session["instance"], here, pairs)

    return project.store.write(body)


def _files(reader: Reader, session: Row) -> list[Row]:
    """Leases on whole files that were there when they were leased."""
    where = {"status": "held", "instance": session["instance"], "kind": "file", "handoff": None}
    rows = reader.find("leases", where, limit=_MOST_LEASES)
    root = session["parent"] or session["id"]
    return [row for row in rows if row["session"] == root and row["hash"]]


def _mark(here: str, gone: Iterable[Row]) -> str:
    """The same as long as nothing that could make a rename of it has changed."""
    parts = sorted(str(row["path"]) for row in gone)
    private = _git_folder(Path(here))
    for name in ("index", "HEAD", "logs/HEAD"):
        try:
            parts.append(str((private / name).stat().st_mtime_ns))
        except OSError:
            parts.append("-")
    return hashlib.sha1("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _git_folder(here: Path) -> Path:
    """Where a checkout has its own index."""
    marker = here / ".git"
    if marker.is_dir():
        return marker
    try:
        return here / marker.read_text().removeprefix("gitdir:").strip()
    except OSError:
        return marker


def _renamed(project: Project, here: Path, gone: list[Row]) -> dict[str, str]:
    """Old path → new path, as git sees it, and by content where git does not know the new file."""
    git, wanted = Git(here), {row["path"]: row["hash"] for row in gone}
    try:
        found = {old: new for old, new in _known(git, "HEAD") if old in wanted}
        base = project.integration_head()
        fork = git.merge_base(base, "HEAD") if base and len(found) < len(wanted) else None
        if fork:
            older = {old: new for old, new in _known(git, fork) if old in wanted}
            found = {**older, **found}
        left = {digest: old for old, digest in wanted.items() if old not in found}
        if left:
            found |= _moved(git, here, left)
    except (GitError, OSError):
        return {}  # not a checkout any more; what it handed off is looked at when it is ready
    return found


def _known(git: Git, start: str) -> list[tuple[str, str]]:
    """Renames between a commit and the working tree, committed meanwhile or not."""
    fields = git.lines("diff", "--name-status", "--diff-filter=R", "-M", "-l400", "-z", start)
    return list(zip(fields[1::3], fields[2::3], strict=True))


def _moved(git: Git, here: Path, left: dict[str, str]) -> dict[str, str]:
    """New files that have exactly the content of one that disappeared."""
    found: dict[str, str] = {}
    for name in git.lines("ls-files", "--others", "--exclude-standard", "-z")[:_MOST_FILES]:
        path = here / name
        if path.is_file() and not path.is_symlink():
            digest = _digest(path)
            if digest in left:
                found[left[digest]] = name
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def _take(
    project: Project, tx: Transaction, instance: str, here: str, pairs: dict[str, str]
) -> Followed:
    fold = folds_case(here)
    names, remarks = [], []
    for old, new in sorted(pairs.items()):
        want = file_target(new, fold=fold)
        why = _why_not(project, tx, instance, file_target(old, fold=fold), want, Path(here) / new)
        if why:
            remarks.append(f"{old} was renamed to {new}, {why}")
        else:
            names.append((old, new))
    return Followed(tuple(names), tuple(remarks))


def _why_not(
    project: Project, tx: Transaction, instance: str, old: Target, new: Target, place: Path
) -> str | None:
    """Lease the new name; or why that cannot be."""
    try:
        lease_ownership.refuse(project, tx, instance, [new], "exclusive")
    except OrchestrateError as error:
        return f"and {error.message}"
    conflicts = leases.renamed(tx, [(old, new)], instance=instance)
    if conflicts:
        return f"which {conflicts[0].holder} holds"
    leases.wrote(tx, new, instance=instance, digest=_digest(place) if place.is_file() else None)
    return None
