"""The coordinator lease: two watches never coordinate one project at once.

The lease has a growing fence. Whoever lost it, without having noticed yet,
cannot write: every decision of the watch is made in a transaction that checks
the fence.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from orchestrator.coordination.liveness import alive, host, started
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Store, Transaction

__all__ = ["TTL_MS", "Coordinated", "Lease", "LeaseLost", "coordinator"]

#: A watch on another host is believed gone after this long without renewal.
TTL_MS = 30_000
_NAME = "coordinator"


class Coordinated(OrchestrateError):
    """Another watch coordinates this project.

    Only one does at a time. Stop it (SIGTERM), or let it work: ``orchestrate
    status`` shows what it does. When it was killed, the next one takes over by
    itself.
    """

    code = "E321"
    exit_status = EXIT["held"]


class LeaseLost(OrchestrateError):
    """This watch no longer holds the coordinator lease.

    Another one took over after this one did not renew it in time; this one
    stops without having decided anything since.
    """

    code = "E322"
    exit_status = EXIT["expired"]


@dataclass(frozen=True, slots=True)
class Lease:
    """A held coordinator lease."""

    store: Store
    holder: str
    fence: int

    @classmethod
    def acquire(cls, store: Store, holder: str) -> Lease:
        """Take the lease. Raises ``Coordinated`` while another watch lives."""
        return cls(store, holder, store.write(lambda tx: _acquire(tx, holder), durable=True))

    def check(self, tx: Reader) -> None:
        """Raise ``LeaseLost`` unless this lease is still the current one."""
        row = tx.get("coordinators", name=_NAME)
        if row is None or row["fence"] != self.fence:
            raise LeaseLost

    def renew(self) -> None:
        """Extend the lease by its TTL. Raises ``LeaseLost``."""

        def body(tx: Transaction) -> None:
            self.check(tx)
            tx.update("coordinators", {"name": _NAME}, {"expires_at": tx.now + TTL_MS})

        self.store.write(body)

    def release(self) -> None:
        """Give the lease back, if it still is ours."""

        def body(tx: Transaction) -> None:
            gone = {"expires_at": 0, "pid": None, "pid_started": None, "holder": None}
            if tx.update("coordinators", {"name": _NAME}, gone, expect={"fence": self.fence}):
                tx.record(NewEvent("coordinator.release", self.holder, data={"fence": self.fence}))

        self.store.write(body)


def coordinator(reader: Reader) -> Row | None:
    """The lease's row while somebody holds it and may be alive, else None."""
    row = reader.get("coordinators", name=_NAME)
    return row if row and row["holder"] and _held(row, reader.now) else None


def _held(row: Row, now: int) -> bool:
    """On this host the process decides; elsewhere the time."""
    known = alive(row["pid"], row["pid_started"], row["host"])
    return row["expires_at"] > now if known is None else known


def _acquire(tx: Transaction, holder: str) -> int:
    row = tx.get("coordinators", name=_NAME)
    mine = (os.getpid(), started(os.getpid()))
    if row and row["holder"] and (row["pid"], row["pid_started"]) != mine and _held(row, tx.now):
        raise Coordinated(
            f"{row['holder']} coordinates on {row['host']} (pid {row['pid']})",
            hint="orchestrate status shows what it does; SIGTERM ends it",
        )
    fence = (row["fence"] if row else 0) + 1
    new: Row = {
        "holder": holder,
        "pid": mine[0],
        "pid_started": mine[1],
        "host": host(),
        "fence": fence,
        "acquired_at": tx.now,
        "expires_at": tx.now + TTL_MS,
    }
    if row:
        tx.update("coordinators", {"name": _NAME}, new)
    else:
        tx.insert("coordinators", {"name": _NAME, **new})
    taken_from = {"fence": fence, "before": row["holder"] if row else None}
    tx.record(NewEvent("coordinator.acquire", holder, data=taken_from))
    return fence
