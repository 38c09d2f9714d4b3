"""Leases: who may change which files until when. One holder, or several that only read.

A lease ends by itself when it is not renewed. Its fence grows with every new
holder, so that whoever lost one without noticing is found out (``fences``).
Several targets are taken all or none. Everything here runs in the caller's
transaction; waiting for a lease is ``engine.leasing``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.coordination.lease_handoffs import free_handoff, pass_to
from orchestrator.coordination.lease_limits import (
    LONGEST_MS,
    SHORTEST_MS,
    TTL_MS,
    BadLease,
    checked,
    checked_ttl,
)
from orchestrator.coordination.lease_rows import (
    Terms,
    end,
    expired,
    extend,
    insert,
    same,
    told_of,
    upgrade,
    why_over,
)
from orchestrator.coordination.lease_standing import Standing, check, own, standing_of
from orchestrator.coordination.lease_survey import Conflict, survey
from orchestrator.coordination.overlaps import EXCLUSIVE, near, rivals
from orchestrator.coordination.paths import Target
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "LONGEST_MS",
    "TTL_MS",
    "Acquired",
    "BadLease",
    "CannotSteal",
    "Conflict",
    "Held",
    "Standing",
    "acquire",
    "check",
    "cleanup",
    "conflicts",
    "end",
    "expired",
    "free_handoff",
    "held",
    "pass_to",
    "release",
    "release_session",
    "renamed",
    "renew",
    "renew_on",
    "steal",
    "wrote",
]

#: Ended leases are kept this long, for the fences: 30 days.
_KEEP_MS = 30 * 24 * 3600 * 1000


class CannotSteal(OrchestrateError):
    """The lease cannot be taken from its holder.

    Only from a holder whose client is known to have ended; a human may take
    any, with ``--reason``. ``orchestrate lease acquire --wait 60s`` waits for it.
    """

    code = "E363"
    exit_status = EXIT["held"]


@dataclass(frozen=True, slots=True)
class Acquired:
    """``leases`` in the order asked; ``taken_over``: leases of others that had run out."""

    leases: tuple[Row, ...]
    taken_over: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing was taken, because of these."""

    conflicts: tuple[Conflict, ...]


def acquire(
    tx: Transaction,
    wants: Sequence[Target],
    *,
    instance: str,
    session: str | None = None,
    mode: str = EXCLUSIVE,
    ttl_ms: int = TTL_MS,
    intent: str | None = None,
    hashes: Mapping[str, str | None] | None = None,
    priority: int = 0,
    waiting: Row | None = None,
    actor: str | None = None,
) -> Acquired | Held:
    """Take every target or none. One's own leases are renewed and keep their fence.

    ``hashes`` maps a target's path to the sha1 (hex) of its content. ``waiting``
    is the caller's own row in the queue. Leases in the way that ran out, or
    whose holder is known to be dead, are ended. Raises ``BadLease``.
    """
    checked(wants, mode, ttl_ms, intent)
    terms = Terms(instance, session, mode, ttl_ms, intent, hashes or {}, actor or instance)
    found = survey(tx, wants, instance=instance, mode=mode, priority=priority, waiting=waiting)
    if found.conflicts:
        return Held(tuple(found.conflicts))
    for row, reason in found.over.values():
        end(tx, row, reason, actor=terms.actor, kind="lease.expire")
    taken = _take(tx, found.fresh, found.mine, terms)
    leases = tuple(
        taken.get(want) or extend(tx, found.mine[want], ttl_ms, session) for want in found.wants
    )
    others = (row for row, _ in found.over.values() if row["instance"] != instance)
    return Acquired(leases, tuple(others))


def conflicts(
    reader: Reader,
    wants: Sequence[Target],
    *,
    instance: str,
    mode: str = EXCLUSIVE,
    priority: int = 0,
    waiting: Row | None = None,
) -> tuple[Conflict, ...]:
    """What ``acquire`` would meet now, without changing anything."""
    found = survey(reader, wants, instance=instance, mode=mode, priority=priority, waiting=waiting)
    return tuple(found.conflicts)


def renew(tx: Transaction, *, session: str, ttl_ms: int = TTL_MS) -> int:
    """Renew what ``session`` holds, as its heartbeat does; how many. Never shortens one."""
    known = tx.get("sessions", id=session)
    # A sub-agent works with the leases of its session.
    root = known["parent"] if known and known["parent"] else session
    rows = [row for row in _of_session(tx, root) if not expired(row, tx.now)]
    for row in rows:
        extend(tx, row, ttl_ms, None)
    return len(rows)


def renew_on(
    tx: Transaction, targets: Iterable[Target], *, instance: str, ttl_ms: int = TTL_MS
) -> list[Standing]:
    """Renew one's own leases on exactly these targets.

    Where that is impossible the standing says why: free (there is none), held,
    expired. Raises ``BadLease``.
    """
    checked_ttl(ttl_ms)
    return [_renew_one(tx, target, instance, ttl_ms) for target in targets]


