"""What a lease is on: a file, a folder or a glob, normalised once.

A target's ``path`` is relative to the repository, with ``/``, whichever way it
was written and from whichever worktree: two ways to write one file give one
path. Never outside the repository. Asks the file system, never git.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from orchestrator.config.ownership import escape, matches, overlap
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository

__all__ = [
    "ROOT",
    "BadPath",
    "OutsideRepository",
    "Target",
    "above",
    "file_target",
    "folds_case",
    "named_file",
    "normalise",
    "overlaps",
    "with_lines",
]

#: The path of the repository's own folder.
ROOT = "."
#: The longest path and name a lease can be on, in bytes: what Linux and macOS can open.
_LONGEST_PATH, _LONGEST_NAME = 4096, 255
_WILD = frozenset("*?[")


class BadPath(OrchestrateError):
    """This cannot be the path of a file.

    Happens for an empty path, control characters (newlines, terminal escapes,
    NUL), a name longer than 255 bytes, a path of 4 KiB, ``..`` after a
    wildcard, and line numbers that make no range. The message says where.
    """

    code = "E360"


class OutsideRepository(OrchestrateError):
    """The path is not inside the repository.

    A lease is on something below a worktree of the repository and outside
    ``.git``; symbolic links count as what they point to.
    """

    code = "E361"


@dataclass(frozen=True, slots=True)
class Target:
    """``kind`` is file, folder or glob; ``prefix`` what it covers lies at or under.

    That is the path of a file or folder, the literal folder a glob begins with;
    empty for the repository's own folder. ``lines`` (first and
    last, from 1) is set for a part of a file. ``place`` is where the file is on
    disk, for hashing.
    """

    kind: str
    path: str
    prefix: str
    lines: tuple[int, int] | None = None
    place: str | None = None

    def __str__(self) -> str:
        folder = "/" if self.kind == "folder" and self.path != ROOT else ""
        return f"{self.path}{folder}" + (f":{self.lines[0]}-{self.lines[1]}" if self.lines else "")


def normalise(repository: Repository, cwd: Path | str, text: str) -> Target:
    """The target ``text`` means, written by somebody in ``cwd``.

    A trailing slash or an existing directory makes a folder; wildcards make a
    glob, unless a file of exactly that name exists. What does not exist yet is
    fine. Raises ``BadPath`` or ``OutsideRepository``.
    """
    _refuse_unusable(text)
    written = os.path.join(cwd, text)  # noqa: PTH118 – Path would drop the trailing slash
    literal, pattern = (written, "") if os.path.lexists(written) else _split(written)
    real = os.path.realpath(literal)
    root, inside = _inside(repository, real, text)
    if pattern:
        return _glob(root, inside, pattern, text)
    if os.path.isdir(real):  # noqa: PTH112
        return _folder(root, inside)
    if text.endswith("/"):
        if os.path.lexists(real):
            raise BadPath(f"{text!r} is a file, not a folder", hint="write it without the slash")
        return _folder(root, inside)
    return replace(file_target(inside, fold=folds_case(root)), place=real)


def named_file(repository: Repository, cwd: Path | str, text: str) -> Target:
    """As ``normalise``, where ``text`` is known to name one file: wildcards stand for themselves.

    Raises ``BadPath`` or ``OutsideRepository``.
    """
    _refuse_unusable(text)
    real = os.path.realpath(os.path.join(cwd, text))  # noqa: PTH118
    root, inside = _inside(repository, real, text)
    if not inside or os.path.isdir(real):  # noqa: PTH112
        raise BadPath(f"{text!r} is a folder")
    return replace(file_target(inside, fold=folds_case(root)), place=real)


def file_target(path: str, *, fold: bool = False) -> Target:
    """The target of a file by its repository-relative path, as git prints it."""
    key = _key(path, fold)
    return Target("file", key, key)


def with_lines(target: Target, first: int, last: int) -> Target:
    """Only the lines from ``first`` to ``last`` of a file. Raises ``BadPath``."""
    if target.kind != "file":
        raise BadPath(f"{target} is a {target.kind}", hint="only a file has lines")
    if not 1 <= first <= last < 2**31:
        raise BadPath(f"{first}-{last} is no range of lines", hint="lines count from 1: 10-25")
    return replace(target, lines=(first, last))


def overlaps(one: Target, other: Target) -> bool:
    """Whether some file belongs to both; exact, also for two globs."""
    if one.kind == "glob" or other.kind == "glob":
        return _glob_overlaps(one, other) if one.kind == "glob" else _glob_overlaps(other, one)
    if one.kind == "folder" and _covers(one.path, other.path):
        return True
    if other.kind == "folder":
        return _covers(other.path, one.path)
    return one.path == other.path and not _apart(one.lines, other.lines)


def above(prefix: str) -> Iterator[str]:
    """``prefix`` and every folder above it, without the repository's own: a/b → a, a/b."""
    place = prefix.find("/")
    while place > 0:
        yield prefix[:place]
        place = prefix.find("/", place + 1)
    if prefix:
        yield prefix


