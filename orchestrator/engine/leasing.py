"""Leases as callers ask for them: who they are, what they mean, whose files it is, waiting."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.coordination import deadlock, leases, queue
from orchestrator.coordination.callers import Caller, WhichInstance, instance_here, occupy
from orchestrator.coordination.leases import Acquired, Held, Standing
from orchestrator.coordination.overlaps import EXCLUSIVE
from orchestrator.coordination.paths import Target, normalise, with_lines
from orchestrator.coordination.sessions import Client, instance_of, open_session
from orchestrator.engine import lease_ownership
from orchestrator.engine.instances import resolve
from orchestrator.engine.lease_ownership import NotYours, owners
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.environment import in_client
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "LONGEST_WAIT",
    "Holder",
    "NotYours",
    "Outcome",
    "Wish",
    "acquire",
    "check",
    "content",
    "holder",
    "holder_name",
    "owners",
    "steal",
    "targets",
]

#: The longest anybody waits, in seconds.
LONGEST_WAIT = 24 * 3600.0
#: While waiting: how often the store is asked whether something changed, and looked at anyway.
_POLL, _LOOK = 0.03, 1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a lease is: ``instance`` (or ``human:<user>``), and who really acts."""

    instance: str
    actor: str
    human: bool
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``ttl`` and ``wait`` in seconds; ``priority`` None: the configured."""

    paths: tuple[str, ...]
    mode: str = EXCLUSIVE
    ttl: float = leases.TTL_MS / 1000
    intent: str | None = None
    lines: tuple[int, int] | None = None
    wait: float = 0.0
    priority: int | None = None
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a wish; ``remarks`` are for the caller's eyes."""

    holder: Holder
    result: Acquired | Held
    remarks: tuple[str, ...] = ()


def targets(
    project: Project, paths: Iterable[str], lines: tuple[int, int] | None = None
) -> tuple[Target, ...]:
    """The targets that ``paths``, written in the working directory, mean."""
    here = Path.cwd()
    found = tuple(normalise(project.repository, here, path) for path in paths)
    return tuple(with_lines(target, *lines) for target in found) if lines else found


def holder(project: Project, tx: Transaction, who: Caller, named: str | None) -> Holder:
    """Who holds what ``who`` acquires; a session that never checked in is registered.

    Raises ``NoSession`` (stale) for one that has ended, ``WhichInstance``, ``NotYou``.
    """
    named = named or os.environ.get("ORCHESTRATE_INSTANCE")
    if who.human:
        name = row_of(tx, "instances", named)["id"] if named else who.actor
        return Holder(name, who.actor, True)
    if who.session is None:
        name = named or (who.actor if tx.get("instances", id=who.actor) else _here(project, tx))
        row = row_of(tx, "instances", name)
        return Holder(row["id"], row["id"], False, row["session"])
    if tx.get("sessions", id=who.session) is not None:
        open_session(tx, who.session)
    kind = "claude" if in_client() else "terminal"
    client = Client(who.session, who.pid, kind, str(project.repository.worktree))
    row = occupy(tx, resolve(tx, project, client, named=named), who)
    return Holder(row["id"], row["id"], False, who.session)


def holder_name(project: Project, reader: Reader, who: Caller, named: str | None) -> str:
    """As ``holder``, for looking only: registers nothing; ``nobody`` where it cannot be told."""
    named = named or os.environ.get("ORCHESTRATE_INSTANCE")
    if who.human:
        return named or who.actor
    if who.session is not None and reader.get("sessions", id=who.session) is not None:
        open_session(reader, who.session)
    mine = instance_of(reader, who.session) if who.session else None
    try:
        return named or mine or _here(project, reader)
    except WhichInstance:
        return "nobody"


