"""``orchestrator.leases``: take, keep, look at and give back files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from orchestrator.api.records import Lease, Standing
from orchestrator.api.seat import Seat
from orchestrator.coordination import leases
from orchestrator.coordination.leases import Conflict, Held
from orchestrator.coordination.overlaps import target_of
from orchestrator.coordination.paths import Target
from orchestrator.engine import leasing
from orchestrator.engine.leasing import Holder, Outcome, Wish
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Grant", "LeaseHeld", "Leases"]

Path = str | os.PathLike[str]
Body = Callable[[Transaction, Holder], Iterable[leases.Standing]]


class LeaseHeld(OrchestrateError):
    """Somebody else holds one of the paths, or waits for it before you.

    Nothing was taken. ``conflicts`` says who is in the way; wait for them
    (``wait=60``), write to them, or do something else first.
    """

    code = "E366"
    exit_status = EXIT["held"]

    def __init__(self, conflicts: tuple[Conflict, ...] = ()) -> None:
        said = "; ".join(f"{one.want}: {one.holder}" for one in conflicts)
        super().__init__(f"not free: {said}" if said else None, hint="wait for it: wait=SECONDS")
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class Grant:
    """What was acquired; as a context manager it gives back what it took.

    ``leases`` in the order asked; ``remarks`` are for your eyes. What you held
    before stays yours.
    """

    instance: str
    leases: tuple[Lease, ...]
    remarks: tuple[str, ...]
    _fresh: tuple[Row, ...] = field(repr=False)
    _seat: Seat = field(repr=False)
    _holder: Holder = field(repr=False)

    def __enter__(self) -> Self:
        """The grant itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back what was taken; what ran out or was released meanwhile is left alone."""
        self.release()

    def release(self) -> None:
        """Give back what was taken; harmless twice."""
        wants = [target_of(row) for row in self._fresh]
        name, actor = self._holder.instance, self._holder.actor
        if wants:
            project = self._seat.project
            project.store.write(lambda tx: leases.release(tx, wants, instance=name, actor=actor))
            project.publish()


class Leases:
    """Take, keep, look at and give back files.

    Paths are files (also such as do not exist yet), folders and globs. Relative
    ones begin where the ``Orchestrator`` was opened. Bad ones raise ``BadPath``
    or ``OutsideRepository``.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def acquire(
        self,
        *paths: Path,
        shared: bool = False,
        ttl: float = leases.TTL_MS / 1000,
        intent: str | None = None,
        lines: tuple[int, int] | None = None,
        wait: float = 0.0,
        priority: int | None = None,
    ) -> Grant:
        """Take every path or none.

        ``ttl`` (1 s to 24 h) and ``wait`` (in the queue) are seconds; ``lines``
        first and last, from 1; ``priority`` can only lower your place. Use the
        result with ``with`` to give the paths back. Raises ``LeaseHeld``, ``Asked``,
        ``BadLease``, ``NotYours``, ``Deadlock``, ``NoSession`` (stale).
        """
        seat = self._seat
        before = self._mine()
        wish = Wish(
            paths=tuple(map(seat.at, paths)),
            mode="shared" if shared else "exclusive",
            ttl=ttl,
            intent=intent,
            lines=lines,
            wait=wait,
            priority=priority,
            instance=seat.chosen(),
        )
        outcome = leasing.acquire(seat.project, wish)
        seat.project.publish()
        return self._grant(outcome, before)

    def release(self, *paths: Path, everything: bool = False) -> tuple[Standing, ...]:
        """Give paths back, or ``everything`` you hold; how each stood before.

        Leases that have passed to a handoff end with it.
        """
        if bool(paths) == everything:
            raise ValueError("name the paths, or everything=True")
        wants = None if everything else self._targets(paths)

        def body(tx: Transaction, mine: Holder) -> Iterable[leases.Standing]:
            return leases.release(tx, wants, instance=mine.instance, actor=mine.actor)

        return self._written(body)

    def renew(
        self, *paths: Path, ttl: float = leases.TTL_MS / 1000, wrote: bool = False
    ) -> tuple[Standing, ...]:
        """Keep paths for ``ttl`` seconds from now; how each stands.

        What stands ``expired``, ``held`` or ``free`` was not renewed: acquire it
        again. ``wrote``: the files' content of now is yours. Raises ``BadLease``.
        """
        wants = self._targets(paths)

        def body(tx: Transaction, mine: Holder) -> Iterable[leases.Standing]:
            length = round(ttl * 1000)
            found = leases.renew_on(tx, wants, instance=mine.instance, ttl_ms=length)
            for want, standing in zip(wants, found, strict=True):
                if wrote and standing.state == "mine":
                    leases.wrote(tx, want, instance=mine.instance, digest=leasing.content(want))
            return found

        return self._written(body)

    def check(self, *paths: Path) -> tuple[Standing, ...]:
        """How each path stands for you, its content compared; changes nothing."""
        seat = self._seat
        wants = [seat.at(path) for path in paths]
        return tuple(map(_standing, leasing.check(seat.project, wants, seat.chosen())))

    def list(self, instance: str | None = None) -> tuple[Lease, ...]:
        """Everything that is held, or what ``instance`` holds, the oldest first."""
        where = {} if instance is None else {"instance": instance}
        rows = self._seat.project.store.read(lambda reader: leases.held(reader, **where))
        return tuple(map(Lease.of, rows))

    def steal(self, path: Path, *, reason: str) -> Grant:
        """Take a path from its holder: a dead one, or, as a human with a reason, any.

        It is logged. Raises ``CannotSteal``.
        """
        seat = self._seat
        before = self._mine()
        outcome = leasing.steal(seat.project, seat.at(path), reason=reason, instance=seat.chosen())
        seat.project.publish()
        return self._grant(outcome, before)

    def cleanup(self) -> tuple[Lease, ...]:
        """End leases that ran out or whose holder is known to be dead; those leases."""
        rows = self._seat.project.store.write(leases.cleanup)
        self._seat.project.publish()
        return tuple(map(Lease.of, rows))

    def owners(self, path: Path) -> tuple[str, ...]:
        """The instances whose ``file_patterns`` share a file with ``path``."""
        (target,) = self._targets([path])
        return tuple(leasing.owners(self._seat.project, target))

    def _targets(self, paths: Iterable[Path]) -> tuple[Target, ...]:
        return leasing.targets(self._seat.project, map(self._seat.at, paths))

    def _mine(self) -> frozenset[str]:
        """The ids of what the caller holds already."""
        seat = self._seat
        who, named = seat.who(), seat.chosen()

        def body(reader: Reader) -> frozenset[str]:
            name = leasing.holder_name(seat.project, reader, who, named)
            return frozenset(row["id"] for row in leases.held(reader, instance=name))

        return seat.project.store.read(body)

    def _grant(self, outcome: Outcome, before: frozenset[str]) -> Grant:
        result, holder = outcome.result, outcome.holder
        if isinstance(result, Held):
            raise LeaseHeld(result.conflicts)
        fresh = tuple(row for row in result.leases if row["id"] not in before)
        taken = tuple(map(Lease.of, result.leases))
        return Grant(holder.instance, taken, outcome.remarks, fresh, self._seat, holder)

    def _written(self, body: Body) -> tuple[Standing, ...]:
        """Run ``body`` as the caller, in one transaction."""
        seat = self._seat
        who, named = seat.who(), seat.chosen()

        def write(tx: Transaction) -> tuple[Standing, ...]:
            mine = leasing.holder(seat.project, tx, who, named)
            return tuple(map(_standing, body(tx, mine)))

        found = seat.project.store.write(write)
        seat.project.publish()
        return found


def _standing(standing: leases.Standing) -> Standing:
    rows = tuple(map(Lease.of, standing.leases))
    return Standing(str(standing.target), standing.state, rows)
