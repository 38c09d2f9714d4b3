"""The secret a session proves itself with: a file only its user reads, a digest in the store.

This stops one instance from acting as another by mistake, and every other user
of the machine. It cannot stop a hostile process of the same user.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.errors import Unwritable
from orchestrator.store.port import Reader

__all__ = [
    "BadSession",
    "WrongToken",
    "digest",
    "forget_token",
    "keep_token",
    "new_token",
    "read_token",
    "session_id",
    "session_of",
    "sweep_tokens",
    "verify_token",
]

_LONGEST = 200
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class BadSession(OrchestrateError):
    """This is no session id.

    One is 1 to 200 printable characters without spaces. Clients give their
    own; ``orchestrate check-in`` without one makes one.
    """

    code = "E351"


class WrongToken(OrchestrateError):
    """The token is not this session's; the call was refused and recorded.

    A session's token lies in the state folder (``tokens/``), written when it
    was registered, or in ``ORCHESTRATE_TOKEN``. When the file was lost, check
    in again from the client itself, or with another session id.
    """

    code = "E352"
    exit_status = EXIT["failed"]


def session_id(text: str) -> str:
    """``text`` if it can be a session id. Raises ``BadSession``."""
    if not 0 < len(text) <= _LONGEST or not text.isprintable() or " " in text:
        raise BadSession(f"{text[:60]!r} is no session id")
    return text


def session_of(environment: Mapping[str, str], state: Path) -> tuple[str, str | None] | None:
    """The calling session and its token (None when it has none), or None without a session.

    A client's own id comes before ``ORCHESTRATE_SESSION``; ``ORCHESTRATE_TOKEN``
    before the file. Raises ``BadSession``.
    """
    name = environment.get("CLAUDE_CODE_SESSION_ID") or environment.get("ORCHESTRATE_SESSION")
    if not name:
        return None
    session_id(name)
    return name, environment.get("ORCHESTRATE_TOKEN") or read_token(state, name)


def new_token() -> str:
    """A fresh secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What the store keeps of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def verify_token(reader: Reader, session: str, token: str | None) -> bool:
    """True when ``token`` is that of this session (a sub-agent's is its parent's) and it lives on.

    False for an unknown or ended session and for one that never got a token.
    """
    row = reader.get("sessions", id=session)
    if row and row["parent"] and row["ended_at"] is None:
        row = reader.get("sessions", id=row["parent"])
    if not row or row["ended_at"] is not None or not row["token"] or not token:
        return False
    return hmac.compare_digest(row["token"], digest(token))


def keep_token(state: Path, session: str, token: str) -> Path:
    """Write the token's file: mode 0600 in a folder 0700, whole or not at all.

    Raises ``store.errors.Unwritable``.
    """
    path = _path(state, session)
    try:
        _write(path, token)
    except OSError as error:
        raise Unwritable(f"cannot keep a token in {path.parent}: {error.strerror}") from error
    return path


def _write(path: Path, token: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "w") as file:
            file.write(token)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_token(state: Path, session: str) -> str | None:
    """The token in the session's file, or None where there is none to be read."""
    try:
        return _path(state, session).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def forget_token(state: Path, session: str) -> None:
    """Remove the session's file, if it is there and can be; its digest is worthless by then."""
    with suppress(OSError):
        _path(state, session).unlink()


def sweep_tokens(state: Path, living: Collection[str]) -> int:
    """Remove the files of sessions that are not among ``living``; how many there were.

    To be called where no session can start meanwhile: in a write transaction.
    """
    kept = {_path(state, session).name for session in living}
    files = [path for path in _folder(state).glob("*") if path.name not in kept]
    for path in files:
        with suppress(OSError):
            path.unlink()
    return len(files)


def _folder(state: Path) -> Path:
    return state / "tokens"


def _path(state: Path, session: str) -> Path:
    """The file of a session; an id that is no plain file name is hashed into one."""
    plain = _PLAIN.fullmatch(session) is not None and not session.startswith("id-")
    name = session if plain else f"id-{hashlib.sha256(session.encode()).hexdigest()}"
    return _folder(state) / name