def acquire(project: Project, wish: Wish, pause: Callable[[float], None] = time.sleep) -> Outcome:
    """Take all of a wish's paths, or none; wait for them in the queue if it says so.

    Raises ``BadPath``, ``OutsideRepository``, ``BadLease``, ``NotYours``,
    ``Asked``, ``Declined``, ``Deadlock``, and what ``holder`` raises.
    """
    who = project.caller()
    wants = targets(project, wish.paths, wish.lines)
    if not who.human:
        left = lease_ownership.permitted(
            project,
            lambda tx: holder(project, tx, who, wish.instance).instance,
            wants,
            wish.mode,
            intent=wish.intent,
            wait=min(wish.wait, LONGEST_WAIT),
            pause=pause,
        )
        wish = replace(wish, wait=left)

    def first(tx: Transaction) -> tuple[_Attempt, Acquired | Held, Row | None]:
        mine = holder(project, tx, who, wish.instance)
        if not mine.human:
            lease_ownership.refuse(project, tx, mine.instance, wants, wish.mode)
        attempt = _Attempt(mine, wants, wish, _priority(project, mine.instance, wants, wish))
        got = attempt.take(tx)
        row = attempt.join(tx) if isinstance(got, Held) and wish.wait > 0 else None
        return attempt, got, row

    attempt, got, row = project.store.write(first)
    if row is not None:
        got = _waited(project, attempt, row, pause)
    remarks = lease_ownership.remarks(project, attempt.holder.instance, wants, wish.mode)
    return Outcome(attempt.holder, got, (*remarks, *_taken_over(got)))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One caller's wish with everything found out about it."""

    holder: Holder
    wants: tuple[Target, ...]
    wish: Wish
    priority: int

    def take(self, tx: Transaction, row: Row | None = None) -> Acquired | Held:
        """Try once; out of the queue with the lease."""
        got = leases.acquire(
            tx,
            self.wants,
            instance=self.holder.instance,
            session=self.holder.session,
            mode=self.wish.mode,
            ttl_ms=_ms(self.wish.ttl),
            intent=self.wish.intent,
            hashes={want.path: content(want) for want in self.wants},
            priority=self.priority,
            waiting=row,
            actor=self.holder.actor,
        )
        if row is not None and isinstance(got, Acquired):
            queue.leave(tx, row)
        return got

    def join(self, tx: Transaction) -> Row:
        """Into the queue, unless that would close a circle."""
        row = queue.enqueue(
            tx,
            self.wants,
            instance=self.holder.instance,
            session=self.holder.session,
            mode=self.wish.mode,
            priority=self.priority,
        )
        deadlock.refuse(tx, row)
        return row

    def conflicts(self, reader: Reader, row: Row) -> tuple[leases.Conflict, ...]:
        """What is in the way now."""
        return leases.conflicts(
            reader,
            self.wants,
            instance=self.holder.instance,
            mode=self.wish.mode,
            priority=self.priority,
            waiting=row,
        )


def _waited(
    project: Project, attempt: _Attempt, row: Row, pause: Callable[[float], None]
) -> Acquired | Held:
    """Wait until it is this caller's turn, or its time is over; always out of the queue."""
    store, deadline = project.store, time.monotonic() + min(attempt.wish.wait, LONGEST_WAIT)
    signed = time.monotonic()
    try:
        while True:
            seen = store.version()
            left = store.read(lambda reader: attempt.conflicts(reader, row))
            if not left:
                got = store.write(lambda tx: attempt.take(tx, row))
                if isinstance(got, Acquired):
                    return got
            elif time.monotonic() >= deadline:
                return Held(left)
            if time.monotonic() - signed > queue.SIGN_MS / 3000:
                signed = time.monotonic()
                store.write(lambda tx: _still_here(tx, row))
            look = min(deadline, time.monotonic() + _LOOK)
            while store.version() == seen and time.monotonic() < look:
                pause(_POLL)
    finally:
        store.write(lambda tx: queue.leave(tx, row))


def _still_here(tx: Transaction, row: Row) -> None:
    queue.sign(tx, row)
    deadlock.refuse(tx, row, late=True)


def steal(project: Project, path: str, *, reason: str, instance: str | None = None) -> Outcome:
    """Take a path from its holder. Raises ``CannotSteal`` and what ``holder`` raises."""
    who = project.caller()
    (want,) = targets(project, [path])

    def body(tx: Transaction) -> Outcome:
        mine = holder(project, tx, who, instance)
        got = leases.steal(
            tx,
            want,
            instance=mine.instance,
            actor=mine.actor,
            human=mine.human,
            reason=reason,
            session=mine.session,
        )
        return Outcome(mine, got)

    return project.store.write(body)


def check(project: Project, paths: Sequence[str], instance: str | None = None) -> list[Standing]:
    """How paths stand for the caller, their content compared."""
    who = project.caller()
    wants = targets(project, paths)

    def body(reader: Reader) -> list[Standing]:
        name = holder_name(project, reader, who, instance)
        return [
            leases.check(reader, want, instance=name, digest=content(want, missing=True))
            for want in wants
        ]

    return project.store.read(body)


def content(target: Target, *, missing: bool = False) -> str | None:
    """The sha1 (hex) of a file's content; None without a file, or with ``missing`` a dash."""
    if target.kind != "file" or target.place is None:
        return None
    try:
        with open(target.place, "rb") as file:
            return hashlib.file_digest(file, "sha1").hexdigest()
    except OSError:
        return "-" if missing else None


def _here(project: Project, reader: Reader) -> str:
    return instance_here(reader, project.config, project.repository, None)


def _ms(seconds: float) -> int:
    """Milliseconds; what is no sensible time stays one that is refused."""
    return round(max(-1e9, min(seconds, 1e9)) * 1000) if seconds == seconds else -1


def _priority(project: Project, instance: str, wants: Sequence[Target], wish: Wish) -> int:
    """The configured priority for files of one's own, else 0; the caller may only lower it."""
    known = project.config.instances.get(instance)
    mine = known is not None and all(instance in owners(project, want) for want in wants)
    configured = known.priority if known and mine else 0
    return configured if wish.priority is None else min(configured, wish.priority)


def _taken_over(got: Acquired | Held) -> tuple[str, ...]:
    rows = got.taken_over if isinstance(got, Acquired) else ()
    return tuple(f"the lease of {row['instance']} on {row['path']} had run out" for row in rows)
