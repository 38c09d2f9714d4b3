"""What every instance knows and how busy it is: the facts for suggestions and consultations.

Configuration and profile are added up: an instance may offer more than the
configuration says, never less.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from orchestrator.config.model import Config
from orchestrator.coordination.liveness import is_live
from orchestrator.store.port import Reader, Row

__all__ = ["WORKING", "Candidate", "candidates"]

#: Statuses of tasks that somebody is occupied with.
WORKING = ("assigned", "in_progress", "blocked")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One instance as a possible assignee or adviser.

    ``knows`` is in lower case; ``live`` is None where it cannot be told;
    ``load`` counts unfinished tasks and questions not yet answered.
    """

    instance: str
    role: str
    state: str
    knows: frozenset[str]
    patterns: tuple[str, ...]
    available: bool
    live: bool | None
    load: int


def candidates(reader: Reader, config: Config) -> list[Candidate]:
    """Every instance, by name."""
    busy = _busy(reader)
    profiles = {row["instance"]: row for row in reader.find("profiles")}
    return [
        _candidate(row, config, profiles.get(row["id"]), busy.get(row["id"], 0), reader.now)
        for row in reader.find("instances")
    ]


def _candidate(row: Row, config: Config, profile: Row | None, load: int, now: int) -> Candidate:
    known = config.instances.get(row["id"])
    knows = [*known.expertise, *known.specializations] if known else []
    if profile:
        knows += json.loads(profile["expertise"] or "[]")
        knows += json.loads(profile["specializations"] or "[]")
    return Candidate(
        instance=row["id"],
        role=row["role"] or "",
        state=row["state"],
        knows=frozenset(word.casefold() for word in knows),
        patterns=known.file_patterns if known else (),
        available=profile is None or profile["consultation"] != 0,
        live=is_live(row["pid"], row["pid_started"], row["host"], row["heartbeat_at"], now),
        load=load,
    )


def _busy(reader: Reader) -> dict[str, int]:
    """Instance → how much is on its desk."""
    found: dict[str, int] = {}
    for row in reader.find("tasks", {"status": WORKING}, columns=("assigned_to",)):
        found[row["assigned_to"]] = found.get(row["assigned_to"], 0) + 1
    asked = reader.find("messages", {"status": "open", "requires_response": 1}, columns=("id",))
    for message in asked:
        where = {"message": message["id"], "answered_at": None, "undeliverable": None}
        for receipt in reader.find("receipts", where):
            found[receipt["instance"]] = found.get(receipt["instance"], 0) + 1
    return found
