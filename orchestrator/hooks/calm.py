"""Events at which mostly nothing is to be said: told with a few questions to the store.

A prompt, a finished batch of tools, a stop, a shell command about to run. None where
there may be something to tell, to give back or to warn about: the engine looks closer.
"""

import posix
import time

from orchestrator.coordination.news import KINDS
from orchestrator.hooks import driver
from orchestrator.hooks.place import Place
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.transaction import Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MAY_WRITE", "answer"]

#: A shell command without any of these is not worth reading; ``commands`` knows what they write.
MAY_WRITE = (">", "tee", "sed", "mv", "cp", "rm", "git", "truncate", "dd", "install", "ln",
             "touch", "perl", "unlink", "shred")  # fmt: skip

#: As ``coordination.news.waiting`` asks.
_NEWS = f"""SELECT EXISTS (SELECT 1 FROM "receipts" WHERE "instance" = :me
 AND "delivered_at" IS NULL AND "undeliverable" IS NULL) OR EXISTS (SELECT 1 FROM "events"
 WHERE "instance" = :me AND "seq" > :heard AND "actor" <> :me AND "kind" IN {KINDS})"""
_CALLS = 'SELECT EXISTS (SELECT 1 FROM "calls" WHERE "session" = ?)'
_SESSION = """SELECT "instance", max(ifnull("seen", 0), ifnull("told", 0)), "ended_at", "pid"
 FROM "sessions" WHERE "id" = ?"""


def answer(request: Request, place: Place, now: int | None = None) -> Answer | None:
    """The answer, or None where it takes the engine. ``now`` (ms) replaces the clock in tests."""
    path = f"{place.state}/state.db"
    posix.stat(path)
    connection = driver.connect(path)
    if request.event == "PreToolUse":
        return _command(connection, request)
    row = _one(connection, _SESSION, (request.member,))
    if row is None or row[2] is not None or request.pid not in (None, row[3]):
        return None
    if _one(connection, _CALLS, (request.member,))[0]:
        return None
    if request.event == "Stop":
        return _stop(connection, row[0])
    if request.agent is None and _one(connection, _NEWS, {"me": row[0], "heard": row[1]})[0]:
        return None
    if request.event == "PostToolBatch":
        return Answer()
    return _prompted(request, place, time.time_ns() // 1_000_000 if now is None else now)


def _command(connection: "driver.Connection", request: Request) -> Answer | None:
    """Nothing that writes, or nobody else who holds anything."""
    command = request.command or ""
    if not any(word in command for word in MAY_WRITE):
        return Answer()
    held = _one(
        connection,
        'SELECT EXISTS (SELECT 1 FROM "leases" WHERE "status" = \'held\' AND "instance" IS NOT '
        '(SELECT "instance" FROM "sessions" WHERE "id" = ?))',
        (request.session,),
    )
    return None if held[0] else Answer()


def _stop(connection: "driver.Connection", instance: str) -> Answer | None:
    """Nothing is under way that would have to be handed off."""
    row = _one(connection, 'SELECT "state", "task" FROM "instances" WHERE "id" = ?', (instance,))
    working = row is not None and row[0] in ("ACTIVE", "REMEDIATION") and row[1]
    return None if working else Answer()


def _prompted(request: Request, place: Place, clock: int) -> Answer | None:
    """A new turn of the session: what keeps it from stopping is counted from here."""
    transaction, done = Transaction(place, clock), False
    try:
        instance = transaction.live(request)
        if instance is not None:
            transaction.beat(request, instance)
            transaction.run('UPDATE "sessions" SET "prompted_at" = ?, "stops" = 0 WHERE "id" = ?',
                            (transaction.now, request.session))  # fmt: skip
            done = True
    finally:
        transaction.end(done)
    return Answer() if done else None


def _one(connection: "driver.Connection", query: str, values: "Any") -> "Any":
    return connection.execute(query, values).fetchone()
