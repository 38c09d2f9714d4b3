"""After a tool: alive, leases renewed, and what a file is like after one's own look or edit.

The common cases in one transaction, as ``fast`` is for the question before; what may
need the engine gives None. Nothing is written where it was written just before.
"""

import posix
import time

from orchestrator.hooks import driver
from orchestrator.hooks.place import Place, inside
from orchestrator.hooks.request import EDITS, Answer, Request
from orchestrator.hooks.transaction import Transaction, content

__all__ = ["BEAT_MS", "SLACK_MS", "answer", "quiet"]

#: A sign of life is written this often at most.
BEAT_MS = 20_000
#: Files looked at after a shell command, at most.
_MANY = 5_000
#: A command is taken to have begun this much earlier than it seems: starting a hook takes time.
SLACK_MS = 300


def answer(request: Request, place: Place, now: int | None = None) -> Answer | None:
    """The answer, or None where it takes the engine. ``now`` (ms) replaces the clock in tests."""
    clock = time.time_ns() // 1_000_000 if now is None else now
    if request.tool in EDITS:
        return None if request.event == "PostToolUseFailure" else _edited(request, place, clock)
    if request.tool == "Read":
        return _read(request, place, clock)
    if request.tool == "Bash" and not quiet(request, place, clock):
        return None
    return _alive(request, place, clock)


def _edited(request: Request, place: Place, clock: int) -> Answer | None:
    """One's own edit: what it made of the file is what the lease compares with from now on."""
    path = inside(place, request.path or "")
    made = content(f"{place.root}/{path}") if path else None
    if path is None or made is None:
        return None

    def body(tx: Transaction, instance: str) -> bool:
        if not (tx.settings["hooks"] or "").startswith("handoff"):
            return False
        tx.renew(request.session, instance)
        tx.saw(request.member, path, made, instance)
        if request.call:
            tx.run('DELETE FROM "calls" WHERE "id" = ?', (request.call,))
        return True

    return _within(request, place, clock, body)


def _read(request: Request, place: Place, clock: int) -> Answer | None:
    """What was read is what a later edit is compared with."""
    path = inside(place, request.path or "")
    seen = content(f"{place.root}/{path}") if path else None
    if path is None or seen is None:
        return None

    def body(tx: Transaction, instance: str) -> bool:
        tx.renew(request.session, instance)
        tx.saw(request.member, path, seen, instance)
        return True

    return _within(request, place, clock, body)


def _alive(request: Request, place: Place, clock: int) -> Answer | None:
    """A sign of life, unless one was given just before."""
    path = f"{place.state}/state.db"
    posix.stat(path)
    row = (
        driver.connect(path)
        .execute(
            'SELECT "heartbeat_at", "ended_at", "parent", "pid" FROM "sessions" WHERE "id" = ?',
            (request.member,),
        )
        .fetchone()
    )
    if row is None or row[1] is not None or (request.agent is None) != (row[2] is None):
        return None
    if row[0] is not None and 0 <= clock - row[0] < BEAT_MS:
        return Answer() if request.pid in (None, row[3]) else None

    def body(tx: Transaction, instance: str) -> bool:
        tx.renew(request.session, instance)
        return True

    return _within(request, place, clock, body)


def _within(request: Request, place: Place, clock: int, body: "Body") -> Answer | None:
    """Run ``body`` for a registered session, with a sign of life; undone where it says no."""
    transaction, done = Transaction(place, clock), False
    try:
        instance = transaction.live(request)
        if instance is not None:
            transaction.beat(request, instance)
            done = body(transaction, instance)
    finally:
        transaction.end(done)
    return Answer() if done else None


def quiet(request: Request, place: Place, clock: int) -> bool:
    """Whether a shell command plainly changed no file that is leased, or was looked at.

    Asks the files themselves: changed since the command began is what it changed,
    or what somebody else did meanwhile; the engine tells these apart.
    """
    path = f"{place.state}/state.db"
    posix.stat(path)
    connection = driver.connect(path)
    row = connection.execute(
        "SELECT coalesce(json_extract(:p, '$.duration_ms'), 600000)", {"p": request.raw}
    ).fetchone()
    began = ((request.at or clock) - SLACK_MS - int(row[0])) * 1_000_000
    wide = connection.execute(
        'SELECT 1 FROM "leases" WHERE "status" = \'held\' AND "kind" <> \'file\' LIMIT 1'
    ).fetchone()
    rows = connection.execute(
        'SELECT "path", "hash" FROM "leases" WHERE "status" = \'held\' UNION '
        'SELECT "path", "hash" FROM "sightings" WHERE "session" = ? LIMIT ?',
        (request.member, _MANY),
    ).fetchall()
    if wide or len(rows) == _MANY:
        return False
    return not any(_touched(f"{place.root}/{name}", digest, began) for name, digest in rows)


def _touched(path: str, digest: "str | None", began: int) -> bool:
    """Changed, replaced or removed since ``began`` (ns): the change time cannot be set back."""
    try:
        return posix.stat(path).st_ctime_ns >= began
    except OSError:
        return digest not in (None, "-")


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Body = Callable[[Transaction, str], bool]