def release(
    tx: Transaction,
    targets: Iterable[Target] | None,
    *,
    instance: str,
    actor: str | None = None,
    reason: str = "released",
) -> list[Standing]:
    """End one's own leases on exactly these targets; None: all of them.

    A lease that has passed to a handoff stays. The standings say what each was
    before: mine, expired, or held and free where there was nothing to end.
    """
    who = actor or instance
    if targets is None:
        rows = held(tx, instance=instance)
        standings = [standing_of(tx, row) for row in rows if row["handoff"] is None]
    else:
        standings = [own(tx, target, instance) for target in targets]
    for standing in standings:
        if standing.state in ("mine", "expired"):
            for row in standing.leases:
                if row["status"] == "held" and row["handoff"] is None:
                    end(tx, row, reason, actor=who)
    return standings


def release_session(tx: Transaction, session: str, reason: str) -> int:
    """End what a session holds, except what has passed to a handoff; how many."""
    rows = _of_session(tx, session)
    for row in rows:
        end(tx, row, reason, actor=row["instance"])
    return len(rows)


def steal(
    tx: Transaction,
    target: Target,
    *,
    instance: str,
    actor: str,
    human: bool,
    reason: str,
    session: str | None = None,
    ttl_ms: int = TTL_MS,
) -> Acquired:
    """Take ``target`` from whoever holds it. Raises ``CannotSteal``.

    From the dead for everybody; from the living for a human with a reason.
    """
    for row in list(rivals(tx, target, instance=instance, mode=EXCLUSIVE)):
        over = why_over(tx, row)
        if over is None and not (human and reason.strip()):
            raise CannotSteal(f"{row['path']} is held by {row['instance']}, who may be alive")
        why = f"taken by {actor}: {reason.strip() or over}"
        end(tx, row, why, actor=actor, kind="lease.steal")
    # Whoever waits goes on waiting, for the thief.
    terms = Terms(instance, session, EXCLUSIVE, ttl_ms, reason.strip() or None, {}, actor)
    checked([target], EXCLUSIVE, ttl_ms, terms.intent)
    want = replace(target, place=None)
    own = next((row for row in near(tx, want) if same(row, want, instance)), None)
    taken = _take(tx, [want], {want: own} if own else {}, terms)
    return Acquired(tuple(taken.values()))


def held(reader: Reader, **where: str) -> list[Row]:
    """The held leases, the oldest first; those that ran out are among them."""
    rows = reader.find("leases", {"status": "held", **where})
    return sorted(rows, key=lambda row: (row["acquired_at"], row["fence"]))


def cleanup(tx: Transaction) -> list[Row]:
    """End every lease that ran out or whose holder is known to be dead; those leases.

    Forgets what ended more than 30 days ago.
    """
    ended = []
    for row in held(tx):
        if reason := why_over(tx, row):
            end(tx, row, reason, actor=row["instance"], kind="lease.expire")
            ended.append(row)
    old = [
        row["id"]
        for row in tx.find("leases", {"status": "ended"}, columns=("id", "ended_at"))
        if row["ended_at"] < tx.now - _KEEP_MS
    ]
    for place in range(0, len(old), 500):
        tx.delete("leases", {"id": old[place : place + 500]})
    return ended


def renamed(
    tx: Transaction, pairs: Iterable[tuple[Target, Target]], *, instance: str
) -> list[Conflict]:
    """Follow renames: who leases the old name leases the new one too.

    The old name stays leased, because its disappearance has yet to land.
    Conflicts are new names somebody else holds.
    """
    conflicts: list[Conflict] = []
    for old, new in pairs:
        row = next((r for r in near(tx, old) if same(r, old, instance)), None)
        if row is None:
            continue
        ttl = max(SHORTEST_MS, (row["expires_at"] or tx.now + TTL_MS) - tx.now)
        got = acquire(tx, [new], instance=instance, session=row["session"], mode=row["mode"],
                      ttl_ms=min(ttl, LONGEST_MS), intent=row["intent"])  # fmt: skip
        conflicts += got.conflicts if isinstance(got, Held) else ()
    return conflicts


def _take(
    tx: Transaction, fresh: Sequence[Target], mine: Mapping[Target, Row], terms: Terms
) -> dict[Target, Row]:
    """Write the new leases, and one event for all of them."""
    taken = {}
    for want in fresh:
        own = mine.get(want)
        taken[want] = upgrade(tx, own, terms) if own else insert(tx, want, terms)
    if taken:
        told = {"mode": terms.mode, "leases": [told_of(row) for row in taken.values()]}
        event = NewEvent(
            "lease.acquire", terms.actor, terms.instance, None, terms.intent, data=told
        )
        tx.record(event)
    return taken


def _renew_one(tx: Transaction, target: Target, instance: str, ttl_ms: int) -> Standing:
    standing = own(tx, target, instance)
    if standing.state != "mine":
        return standing
    return replace(standing, leases=(extend(tx, standing.leases[0], ttl_ms, None),))


def _of_session(reader: Reader, session: str) -> list[Row]:
    """Held leases of a session that have not passed to a handoff."""
    known = reader.get("sessions", id=session)
    where = {"instance": known["instance"]} if known and known["instance"] else {}
    rows = held(reader, **where)
    return [row for row in rows if row["session"] == session and row["handoff"] is None]


def wrote(tx: Transaction, target: Target, *, instance: str, digest: str | None) -> int:
    """The holder changed the file itself: ``digest`` is what it compares with from now on."""
    rows = [row for row in near(tx, target) if same(row, target, instance)]
    for row in rows:
        tx.update("leases", {"id": row["id"]}, {"hash": digest})
    return len(rows)
