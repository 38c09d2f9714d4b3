"""Remembers JSON values by a key, on disk, for every process and worktree of a repository.

One file an entry, written beside and renamed, with a checksum in its first
line: half an entry, or one that something changed, is an entry that is not
there. What has not been used for longest goes first when there is no room.
Knows nothing of checks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.plugins.spec import Json, dumps

__all__ = ["Cache", "Found", "Stats"]

#: The form of an entry; another one is an entry that is not there.
_FORM = 1
#: Share of the room that is in use after making room.
_AFTER = 0.9


@dataclass(frozen=True, slots=True)
class Found:
    """What a look gave: ``value``, or None; ``trouble`` says that an entry was no good."""

    value: Json = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How many entries there are, their bytes, and the times (ms) of the oldest and newest."""

    entries: int
    size: int
    oldest: int | None
    newest: int | None


@dataclass(frozen=True, slots=True)
class Cache:
    """Entries in ``folder``: at most ``size`` bytes, each good for ``max_age`` seconds."""

    folder: Path
    size: int = 100_000_000
    max_age: float = 604800.0

    def get(self, key: str) -> Found:
        """The value remembered under ``key``; using it keeps it longer."""
        path = self._path(key)
        try:
            with open(path, "rb", buffering=0) as file:
                text = file.read()
        except FileNotFoundError:
            return Found()
        except OSError as error:
            return Found(trouble=f"{path}: {error.strerror}")
        first, _, rest = text.partition(b"\n")
        if first.decode(errors="replace") != _checksum(rest):
            with contextlib.suppress(OSError):
                Path(path).unlink()
            return Found(trouble=f"{path} was damaged, and is gone")
        entry = json.loads(rest)
        age = time.time() * 1000 - entry["at"]
        if entry.get("form") != _FORM or entry["key"] != key or not 0 <= age <= self.max_age * 1000:
            return Found()
        with contextlib.suppress(OSError):
            os.utime(path)
        return Found(entry["value"])

    def put(self, key: str, value: Json, at: int | None = None) -> str | None:
        """Remember ``value`` as of ``at`` (ms, default: now); what went wrong, or None."""
        at = int(time.time() * 1000) if at is None else at
        body = dumps({"form": _FORM, "key": key, "at": at, "value": value}).encode(errors="replace")
        path = Path(self._path(key))
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(_made(beside), "wb") as file:
                file.write(_checksum(body).encode() + b"\n" + body)
            beside.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            return f"{error.strerror}: {path.parent}"
        return None

    def make_room(self) -> int:
        """Remove what was not used for longest until the rest fits; how many went."""
        found = sorted(self._files(), key=lambda entry: entry[1].st_mtime_ns)
        total, gone = sum(told.st_size for _, told in found), 0
        if total <= self.size:
            return 0
        for path, told in found:
            if total <= self.size * _AFTER:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
            total, gone = total - told.st_size, gone + 1
        return gone

    def stats(self) -> Stats:
        """What is there now."""
        found = [told for _, told in self._files()]
        times = [int(told.st_mtime * 1000) for told in found]
        oldest, newest = (min(times), max(times)) if times else (None, None)
        return Stats(len(found), sum(told.st_size for told in found), oldest, newest)

    def clear(self) -> int:
        """Forget everything; how many entries there were."""
        gone = 0
        for path, _ in list(self._files()):
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
                gone += 1
        return gone

    def _path(self, key: str) -> str:
        return f"{self.folder}/{key[:2]}/{key}.json"

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Every entry with its path, also what a killed writer left."""
        for folder in _inside(str(self.folder)):
            if len(folder.name) == 2:
                for entry in _inside(folder.path):
                    if ".json" in entry.name:
                        with contextlib.suppress(OSError):
                            yield entry.path, entry.stat(follow_symlinks=False)


def _inside(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _made(path: Path) -> int:
    """A new, empty file that only its owner reads, open to be written; its folder is made."""
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        return os.open(path, how, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, how, 0o600)


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
