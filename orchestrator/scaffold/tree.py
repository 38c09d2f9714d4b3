"""The files of a repository, as detection sees them: names, and the text of a few.

Reads only; starts git once to learn which files are tracked.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from orchestrator.config.ownership import escape
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git

__all__ = ["Tree", "glob_of", "survey"]

#: Folders that hold other people's code or what a build made.
FOREIGN = {
    ".git", "node_modules", ".venv", "venv", "__pycache__", "dist", "build", "target", "vendor",
    ".tox", ".mypy_cache", ".gradle", "Pods", ".terraform", "third_party",
}  # fmt: skip
_LARGEST = 262_144
_MOST = 200_000


@dataclass(frozen=True)
class Tree:
    """``files`` are repository-relative paths with ``/``, sorted."""

    root: Path
    files: tuple[str, ...]

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every folder that holds a file, however deep below; sorted."""
        found = {
            str(parent)
            for name in self.files
            for parent in PurePosixPath(name).parents
            if str(parent) != "."
        }
        return tuple(sorted(found))

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Paths by their last component: far fewer names than paths to match."""
        found: dict[str, list[str]] = {}
        for path in self.files:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    def named(self, *patterns: str) -> list[str]:
        """Files whose last component matches one of the patterns, nearest the root first."""
        matches = re.compile("|".join(fnmatch.translate(p) for p in patterns)).match
        chosen = [path for name, paths in self.by_name.items() if matches(name) for path in paths]
        return sorted(chosen, key=lambda path: (path.count("/"), path))

    def matching(self, pattern: str) -> bool:
        """True when a file is under ``dir/**``, is the path itself, or matches the glob."""
        if pattern.endswith("/**"):
            return any(name.startswith(pattern[:-2]) for name in self.files)
        return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in self.files)

    def has(self, patterns: Iterable[str]) -> bool:
        """True when a file's name, or for a pattern with ``/`` its path, matches a pattern."""
        wanted = tuple(patterns)
        names = [p for p in wanted if "/" not in p]
        if names and self.named(*names):
            return True
        return any(
            fnmatch.fnmatchcase(f"/{path}", p) for p in wanted if "/" in p for path in self.files
        )

    def text(self, name: str) -> str:
        """A file's text; empty when it is too large, unreadable or leads out of the tree."""
        path = self.root / name
        try:
            if not path.resolve().is_relative_to(self.root.resolve()):
                return ""
            if path.stat().st_size > _LARGEST:
                return ""
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def survey(root: Path, without: Iterable[str] = ()) -> Tree:
    """The tracked and new files below ``root``, or all where git does not answer.

    ``without`` are prefixes to leave out. Names that are not text, and names
    with control characters, are left out: no configuration could hold them.
    """
    skipped = tuple(without)
    chosen = sorted(
        name
        for name in _listed(root)
        if name.isprintable()
        and not name.startswith(skipped)
        and not FOREIGN & set(name.split("/")[:-1])
    )
    return Tree(root, tuple(chosen[:_MOST]))


def _listed(root: Path) -> Iterable[str]:
    try:
        git = Git(root)
        return git.lines("ls-files", "-co", "--exclude-standard", "--deduplicate", "-z")
    except (OrchestrateError, OSError):
        return _walked(root)


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in FOREIGN]
        for name in names:
            yield Path(folder, name).relative_to(root).as_posix()


def glob_of(folder: str) -> str:
    """The glob for everything below a folder; what is special in globs is taken literally."""
    return f"{escape(folder)}/**"
