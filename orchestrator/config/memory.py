"""Remembers which configurations were found right, and the data that was read from them.

Every command reads the configuration in force, and looking at it starts three
libraries (YAML, JSON Schema, CEL) that cost more than all the rest of the
command. What has no fault never gets one as long as the code that looks is the
same, so each entry is bound to that code. Only what was looked at and is right
is ever remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.plugins.json_values import Json

__all__ = ["Memory"]

_KEPT = 32
_HERE = Path(__file__).parent
#: What decides about a configuration: this code, and the installed libraries.
_CODE = (str(_HERE), str(_HERE / "model"), str(_HERE.parent / "policy"))
_LIBRARIES = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Memory:
    """One file an entry in ``folder``; what cannot be read or written is not remembered.

    A file that is not as it was written is an entry that is not there.
    """

    folder: Path
    make: bool = False

    @classmethod
    def of(cls, state: Path, *, make: bool = False) -> Memory:
        """The memory in a state folder; only ``make`` makes that folder."""
        return cls(state / "config-checked", make)

    def recall(self, content: bytes) -> Json | None:
        """The data in ``content`` if it was found right before, else None."""
        try:
            checksum, _, body = self._file(content).read_bytes().partition(b"\n")
            return json.loads(body) if checksum == _checksum(body) else None
        except (OSError, ValueError):
            return None

    def add(self, content: bytes, data: Json) -> None:
        """Remember that ``content`` is right and says ``data``."""
        body = json.dumps(data).encode()
        file = self._file(content)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=self.make, exist_ok=True)
            beside.write_bytes(_checksum(body) + b"\n" + body)
            beside.replace(file)
            self._forget()

    def _forget(self) -> None:
        """Remove the oldest beyond those that are kept."""
        files = sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-_KEPT]:
            file.unlink(missing_ok=True)

    def _file(self, content: bytes) -> Path:
        state = hashlib.sha256(repr([sys.version, *_looked_at_by()]).encode() + content)
        return self.folder / f"{state.hexdigest()}.json"


def _looked_at_by() -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every file that decides, and of the folders of libraries."""
    for folder in _CODE:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith((".py", ".json")):
                    told = entry.stat()
                    yield entry.name, told.st_size, told.st_mtime_ns
    for place in sys.path:
        if place.endswith(_LIBRARIES):
            with contextlib.suppress(OSError):
                yield place, 0, Path(place).stat().st_mtime_ns


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
