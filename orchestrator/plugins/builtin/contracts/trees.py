"""The files of one revision: of a commit, or of a folder. Reads, and never follows links out."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from orchestrator.git import Git
from orchestrator.plugins.builtin.contracts.documents import in_checkout

__all__ = ["CommitTree", "FolderTree", "Recorded", "Tree"]

#: The most files one version of a contract may be made of.
_MOST = 5000


class Tree(Protocol):
    """What a version is read from. Paths are relative to the repository."""

    def read(self, path: str) -> bytes | None:
        """A file's content, or None where there is no such file."""

    def below(self, folder: str) -> list[str]:
        """The files at or below a path, sorted."""

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of several files; what is not there is left out."""


@dataclass(frozen=True)
class FolderTree:
    """The files below a folder as they are now."""

    root: Path

    def read(self, path: str) -> bytes | None:
        return in_checkout(self.root)(path)

    def below(self, folder: str) -> list[str]:
        place = self.root / folder
        if place.is_file():
            return [folder]
        found = (path.relative_to(self.root) for path in place.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if ".git" not in path.parts)[:_MOST]

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        found = {path: self.read(path) for path in paths}
        return {path: content for path, content in found.items() if content is not None}


@dataclass(frozen=True)
class CommitTree:
    """The files of a commit."""

    git: Git
    commit: str

    def read(self, path: str) -> bytes | None:
        return self.git.show(self.commit, path)

    def below(self, folder: str) -> list[str]:
        place = () if folder in ("", ".") else (folder.rstrip("/"),)
        names = self.git.lines("ls-tree", "-r", "-z", "--name-only", self.commit, "--", *place)
        return sorted(names)[:_MOST]

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = list(paths)
        if not wanted:
            return {}
        specs = [f":(literal){path}" for path in wanted]
        packed = self.git.run("archive", "--format=tar", self.commit, "--", *specs).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            files = [(member, archive.extractfile(member)) for member in archive if member.isfile()]
            return {member.name: stream.read() for member, stream in files if stream is not None}


@dataclass
class Recorded:
    """A tree that remembers what was read of it: what a version is made of."""

    tree: Tree
    seen: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        content = self.tree.read(path)
        if content is not None:
            self.seen[path] = content
        return content

    def below(self, folder: str) -> list[str]:
        return self.tree.below(folder)

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        found = self.tree.contents(paths)
        self.seen.update(found)
        return found

    @cached_property
    def identity(self) -> str:
        """The same for the same files with the same contents; ask when everything was read."""
        digest = hashlib.sha256()
        for path, content in sorted(self.seen.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return f"sha256:{digest.hexdigest()[:32]}"
