"""Remembers which configurations had rules that work, because looking starts the CEL library.

Every command reads the configuration in force, and importing CEL costs more
than all the rest of it. A file in the state folder keeps the digests of what
was found right, bound to the code that found it. It never decides whether a
rule holds: a rule that does not work is still an error where it is used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory"]

_KEPT = 32
_CODE = Path(__file__).parent.parent / "policy"


@dataclass(frozen=True, slots=True)
class Memory:
    """Digests in ``file``, one a line. A file that cannot be read or written remembers nothing."""

    file: Path

    @classmethod
    def of(cls, state: Path) -> Memory:
        """The memory in a state folder; the folder is not made for it."""
        return cls(state / "config-rules-checked")

    def knows(self, content: bytes) -> bool:
        """True when the rules of ``content`` were found right before."""
        return _digest(content) in self._lines()

    def add(self, content: bytes) -> None:
        """Remember ``content``. Two at once may forget one: then it is looked at again."""
        if not self.file.parent.is_dir():
            return
        lines = [line for line in self._lines() if line != _digest(content)]
        text = "\n".join([*lines, _digest(content)][-_KEPT:]) + "\n"
        try:
            self.file.write_text(text)
        except OSError:
            return

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            return []


def _digest(content: bytes) -> str:
    """Of the content and of the code that decides about rules."""
    code = [(path.name, path.stat().st_size, path.stat().st_mtime_ns)
            for path in sorted(_CODE.glob("*.py"))]  # fmt: skip
    return hashlib.sha256(repr(code).encode() + content).hexdigest()
