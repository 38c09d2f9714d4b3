"""Leases: who may change which files until when. One holder, or several that only read.

A lease ends by itself when it is not renewed. Its fence grows with every new
holder, so that whoever lost one without noticing is found out (``fences``).
Several targets are taken all or none. Everything here runs in the caller's
transaction; waiting for a lease is ``engine.leasing``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.coordination import queue
from orchestrator.coordination.lease_handoffs import free_handoff, pass_to
from orchestrator.coordination.lease_rows import (
    Terms,
    end,
    expired,
    extend,
    in_the_way,
    insert,
    same,
    told_of,
    upgrade,
    why_over,
)
from orchestrator.coordination.overlaps import EXCLUSIVE, SHARED, near, rivals, target_of
from orchestrator.coordination.paths import Target, overlaps
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

#: How long a lease lasts when nobody says otherwise, and at most: 5 minutes, 24 hours.
TTL_MS = 5 * 60 * 1000
LONGEST_MS = 24 * 3600 * 1000
_SHORTEST_MS = 1000
#: Ended leases are kept this long, for the fences: 30 days.
_KEEP_MS = 30 * 24 * 3600 * 1000
_LONGEST_INTENT = 500


class BadLease(OrchestrateError):
    """A lease cannot be asked for like this.

    It lasts from one second to 24 hours, is exclusive or shared, is on at
    least one path, and its intent has at most 500 characters.
    """

    code = "E362"


class CannotSteal(OrchestrateError):
    """The lease cannot be taken from its holder.

    Only from a holder whose client is known to have ended; a human may take
    any, with ``--reason``. ``orchestrate lease acquire --wait 60s`` waits for it.
    """

    code = "E363"
    exit_status = EXIT["held"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why ``want`` cannot be had: somebody's lease, or somebody who waits before you."""

    want: Target
    lease: Row | None = None
    wait: Row | None = None

    @property
    def holder(self) -> str:
        """The instance that is in the way."""
        row = self.lease or self.wait or {}
        return str(row.get("instance"))


@dataclass(frozen=True, slots=True)
class Acquired:
    """``leases`` in the order asked; ``taken_over``: leases of others that had run out."""

    leases: tuple[Row, ...]
    taken_over: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing was taken, because of these."""

    conflicts: tuple[Conflict, ...]


@dataclass(slots=True)
class _Survey:
    """What stands between a caller and its wants.

    ``mine``: own leases on exactly these; ``fresh``: what has to be written;
    ``over``: leases that no longer count, by id, each with the reason.
    """

    wants: tuple[Target, ...]
    mine: dict[Target, Row] = field(default_factory=dict)
    fresh: list[Target] = field(default_factory=list)
    over: dict[str, tuple[Row, str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target stands for an instance.

    ``state``: free, mine, held (by another), expired (mine ran out), changed
    (mine, but the content is not what it was). ``leases`` are those that say so.
    """

    target: Target
    state: str
    leases: tuple[Row, ...] = ()


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
    _checked(wants, mode, ttl_ms, intent)
    terms = Terms(instance, session, mode, ttl_ms, intent, hashes or {}, actor or instance)
    found = _survey(tx, wants, instance=instance, mode=mode, priority=priority, waiting=waiting)
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
    found = _survey(reader, wants, instance=instance, mode=mode, priority=priority, waiting=waiting)
    return tuple(found.conflicts)


def check(
    reader: Reader,
    target: Target,
    *,
    instance: str,
    digest: str | None = None,
    mode: str = EXCLUSIVE,
) -> Standing:
    """How ``target`` stands for ``instance``, without changing anything.

    ``digest`` is the sha1 (hex) of what is there now; None compares nothing.
    """
    rows = list(near(reader, target))
    others = [r for r in in_the_way(rows, target, instance, mode) if not why_over(reader, r)]
    if others:
        return Standing(target, "held", tuple(others))
    mine = [r for r in rows if r["instance"] == instance and overlaps(target, target_of(r))]
    live = tuple(row for row in mine if not expired(row, reader.now))
    if not live:
        lapsed = tuple(mine) or _lapsed(reader, target, instance)
        return Standing(target, "expired", lapsed) if lapsed else Standing(target, "free")
    same = [row for row in live if row["path"] == target.path and row["hash"]]
    changed = digest is not None and any(row["hash"] != digest for row in same)
    return Standing(target, "changed" if changed else "mine", live)


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
    _checked_ttl(ttl_ms)
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
        standings = [_standing(tx, row) for row in rows if row["handoff"] is None]
    else:
        standings = [_own(tx, target, instance) for target in targets]
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
    _checked([target], EXCLUSIVE, ttl_ms, terms.intent)
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
        ttl = max(_SHORTEST_MS, (row["expires_at"] or tx.now + TTL_MS) - tx.now)
        got = acquire(tx, [new], instance=instance, session=row["session"], mode=row["mode"],
                      ttl_ms=min(ttl, LONGEST_MS), intent=row["intent"])  # fmt: skip
        conflicts += got.conflicts if isinstance(got, Held) else ()
    return conflicts


