"""The log of hook calls: one line each, in the state folder, kept short by rotation.

``time · event · tool · path · answer · ms · session``, separated by tabs. Written
best effort: a log that cannot be written changes no answer.
"""

import fcntl
import posix
import time

__all__ = ["FIELDS", "FILE", "OLD", "line", "write"]

FILE, OLD = "hooks.log", "hooks.log.1"
FIELDS = ("at", "event", "tool", "path", "answer", "ms", "session")
_LONGEST = 1024 * 1024


def line(values: "tuple[object, ...]", now_ms: int) -> str:
    """One line: control characters made visible, so that a name cannot forge another line."""
    seconds, ms = divmod(now_ms, 1000)
    stamp = time.strftime(f"%Y-%m-%dT%H:%M:%S.{ms:03}Z", time.gmtime(seconds))
    return "\t".join([stamp, *(_shown(value) for value in values)]) + "\n"


def _shown(value: object) -> str:
    text = "-" if value is None or value == "" else str(value)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


def write(state: str, text: str) -> None:
    """Append; past a mebibyte the file becomes the old one."""
    path = f"{state}/{FILE}"
    try:
        flags = posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | posix.O_CLOEXEC
        number = posix.open(path, flags, 0o600)
        try:
            posix.write(number, text.encode("utf-8", "backslashreplace"))
            if posix.fstat(number).st_size > _LONGEST:
                _put_away(number, path, f"{state}/{OLD}")
        finally:
            posix.close(number)
    except OSError:
        return


def _put_away(number: int, path: str, old: str) -> None:
    """By one of those who see that it is full: a second time would lose the old one."""
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if posix.fstat(number).st_ino == posix.stat(path).st_ino:
        posix.rename(path, old)
