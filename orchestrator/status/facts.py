"""What the parts of the status document are made of, read once from a view of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.lifecycle.states import State
from orchestrator.status.health import OPEN, Live, unknown
from orchestrator.status.times import rfc3339
from orchestrator.store.port import Reader

__all__ = ["INSTANCE", "LATEST", "Extras", "Facts"]

#: How many ended handoffs and runs the document remembers.
LATEST = 20

#: The columns of an instance that the document tells about.
INSTANCE = (
    "id", "role", "state", "handoff", "task", "session", "pid", "pid_started", "host",
    "heartbeat_at", "worktree", "branch",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extras:
    """What a view of the store cannot tell.

    ``revision`` is the document's number; ``live`` says whether the process a
    row names (``pid``, ``pid_started``, ``host``) still runs.
    """

    revision: int = 0
    live: Live = unknown


class Facts:
    """Rows and settings that several parts of the document need."""

    def __init__(self, reader: Reader, config: Mapping[str, Any], extras: Extras) -> None:
        self.reader, self.config, self.extras = reader, config, extras
        found = reader.find("instances", columns=INSTANCE)
        self.rows = {row["id"]: row for row in found}
        self.known: Mapping[str, Any] = config.get("instances") or {}
        self.coordinator = (config.get("coordinator") or {}).get("instance")
        named = [*self.known, *([self.coordinator] if self.coordinator else [])]
        self.names = list(dict.fromkeys([*named, *self.rows]))
        open_ = reader.find("handoffs", {"status": "open"}, order="created_at")
        others = ("landed", "withdrawn", "released")
        ended = reader.find("handoffs", {"status": others}, order="-updated_at", limit=LATEST)
        self.handoffs = [*open_, *ended]
        self.open = {row["id"]: row for row in open_}
        held = reader.find("leases", {"status": "held"})
        self.leases = sorted(held, key=lambda row: (row["acquired_at"], row["fence"]))
        self.held_by: dict[str, list[str]] = {}
        for row in self.leases:
            self.held_by.setdefault(row["instance"], []).append(row["id"])
        self.escalations = reader.find("escalations", {"status": OPEN}, order="opened_at")

        begun = reader.find("sessions", {"ended_at": None}, columns=("id", "started_at"))
        self.since = {row["id"]: rfc3339(row["started_at"] or 0) for row in begun}
        tasks = list({row["task"] for row in found if row["task"]})
        titled = reader.find("tasks", {"id": tasks}, columns=("id", "title")) if tasks else []
        self.titles = {row["id"]: row["title"] for row in titled}

        states = {str(state): state for state in State}
        self._states = {row["id"]: states.get(row["state"], State.STANDBY) for row in found}

    def state(self, name: str) -> State:
        """Where an instance stands; one that never did anything stands by."""
        return self._states.get(name, State.STANDBY)

    def states(self) -> set[State]:
        """Every state some instance is in."""
        return set(self._states.values())
