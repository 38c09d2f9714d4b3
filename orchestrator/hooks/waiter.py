"""The waiter: waits for news of one session, cheaply, and for no longer than makes sense.

It ends when there is news, when the session or its client has ended, when a
newer waiter took its place, or when its time is over. Imports nothing that is
installed, and never makes a store where there is none.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

from orchestrator.coordination.bells import attend, leave, waits
from orchestrator.coordination.liveness import started
from orchestrator.coordination.news import lines, tell, waiting
from orchestrator.coordination.ringing import headed
from orchestrator.coordination.sessions import NoSession, open_session
from orchestrator.git import find
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import FILE, open_store

__all__ = ["BOUND", "POLL", "news_for", "wait"]

#: Seconds between two looks; each costs microseconds.
POLL = 0.5
#: Seconds a waiter waits at most: just inside the limit its hook is registered with.
BOUND = 35_900.0
#: How the client says that it was started with ``-p``: it ends after its answer, is never
#: idle, and some versions do not end before their background hooks have.
_ONE_SHOT = "sdk-cli"
#: Looks for which several changes in a row are awaited, so that they are told together.
_SETTLE = 4


def news_for(event: bytes) -> str:
    """Wait for the session of a client's ``event`` (JSON); its news as text, or nothing."""
    if os.environ.get("CLAUDE_CODE_ENTRYPOINT") == _ONE_SHOT:
        return ""
    told = json.loads(event or b"{}")
    session = told.get("session_id") or os.environ.get("CLAUDE_CODE_SESSION_ID")
    state = find(told.get("cwd")).state
    if not session or not (state / FILE).exists():
        return ""
    store = open_store(state)
    try:
        news = wait(store, session, _client())
    finally:
        store.close()
    return headed(lines(news)) if news else ""


def _client() -> Callable[[], bool]:
    """Whether the client that started this process still runs."""
    named = os.environ.get("CLAUDE_PID", "")
    pid = int(named) if named.isdigit() else os.getppid()
    start = started(pid)
    return lambda: start is not None and started(pid) == start


def wait(store: Store, session: str, lives: Callable[[], bool], bound: float = BOUND) -> list[Row]:
    """The session's news once there is some, told by nobody else; empty when waiting is over."""
    try:
        waiter = store.write(lambda tx: _begin(tx, session))
    except NoSession:
        return []
    try:
        return _wait(store, session, waiter, lives, time.monotonic() + bound)
    finally:
        store.write(lambda tx: leave(tx, session, waiter))


def _wait(
    store: Store, session: str, waiter: int, lives: Callable[[], bool], until: float
) -> list[Row]:
    seen, looks = -1, 0  # looks: how often in a row there was news
    while time.monotonic() < until and lives():
        version = store.version()
        if looks and (version == seen or looks >= _SETTLE):
            told = store.write(lambda tx: _tell(tx, session, waiter), durable=True)
            if told:
                return told
            looks = 0
        elif version != seen:
            if not store.read(lambda reader: waits(reader, session, waiter)):
                return []
            looks = looks + 1 if store.read(lambda reader: waiting(reader, session)) else 0
        seen = version
        time.sleep(POLL)
    return []


def _begin(tx: Transaction, session: str) -> int:
    open_session(tx, session)
    return attend(tx, session)


def _tell(tx: Transaction, session: str, waiter: int) -> list[Row]:
    return tell(tx, session) if waits(tx, session, waiter) else []
