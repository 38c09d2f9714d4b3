"""Who suits a task best, and why: expertise first, then files, then who has time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.config.model import Config
from orchestrator.config.ownership import overlap
from orchestrator.coordination.expertise import Candidate, candidates
from orchestrator.lifecycle.states import State
from orchestrator.store.port import Reader, Row

__all__ = ["Suggestion", "suggest"]

#: What each matching word, each matching file pattern and each thing on the desk weighs.
_WORD, _FILE, _FREE, _LOAD = 10, 5, 2, -1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One instance's fitness for a task. ``fits``: something of the task is its subject."""

    instance: str
    score: int
    fits: bool
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "reasons": list(self.reasons)}


def suggest(reader: Reader, config: Config, task: Row) -> list[Suggestion]:
    """Every instance that could take ``task``, the best first.

    Left out: instances known to be dead, and the one that verifies, because
    nobody verifies their own work.
    """
    able = [
        c
        for c in candidates(reader, config)
        if c.live is not False and c.instance != config.coordinator.instance
    ]
    found = [_judged(c, task) for c in able]
    return sorted(found, key=lambda s: (-s.score, s.instance))


def _judged(candidate: Candidate, task: Row) -> Suggestion:
    wanted = [word.casefold() for word in json.loads(task["required_expertise"] or "[]")]
    words = [word for word in wanted if word in candidate.knows]
    globs = json.loads(task["files"] or "[]")
    files = [glob for glob in globs if any(overlap(glob, p) for p in candidate.patterns)]
    free = candidate.state == State.STANDBY
    score = _WORD * len(words) + _FILE * len(files) + _FREE * free + _LOAD * candidate.load
    reasons = [
        *([f"knows {', '.join(words)}"] if words else []),
        *([f"does not know {', '.join(lack)}"] if (lack := _lacking(wanted, words)) else []),
        *([f"is responsible for {', '.join(files)}"] if files else []),
        "stands by" if free else f"is {candidate.state}",
        f"has {candidate.load} on its desk" if candidate.load else "has nothing on its desk",
    ]
    return Suggestion(candidate.instance, score, bool(words or files), tuple(reasons))


def _lacking(wanted: list[str], found: list[str]) -> list[str]:
    return [word for word in wanted if word not in found]