@lru_cache(maxsize=64)
def folds_case(root: str) -> bool:
    """Whether the disk under ``root`` takes ``A`` and ``a`` for one name. Probed, not guessed."""
    try:
        return os.path.samefile(f"{root}/.git", f"{root}/.GIT")  # noqa: PTH121
    except OSError:
        return False


def _glob_overlaps(glob: Target, other: Target) -> bool:
    if other.kind == "file":
        return matches(glob.path, other.path)
    if other.kind == "glob":
        return overlap(glob.path, other.path) is not None
    inside = "**" if other.path == ROOT else f"{escape(other.path)}/**"
    return matches(glob.path, other.path) or overlap(glob.path, inside) is not None


def _covers(folder: str, path: str) -> bool:
    return folder in (ROOT, path) or path.startswith(f"{folder}/")


def _apart(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    """Two parts of one file without a common line; a whole file has every line."""
    if one is None or other is None:
        return False
    return one[1] < other[0] or other[1] < one[0]


def _refuse_unusable(text: str) -> None:
    if not text:
        raise BadPath("an empty path", hint="the repository's own folder is .")
    for place, sign in enumerate(text, 1):
        if unicodedata.category(sign) in ("Cc", "Cs"):
            shown = f"U+{ord(sign):04X}"
            raise BadPath(f"{_short(text)}: character {place} is {shown}, which no lease can hold",
                          hint="rename the file")  # fmt: skip
    if len(text.encode()) >= _LONGEST_PATH:
        raise BadPath(f"{_short(text)}: {len(text.encode())} bytes; a path has at most 4095")
    for name in text.split("/"):
        if len(name.encode()) > _LONGEST_NAME:
            raise BadPath(f"{_short(name)}: a name of {len(name.encode())} bytes",
                          hint="no file system here takes more than 255")  # fmt: skip


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:40]}…{text[-15:]}")


def _split(path: str) -> tuple[str, str]:
    """The literal folder a path begins with, and the pattern that follows."""
    names = path.split("/")
    for place, name in enumerate(names):
        if not _WILD.isdisjoint(name):
            return "/".join(names[:place]) or "/", "/".join(names[place:])
    return path, ""


def _inside(repository: Repository, real: str, text: str) -> tuple[str, str]:
    """The worktree ``real`` is in, and its path there. The innermost one, where they nest."""
    for root in sorted(_roots(repository), key=len, reverse=True):
        if real == root:
            return root, ""
        if real.startswith(f"{root}/"):
            inside = real[len(root) + 1 :]
            if inside.split("/", 1)[0].casefold() == ".git":
                raise OutsideRepository(f"{text!r} is git's own", hint="lease files of the project")
            return root, inside
    raise OutsideRepository(f"{text!r} is {real}, which is not inside {repository.main}")


def _roots(repository: Repository) -> set[str]:
    """The folders of every worktree, read from git's own files."""
    roots = {os.path.realpath(repository.worktree), os.path.realpath(repository.main)}
    for entry in (repository.common / "worktrees").glob("*/gitdir"):
        try:
            written = entry.read_text().strip()
        except OSError:
            continue  # removed meanwhile
        roots.add(os.path.realpath((entry.parent / written).parent))
    return roots


def _folder(root: str, inside: str) -> Target:
    key = _key(inside, folds_case(root))
    return Target("folder", key or ROOT, key)


def _glob(root: str, inside: str, pattern: str, text: str) -> Target:
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if ".." in names:
        raise BadPath(f"{text!r}: .. after a wildcard", hint="write the pattern without ..")
    end = "/" if pattern.endswith("/") else ""
    fold = folds_case(root)
    prefix = _key(inside, fold)
    # What the literal part is called may itself contain a wildcard's sign.
    whole = "/".join([*([escape(prefix)] if prefix else []), _key("/".join(names), fold)]) + end
    return Target("glob", whole, prefix)


def _key(path: str, fold: bool) -> str:
    """One spelling for what the disk may take for one name."""
    text = unicodedata.normalize("NFC", path)
    return unicodedata.normalize("NFC", text.casefold()) if fold else text
