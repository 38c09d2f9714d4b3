"""The watch: the loop that keeps the coordinator going until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from orchestrator.descendants import end_orphans, marker_key
from orchestrator.engine.attention import Attention
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.handoff import NO_BRANCH, NoIntegrationBranch
from orchestrator.engine.lease import Lease, LeaseLost
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.status.publish import Debounced
from orchestrator.verification.progress import Listener

__all__ = ["watch"]

#: How often the store is asked whether anybody wrote; asking costs microseconds.
POLL = 0.1
#: How often the coordinator lease is renewed, in seconds.
RENEW = 5.0
#: How often in a row something may go wrong, and the pause in between, in seconds.
PATIENCE, PAUSE = 30, 1.0


def watch(
    project: Project,
    listener: Listener,
    *,
    once: bool = False,
    stop: threading.Event | None = None,
    moved: Callable[[], None] = lambda: None,
    trouble: Callable[[str], None] = lambda text: None,
) -> None:
    """Coordinate until ``stop`` is set, or with ``once`` until nothing is left to do.

    ``moved`` is called after anything changed, ``trouble`` with what went wrong
    and is tried again. Raises ``Coordinated`` when another watch lives,
    ``LeaseLost`` when another one took over, and whatever does not pass.
    """
    lease = Lease.acquire(project.store, project.verifier)
    # What an earlier, killed watch started may still run; its results count for nothing.
    end_orphans(marker_key(project.repository.state))
    loop = Loop(project, lease, Coordinator(project, lease, listener), stop or threading.Event())
    try:
        loop.run(once=once, moved=moved, trouble=trouble)
    finally:
        loop.coordinator.close()
        lease.release()
        loop.publishing.poke()
        loop.publishing.close()


class Loop:
    """Ticks while there is something to do, then waits until somebody wrote."""

    def __init__(
        self, project: Project, lease: Lease, coordinator: Coordinator, stop: threading.Event
    ) -> None:
        self.project, self.lease, self.coordinator, self.stop = project, lease, coordinator, stop
        self.attention = Attention(project, lease)
        self.publishing = Debounced(lambda: self.project.publish())
        self.renewed = time.monotonic()

    def run(self, *, once: bool, moved: Callable[[], None], trouble: Callable[[str], None]) -> None:
        patience = 0 if once else PATIENCE
        while not self.stop.is_set():
            seen = self.project.store.version()
            try:
                busy, patience = self._turn(), 0 if once else PATIENCE
            except LeaseLost:
                raise
            except OrchestrateError as error:
                # A busy store, a full disk or git's own lock may pass: nothing was half done.
                patience -= 1
                if patience < 0:
                    raise
                trouble(f"{error.code} {error.message}; trying again")
                self.stop.wait(PAUSE)
                continue
            moved()
            if once and not busy and not self.coordinator.working:
                return
            if not busy:
                self._wait(seen)

    def _turn(self) -> bool:
        """Look at everything once; True when anything was done."""
        self._renew()
        if self.project.integration_head() is None:
            name = self.project.config.coordinator.integration_branch
            raise NoIntegrationBranch(
                f"the integration branch {name!r} does not exist", hint=NO_BRANCH
            )
        self._reload()
        self.attention.look()
        busy = self.coordinator.tick()
        self.publishing.poke()
        return busy

    def _renew(self) -> None:
        if time.monotonic() - self.renewed > RENEW:
            self.lease.renew()
            self.renewed = time.monotonic()

    def _reload(self) -> None:
        """Landing may have changed the rules: the next handoff is judged by the new ones."""
        project = self.project.reloaded()
        if project is not self.project:
            self.project = self.coordinator.project = self.attention.project = project

    def _wait(self, seen: int) -> None:
        """Until the store changed, the job finished, the lease is due, or the interval is over."""
        until = time.monotonic() + self.project.config.coordinator.monitoring_interval
        while not self.stop.is_set() and time.monotonic() < until:
            due = self.coordinator.due or time.monotonic() - self.renewed > RENEW
            if due or self.project.store.version() != seen:
                return
            self.stop.wait(POLL)
