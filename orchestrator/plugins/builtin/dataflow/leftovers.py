"""Remembers that a flow is set up, so that the next one takes down what a killed one could not.

A note in a folder of the user's own says how, and is locked while the process
that plays the flow lives. A note nobody holds belongs to one that was killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Note", "left", "noted"]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Note:
    """How a flow is taken down: its commands, filled in, and the variables they read."""

    commands: tuple[str, ...]
    variables: Mapping[str, str]


class Keeper:
    """Holds the note of a flow that is being played."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write(self, commands: Sequence[str], variables: Mapping[str, str]) -> None:
        """Replace what the note says."""
        text = json.dumps([list(commands), dict(variables)]).encode()
        os.pwrite(self._descriptor, text + b"\n", 0)
        os.ftruncate(self._descriptor, len(text) + 1)


@contextmanager
def noted(key: str) -> Iterator[Keeper]:
    """A note for as long as the flow is set up; taken away at the end."""
    path = _folder() / f"{_name(key)}.{os.getpid()}.{next(_numbers)}"
    fresh = path.with_name(f".{path.name}")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        # Locked before anybody can find it: a note without a lock is one of a killed process.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fresh.rename(path)
        yield Keeper(path, descriptor)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def left(key: str) -> Iterator[Note]:
    """The notes of killed processes. Each is given to one caller, who has to act on it."""
    for path in sorted(_folder().glob(f"{_name(key)}.*")):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists():
                continue  # somebody else was first
            note = _read(file.read())
            if note is not None:
                yield note
            path.unlink(missing_ok=True)


def _read(content: bytes) -> Note | None:
    """What a note says; None where its process was killed before it said anything."""
    try:
        commands, variables = json.loads(content.split(b"\n")[0])
        return Note(tuple(commands), dict(variables))
    except (ValueError, TypeError):
        return None


def _folder() -> Path:
    """The user's own: what is in it is executed. Raises ``PermissionError`` where it is not."""
    folder = Path(tempfile.gettempdir()) / f"orchestrate-flows-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]
