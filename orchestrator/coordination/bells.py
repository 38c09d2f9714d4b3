"""Bells: how an idle session is woken, by its newest waiter or by its client's socket.

A waiter is a process its client started to wait for news; each one that starts
takes the place of the one before. The socket is the client's own. Every
function runs in the caller's transaction.
"""

from __future__ import annotations

import os

from orchestrator.coordination.liveness import alive, host, started
from orchestrator.coordination.news import waiting
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["attend", "hang", "leave", "remove", "to_ring", "waits"]


def hang(tx: Transaction, session: str, socket: str | None) -> None:
    """Remember the absolute path of the client's socket; None leaves what is known."""
    row = tx.get("bells", session=session)
    if socket is None or (row is not None and row["socket"] == socket):
        return
    _put(tx, row, session, {"socket": socket})


def attend(tx: Transaction, session: str) -> int:
    """This process waits for ``session``'s news from now on: the number of the waiter."""
    row = tx.get("bells", session=session)
    number = tx.number("waiter")
    me = {"waiter": number, "pid": os.getpid(), "pid_started": started(os.getpid())}
    _put(tx, row, session, me)
    return number


def _put(tx: Transaction, row: Row | None, session: str, changes: Row) -> None:
    if row is None:
        tx.insert("bells", {"session": session, **changes})
    else:
        tx.update("bells", {"session": session}, changes)


def waits(reader: Reader, session: str, waiter: int) -> bool:
    """Whether ``waiter`` is still the one that waits: the session lives, none is newer."""
    row = reader.get("bells", session=session)
    return row is not None and row["waiter"] == waiter


def leave(tx: Transaction, session: str, waiter: int) -> None:
    """``waiter`` waits no longer; harmless when another one took its place."""
    nobody = dict.fromkeys(("waiter", "pid", "pid_started"))
    tx.update("bells", {"session": session}, nobody, expect={"waiter": waiter})


def remove(tx: Transaction, session: str) -> None:
    """The session has ended."""
    tx.delete("bells", {"session": session})


def to_ring(reader: Reader, own: str | None) -> list[Row]:
    """Bells with a socket whose session has news nobody else waits for, except ``own``."""
    rows = [row for row in reader.find("bells") if row["socket"] and row["session"] != own]
    return [row for row in rows if waiting(reader, row["session"]) and not _attended(row)]


def _attended(row: Row) -> bool:
    return alive(row["pid"], row["pid_started"], host()) is True
