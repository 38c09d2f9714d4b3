"""What the watch looks after besides handoffs: the branch, the ladder, emergencies.

Looks when the branch moved and at each monitoring interval; in between it costs
one read of a ref.
"""

from __future__ import annotations

import time

from orchestrator.coordination.unchecked import notice
from orchestrator.engine.decisions import settle
from orchestrator.engine.emergencies import react
from orchestrator.engine.integration import mark
from orchestrator.engine.lease import Lease
from orchestrator.engine.pages import write_escalation
from orchestrator.engine.project import Project, put, setting
from orchestrator.policy.escalation import advance
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = ["Attention"]

_HEAD = "integration_head"


class Attention:
    """Remembers when it last looked at everything. ``look`` is safe to call often."""

    def __init__(self, project: Project, lease: Lease) -> None:
        self.project, self.lease = project, lease
        self.looked = 0.0
        self.written: set[str] = set()

    def look(self) -> None:
        """Notice a moved branch; at each monitoring interval everything else too."""
        self._branch()
        self._ladder()
        self._pages()
        if time.monotonic() - self.looked < self.project.config.coordinator.monitoring_interval:
            return
        self.looked = time.monotonic()
        notice(self.project.store, self.project.repository.common)
        react(self.project, self.lease)
        settle(self.project, self.lease.check)

    def _branch(self) -> None:
        """Report commits that reached the integration branch without a verified handoff."""
        head = self.project.integration_head()
        known = self.project.store.read(lambda reader: setting(reader, _HEAD))
        if head is None or head == known:
            return
        strangers = self._unverified(known, head) if known else []

        def body(tx: Transaction) -> None:
            self.lease.check(tx)
            put(tx, _HEAD, head)
            if strangers:
                count = int(setting(tx, "integration_unverified") or 0) + len(strangers)
                put(tx, "integration_unverified", str(count))
                mark(tx, known or head)
                branch = self.project.config.coordinator.integration_branch
                reason = f"{len(strangers)} commits reached {branch} without a verified handoff"
                told = {"commits": strangers[:50], "head": head}
                tx.record(
                    NewEvent(
                        "integration.unverified", self.project.verifier, reason=reason, data=told
                    )
                )

        self.project.store.write(body)

    def _unverified(self, known: str, head: str) -> list[str]:
        """First-parent commits since ``known`` that no handoff landed and no undo made."""
        git = self.project.git
        if git.commit(known) is None or not git.is_ancestor(known, head):
            return [head]
        landed = self.project.store.read(
            lambda reader: {
                commit
                for row in reader.find("handoffs")
                for commit in (row["landed"], row["candidate"], row["rollback"])
                if commit
            }
        )
        new = git.out("rev-list", "--first-parent", f"{known}..{head}").split()
        return [commit for commit in new if commit not in landed]

    def _pages(self) -> None:
        """Have the page of every open escalation and of the runs they are about on disk."""
        rows = self.project.store.read(
            lambda reader: reader.find("escalations", {"status": "open"}, order="-opened_at")
        )
        for row in rows:
            if row["id"] not in self.written:
                write_escalation(self.project, row)
                self.written.add(row["id"])

    def _ladder(self) -> None:
        """Climb the ladder of every escalation whose time has come."""

        def due(rows: list[Row], now: int) -> list[Row]:
            return [row for row in rows if row["next_at"] is not None and row["next_at"] <= now]

        def body(tx: Transaction) -> None:
            self.lease.check(tx)
            for row in due(tx.find("escalations", {"status": ("open", "acknowledged")}), tx.now):
                step = advance(row, tx.now)
                changes = {"level": step.level, "repeats": step.repeats, "next_at": step.next_at}
                tx.update("escalations", {"id": row["id"]}, changes)
                told = {"escalation": row["id"], "notify": list(step.notify), "level": step.name}
                tx.record(
                    NewEvent(
                        "escalation.page",
                        self.project.verifier,
                        row["instance"],
                        row["handoff"],
                        step.reason,
                        data=told,
                    )
                )

        store = self.project.store
        rows, now = store.read(
            lambda r: (r.find("escalations", {"status": ("open", "acknowledged")}), r.now)
        )
        if due(rows, now):
            store.write(body)
