"""Ports for services: free ones on loopback, never the same for two flows of one user.

Between finding a port and the service listening on it anybody may take it.
Flows cannot take each other's: each locks its number, for as long as its
process lives, in a file all share. A stranger can; then the service says so,
and is started again on another.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import threading
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

__all__ = ["release", "reserve"]

_TRIES = 50
#: Locks of a file belong to the process: what its own threads hold is noted here.
_taken: set[int] = set()
_guard = threading.Lock()


def reserve() -> int:
    """A port nobody listens on and no other flow was given; raises ``OSError``."""
    with ExitStack() as refused:
        for _ in range(_TRIES):
            listener = refused.enter_context(socket.socket())
            # Kept open while others are tried, so that each try is another number.
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
            if _lock(port):
                return port
    raise OSError("no free port was found")


def release(port: int) -> None:
    """Let others have it."""
    with _guard:
        _taken.discard(port)
        fcntl.lockf(_locks(), fcntl.LOCK_UN, 1, port)


def _lock(port: int) -> bool:
    with _guard:
        if port in _taken:
            return False
        try:
            fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        _taken.add(port)
        return True


@lru_cache(maxsize=1)
def _locks() -> int:
    """The file whose bytes stand for ports. Never closed: that would give up every lock."""
    path = Path(tempfile.gettempdir()) / f"orchestrate-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