def _survey(
    reader: Reader,
    wants: Sequence[Target],
    *,
    instance: str,
    mode: str,
    priority: int,
    waiting: Row | None,
) -> _Survey:
    """Look at everything first: nothing is written before all of it is known to be free."""
    bare = (want if want.place is None else replace(want, place=None) for want in wants)
    found = _Survey(tuple(dict.fromkeys(bare)))
    for want in found.wants:
        _look(reader, found, want, instance, mode)
    if found.fresh and not found.conflicts:
        ahead = queue.ahead(
            reader, found.fresh, instance=instance, mode=mode, priority=priority, waiting=waiting
        )
        found.conflicts += [Conflict(want, wait=row) for want, row in ahead]
    return found


def _look(reader: Reader, found: _Survey, want: Target, instance: str, mode: str) -> None:
    rows: list[Row] = []
    for row in near(reader, want):
        if not same(row, want, instance):
            rows.append(row)
        elif expired(row, reader.now):
            found.over[row["id"]] = row, "expired"
        else:
            found.mine[want] = row
            if mode == SHARED or row["mode"] == EXCLUSIVE:
                return
    found.fresh.append(want)
    for row in in_the_way(rows, want, instance, mode):
        if reason := why_over(reader, row):
            found.over[row["id"]] = row, reason
        else:
            found.conflicts.append(Conflict(want, row))


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


def _own(reader: Reader, target: Target, instance: str) -> Standing:
    """How one's own lease on exactly ``target`` stands."""
    rows = [row for row in near(reader, target) if same(row, target, instance)]
    if rows:
        return _standing(reader, rows[0])
    standing = check(reader, target, instance=instance)
    # What only covers the target is another lease: this one does not exist.
    return Standing(target, "free") if standing.state in ("mine", "changed") else standing


def _standing(reader: Reader, row: Row) -> Standing:
    return Standing(target_of(row), "expired" if expired(row, reader.now) else "mine", (row,))


def _renew_one(tx: Transaction, target: Target, instance: str, ttl_ms: int) -> Standing:
    standing = _own(tx, target, instance)
    if standing.state != "mine":
        return standing
    return replace(standing, leases=(extend(tx, standing.leases[0], ttl_ms, None),))


def _lapsed(reader: Reader, target: Target, instance: str) -> tuple[Row, ...]:
    """One's latest lease on exactly ``target``, if it ran out instead of being released."""
    where = {"status": "ended", "prefix": target.prefix, "path": target.path}
    ended = reader.find("leases", where, order="-fence")
    mine = next((row for row in ended if same(row, target, instance)), None)
    return (mine,) if mine and mine["reason"] in ("expired", "its holder is gone") else ()


def _of_session(reader: Reader, session: str) -> list[Row]:
    """Held leases of a session that have not passed to a handoff."""
    known = reader.get("sessions", id=session)
    where = {"instance": known["instance"]} if known and known["instance"] else {}
    rows = held(reader, **where)
    return [row for row in rows if row["session"] == session and row["handoff"] is None]


def _checked(wants: Sequence[Target], mode: str, ttl_ms: int, intent: str | None) -> None:
    if not wants:
        raise BadLease("no path was given")
    if mode not in (EXCLUSIVE, SHARED):
        raise BadLease(f"{mode!r} is no mode", hint="exclusive or shared")
    if intent and len(intent) > _LONGEST_INTENT:
        raise BadLease(f"an intent of {len(intent)} characters", hint="500 are enough")
    _checked_ttl(ttl_ms)


def _checked_ttl(ttl_ms: int) -> None:
    if not _SHORTEST_MS <= ttl_ms <= LONGEST_MS:
        raise BadLease(
            f"a lease cannot last {ttl_ms / 1000:g} s", hint="from 1s to 24h; the default is 5m"
        )


def wrote(tx: Transaction, target: Target, *, instance: str, digest: str | None) -> int:
    """The holder changed the file itself: ``digest`` is what it compares with from now on."""
    rows = [row for row in near(tx, target) if same(row, target, instance)]
    for row in rows:
        tx.update("leases", {"id": row["id"]}, {"hash": digest})
    return len(rows)
