"""The versions of a contract: the candidate's, the base's, and those kept before it.

The one truth about kept versions is the history of the base: each content the
contract's files had on its first-parent line. Nobody has to copy anything, and
an author cannot change it in the same breath as the contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git import Git, GitError
from orchestrator.plugins.builtin.contracts.trees import CommitTree, FolderTree, Tree
from orchestrator.plugins.spec import CheckContext, Json

__all__ = ["Version", "at_commit", "given", "in_folder", "kept", "shallow"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version: what it is called, the path of its file (or folder), where it is read.

    ``commit`` is None for files as they are in a folder; ``date`` is that of
    the commit, RFC 3339.
    """

    label: str
    path: str
    tree: Tree
    commit: str | None = None
    date: str = ""


def in_folder(folder: str, path: str, label: str = "candidate") -> Version:
    """The version as it is in a checkout."""
    return Version(label, path, FolderTree(Path(folder).resolve()))


def at_commit(git: Git, commit: str, path: str, label: str = "", date: str = "") -> Version:
    """The version a commit has."""
    return Version(label or commit[:12], path, CommitTree(git, commit), commit, date)


def given(spec: Mapping[str, Json], context: CheckContext) -> Version:
    """A version named outright: ``folder`` or ``commit``, with ``path`` and ``label``."""
    if spec.get("commit"):
        git = Git(Path(spec.get("folder") or context.checkout))
        return at_commit(git, spec["commit"], spec["path"], spec["label"])
    return in_folder(spec["folder"], spec["path"], spec["label"])


def kept(git: Git, base: str, path: str, files: list[str]) -> Iterator[Version]:
    """The versions the base has had, its own first, then older ones; raises ``GitError``.

    ``files`` are what the base's version is made of: a change of any of them is
    a version of its own.
    """
    asked = ("log", "--first-parent", "-z", "--format=%H %cI", base, "--")
    for entry in git.lines(*asked, *(f":(literal){name}" for name in (files or [path]))):
        commit, _, date = entry.strip().partition(" ")
        yield at_commit(git, commit, path, date=date)


def shallow(git: Git) -> bool:
    """Whether the repository's history was cut off: then not every version is known."""
    try:
        return git.out("rev-parse", "--is-shallow-repository") == "true"
    except GitError:
        return True
