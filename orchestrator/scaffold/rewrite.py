"""Rewrites a file that belongs to somebody else, whole or not at all.

Symbolic links are followed and stay links; the mode stays. The new text is
written beside the file and takes its name in one step, under a lock of the
folder, and only if nobody else wrote the file meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestrateError
from orchestrator.scaffold.json_text import UnreadableSettings

__all__ = ["CannotRewrite", "Change", "rewrite"]

#: Times the change is made again because another program wrote the file meanwhile.
_TRIES = 20


class CannotRewrite(OrchestrateError):
    """A settings file cannot be written; it is as it was.

    It, or the folder that it is in, is not writable, or it is no ordinary
    file. Make it writable for this user, or have the entries put into another
    file with ``--local`` or ``--user``.
    """

    code = "E731"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a file: ``verb`` is wrote, changed, removed or kept."""

    verb: str
    path: Path


def rewrite(
    path: Path, change: Callable[[str], str | None], where: str, *, dry_run: bool = False
) -> Change:
    """Give the file at ``path`` the text that ``change`` makes of its present one.

    A file that is not there has the text ``""``; None as the new text removes
    it. ``change`` is called again when another program writes the file at the
    same time. Raises ``CannotRewrite``, and whatever ``change`` raises.
    """
    try:
        real = Path(os.path.realpath(path))
        old = _read(real, where)
        new = change(_text(old, where))
        verb = _verb(old, new)
        if dry_run or verb == "kept":
            return Change(verb, path)
        made = _folders(real.parent)
        try:
            with _locked(real.parent):
                verb = _exchange(real, change, where)
        finally:
            _unused(made)
        return Change(verb, path)
    except OSError as error:
        raise CannotRewrite(
            f"cannot write {where}: {error.strerror}",
            hint="make it writable, or choose another place with --local or --user",
        ) from error


def _exchange(real: Path, change: Callable[[str], str | None], where: str) -> str:
    """Read, change and replace until nobody came in between."""
    for _ in range(_TRIES):
        old = _read(real, where)
        new = change(_text(old, where))
        verb = _verb(old, new)
        if verb == "kept" or _replaced(real, old, new, where):
            return verb
    raise CannotRewrite(
        f"another program keeps writing {where}", hint="end that program, then do it again"
    )


def _verb(old: bytes | None, new: str | None) -> str:
    if old is None:
        return "wrote" if new else "kept"
    if new is None:
        return "removed"
    return "kept" if new.encode() == old else "changed"


def _read(real: Path, where: str) -> bytes | None:
    """The file's bytes; None when it is not there."""
    try:
        # A pipe would wait for its writer for ever.
        if not stat.S_ISREG(real.stat().st_mode):
            raise CannotRewrite(f"{where} is no ordinary file", hint="move it away")
        return real.read_bytes()
    except FileNotFoundError:
        return None


def _text(old: bytes | None, where: str) -> str:
    try:
        return (old or b"").decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise UnreadableSettings(
            "this is not UTF-8", where=f"{where}:{line}:{column}", hint="save it as UTF-8"
        ) from None


def _replaced(real: Path, old: bytes | None, new: str | None, where: str) -> bool:
    """True when the file has its new text; False when it was no longer ``old``."""
    if new is None:
        same = _read(real, where) == old
        if same:
            real.unlink()
        return same
    beside = real.with_name(f".{real.name}.{os.getpid()}.new")
    mode = stat.S_IMODE(real.stat().st_mode) if old is not None else None
    try:
        with open(beside, "wb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            stream.write(new.encode())
            stream.flush()
            os.fsync(stream.fileno())
        if _read(real, where) != old:
            return False
        beside.replace(real)
        return True
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among the processes of this program; the lock ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _folders(folder: Path) -> list[Path]:
    """Make the folder; those that were new, innermost first."""
    made = []
    while not folder.exists():
        made.append(folder)
        folder = folder.parent
    for one in reversed(made):
        one.mkdir(exist_ok=True)
    return made


def _unused(made: list[Path]) -> None:
    """Take folders away again that nothing came into."""
    for folder in made:
        with suppress(OSError):
            folder.rmdir()
