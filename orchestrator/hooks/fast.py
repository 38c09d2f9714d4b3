"""May this file be edited: the common answers, with exactly the engine's rows and events.

It is mine (renewed), it is nobody's (taken), somebody who lives holds it (denied), in
one transaction. Anything else gives None, and the engine's own code decides (``slow``);
``tests/hooks/test_walk.py`` compares both. Imports nothing that costs.
"""

import time

from orchestrator.hooks import words
from orchestrator.hooks.place import Place, inside
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.transaction import TTL_MS, Transaction, content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.hooks.transaction import Row

__all__ = ["INTENT", "answer"]

#: What the lease of an edit says it is for.
INTENT = "edit"


def answer(request: Request, place: Place, now: int | None = None) -> Answer | None:
    """The answer, or None where it takes the engine. ``now`` (ms) replaces the clock in tests.

    Raises what the driver raises.
    """
    if not request.guards or not request.session:
        return None
    path = inside(place, request.path or "")
    if path is None:
        return None
    digest = content(f"{place.root}/{path}")
    if digest is None:
        return None
    transaction = Transaction(place, time.time_ns() // 1_000_000 if now is None else now)
    try:
        found = _decide(transaction, request, path, digest)
    except BaseException:
        transaction.end(False)
        raise
    transaction.end(found is not None)
    return found


def _decide(tx: Transaction, request: Request, path: str, content: str) -> Answer | None:
    instance = tx.live(request)
    rule = tx.settings["ownership"]
    if instance is None or rule is None or not instance.isascii():
        return None
    if rule != "warn" and tx.owner(path, instance) != "":
        return None
    rows = tx.near(path)
    if rows is None or len(rows) > 1:
        return None
    seen = tx.one('SELECT "hash" FROM "sightings" WHERE "session" = ? AND "path" = ?',
                  (request.member, path))  # fmt: skip
    if rows and rows[0][1] != instance:
        return _theirs(tx, request, path, rows[0], instance)
    known = (seen and seen[0]) or (rows and rows[0][6]) or content
    if known != content:
        return None
    if rows:
        return _renewed(tx, request, rows[0], instance)
    return _taken(tx, request, path, instance, content)


def _theirs(
    tx: Transaction, request: Request, path: str, row: "Row", instance: str
) -> Answer | None:
    """Denied, where the holder is known to live or nobody can tell."""
    _, holder, session, _, _, _, _, expires, handoff = row
    if expires is not None and expires <= tx.now:
        return None
    if session is not None and handoff is None and not tx.may_live(session):
        return None
    tx.beat(request, instance)
    task = tx.one('SELECT "i"."task", "t"."title" FROM "instances" "i" '
                  'LEFT JOIN "tasks" "t" ON "t"."id" = "i"."task" WHERE "i"."id" = ?',
                  (holder,))  # fmt: skip
    title = (task[1] or task[0]) if task else None
    left = None if expires is None else expires - tx.now
    return words.held(path, holder, title, handoff, left)


def _renewed(tx: Transaction, request: Request, row: "Row", instance: str) -> Answer | None:
    """Mine already: longer, with the fence it has."""
    name, _, _, mode, fence, _, _, expires, _ = row
    if mode != "exclusive" or fence is None or (expires is not None and expires <= tx.now):
        return None
    tx.beat(request, instance)
    if expires is not None:
        tx.run('UPDATE "leases" SET "expires_at" = ?, "session" = ? WHERE "id" = ?',
               (max(expires, tx.now + TTL_MS), request.session, name))  # fmt: skip
    return Answer()


def _taken(
    tx: Transaction, request: Request, path: str, instance: str, content: str
) -> Answer | None:
    """Nobody holds it: a new lease with its event, and the call it was taken for."""
    owner = tx.owner(path, instance)
    if owner is None or tx.one('SELECT 1 FROM "lease_waits" LIMIT 1'):
        return None
    tx.beat(request, instance)
    fence = tx.one('INSERT INTO "counters" ("name", "value") VALUES (\'fence\', 1) '
                   'ON CONFLICT ("name") DO UPDATE SET "value" = "counters"."value" + 1 '
                   'RETURNING "value"')[0]  # fmt: skip
    name = f"L-{fence}"
    tx.run('INSERT INTO "leases" ("id", "instance", "session", "kind", "path", "prefix", "mode", '
           '"fence", "hash", "intent", "status", "acquired_at", "expires_at") '
           "VALUES (?, ?, ?, 'file', ?, ?, 'exclusive', ?, ?, ?, 'held', ?, ?)",
           (name, instance, request.session, path, path, fence,
            None if content == "-" else content, INTENT, tx.now, tx.now + TTL_MS))  # fmt: skip
    tx.record("lease.acquire", instance,
              f'{{"leases":[{{"fence":{fence},"id":"{name}","path":"{path}"}}],'
              f'"mode":"exclusive"}}', INTENT)  # fmt: skip
    if request.call:
        tx.run('INSERT OR REPLACE INTO "calls" ("id", "session", "path", "lease", "at") '
               "VALUES (?, ?, ?, ?, ?)",
               (request.call, request.member, path, name, tx.now))  # fmt: skip
    return words.borrowed(path, owner) if owner else Answer()
