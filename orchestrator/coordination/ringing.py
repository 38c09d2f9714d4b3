"""Ringing: news goes to the sockets of clients that nobody else would wake.

Called by whoever changed something, after the commit. Best effort: a client
that does not listen costs a few milliseconds and nothing else, and what could
not be told that way waits in the store.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress

from orchestrator.coordination.bells import to_ring
from orchestrator.coordination.news import lines, tell
from orchestrator.errors import OrchestrateError
from orchestrator.store.port import Row, Store

__all__ = ["headed", "ring"]

#: Seconds a client has to take the line; it is read from a buffer, so this is plenty.
_PATIENCE = 0.05


def ring(store: Store) -> int:
    """Tell every session that is to be rung what is new for it; how many were told."""
    own = os.environ.get("CLAUDE_CODE_SESSION_ID") or os.environ.get("ORCHESTRATE_SESSION")
    rung = 0
    with suppress(OrchestrateError):
        for row in store.read(lambda reader: to_ring(reader, own)):
            with suppress(OSError):
                rung += _told(store, row)
    return rung


def _told(store: Store, row: Row) -> bool:
    """Connect, and only then note the news as told: a client that is gone is told nothing."""
    if not _trusted(row["socket"]):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_PATIENCE)
        client.connect(row["socket"])
        news = store.write(lambda tx: tell(tx, row["session"]))
        if news:
            client.sendall(_line(headed(lines(news))))
    return bool(news)


def _trusted(path: str) -> bool:
    """A socket of this very user: whoever owns another one could read along."""
    found = os.lstat(path)
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _line(text: str) -> bytes:
    """A user's message as the client's socket takes it: one line of JSON."""
    said = {"type": "user", "message": {"role": "user", "content": text}}
    return json.dumps(said).encode() + b"\n"


def headed(said: Sequence[str]) -> str:
    """News as it reaches an instance: whose words these are, then one piece a line."""
    return "\n".join(["Orchestrate reports, not your user:", *said]) + "\n"
