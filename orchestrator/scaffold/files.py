"""Puts new files into a repository: all of them or none, and never over an existing one.

Everything that could stand in the way is looked for first. Then each file is
written beside its place and given its name only if that name is still free;
when one cannot be written, those before it are taken away again. Never follows
a symbolic link out of the folder.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestrateError

__all__ = ["Cannot", "NewFile", "Outcome", "put"]


class Cannot(OrchestrateError):
    """A file of the set-up cannot be written; nothing was changed.

    Something stands in the way: a file where a folder must be, a folder that
    is read-only, a symbolic link that leads out of the repository, a full
    disk. Move it away, or put everything below a folder of its own with
    ``orchestrate init --under .orchestrate``.
    """

    code = "E151"


@dataclass(frozen=True, slots=True)
class NewFile:
    """One file to write: its path relative to the repository, with ``/``, and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Paths that were (or with a dry run would be) written, and those that existed."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def put(root: Path, files: Sequence[NewFile], *, dry_run: bool = False) -> Outcome:
    """Write ``files`` below ``root``; those that exist are kept as they are.

    Raises ``Cannot`` before anything is written when something is in the way,
    and takes back what it wrote when writing fails half-way.
    """
    missing = [file for file in files if not _exists(root, file.path)]
    for file in missing:
        _look(root, file.path)
    kept = tuple(file.path for file in files if file not in missing)
    if dry_run:
        return Outcome(tuple(file.path for file in missing), kept)
    made: list[Path] = []
    written: list[str] = []
    try:
        for file in missing:
            if _write(root, file, made):
                written.append(file.path)
            else:
                kept = (*kept, file.path)
    except OSError as error:
        _take_back(made)
        raise Cannot(f"cannot write {file.path}: {error.strerror}", hint=_HINT) from error
    except BaseException:
        _take_back(made)
        raise
    return Outcome(tuple(written), kept)


_HINT = "make the place writable, or choose another: orchestrate init --under DIR"
_EFFECTIVE = os.access in os.supports_effective_ids
#: What file systems without hard links answer.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def _exists(root: Path, path: str) -> bool:
    """True for a file; what is there and is no file stands in the way (``Cannot``)."""
    _inside(root, path)
    target = root / path
    try:
        if target.is_symlink() and not target.exists():
            raise Cannot(f"{path} is a symbolic link that leads nowhere", hint="remove it")
        if target.is_dir():
            raise Cannot(f"{path} is a folder, and a file must be there", hint="move it away")
        return target.exists()
    except PermissionError as error:
        raise Cannot(f"cannot look at {path}: {error.strerror}", hint=_HINT) from error


def _inside(root: Path, path: str) -> None:
    """The place, with symbolic links followed, is inside the repository."""
    try:
        real = (root / path).resolve()
    except (OSError, RuntimeError) as error:
        raise Cannot(f"{path} cannot be followed: {error}", hint="remove the link") from error
    if not real.is_relative_to(root.resolve()):
        raise Cannot(
            f"{path} leads out of the repository, to {real}",
            hint="replace the symbolic link, or choose another place: orchestrate init --under DIR",
        )


def _look(root: Path, path: str) -> None:
    """What stands in the way of a new file; ``Cannot`` when something does."""
    folder = (root / path).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    shown = folder.relative_to(root).as_posix() if folder != root else str(root)
    if not folder.is_dir():
        raise Cannot(f"{shown} is a file, and a folder must be there", hint=_HINT)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        raise Cannot(f"{shown} is read-only", hint=_HINT)


def _write(root: Path, file: NewFile, made: list[Path]) -> bool:
    """Write one file; False when somebody made it meanwhile. Adds to ``made`` what is new."""
    target = root / file.path
    for folder in reversed([p for p in target.parents if not p.exists()]):
        folder.mkdir(exist_ok=True)
        made.append(folder)
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    made.append(beside)
    with open(beside, "x", encoding="utf-8", newline="\n") as stream:
        stream.write(file.text)
    try:
        _name(beside, target, file.text)
        made.append(target)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
        made.remove(beside)
    return True


def _name(beside: Path, target: Path, text: str) -> None:
    """Give a file its name; FileExistsError when it is taken (a rename would replace)."""
    try:
        os.link(beside, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(target, "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)


def _take_back(made: list[Path]) -> None:
    """Remove what was made, newest first; what cannot be removed stays."""
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(
                missing_ok=True
            )
        except OSError:
            continue
