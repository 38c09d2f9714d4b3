"""Escalations: what kinds there are, how each may be answered, and who is told when.

An escalation never times out into an approval: where nobody answers, the work
is held. The ladder is frozen into the escalation when it is opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ANSWERS", "KINDS", "Ladder", "Level", "Step", "advance", "dedupe_key", "held_until"]

#: Kind → what sort of question it is.
KINDS: Mapping[str, str] = {
    "decision": "no rule decides whether the work is good enough",
    "authorisation": "the work is good by rule, and somebody has to allow it",
    "manual_fix": "it could not be told whether the work is good; something has to be mended",
    "emergency": "something happened that cannot wait",
    "disagreement": "somebody objects to a decision",
    "permission": "an instance wants to change files that belong to another",
}

_APPROVE = "the work lands exactly as it was verified"
_REJECT = "the work goes back to its producer, with the findings and your reason"
_RETRY = "the work is verified again, once what stood in the way is mended"

#: Kind → the answers it takes, the usual one first, each with what it does.
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "decision": {"approve": _APPROVE, "reject": _REJECT, "retry": "the work is verified again"},
    "authorisation": {
        "approve": "you allow it: the work lands, or its producer may try again",
        "reject": "you refuse: the work goes back to its producer, or is given up",
    },
    "manual_fix": {
        "retry": _RETRY,
        "approve": "the work lands although not all of it could be verified",
        "reject": _REJECT,
    },
    "emergency": {
        "approve": "you have dealt with it; the question is closed",
        "reject": "it was a false alarm; the question is closed",
    },
    "disagreement": {
        "approve": "the decision stands as it was before the objection",
        "reject": "the objection is right: the decision is deprecated",
    },
    "permission": {
        "approve": "it may change these files for the next 7 days",
        "reject": "it may not; it may ask again after a day",
    },
}


@dataclass(frozen=True, slots=True)
class Level:
    """One rung: whom to ``notify``, ms to acknowledge within, and how often it is repeated."""

    name: str
    notify: tuple[str, ...] = ()
    ack_within_ms: int = 900_000
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs, lowest first; at least one."""

    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("an escalation ladder needs at least one level")

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON; ``from_json`` is its inverse."""
        return [{**asdict(level), "notify": list(level.notify)} for level in self.levels]

    @classmethod
    def from_json(cls, value: Any) -> Ladder:
        return cls(tuple(Level(**{**item, "notify": tuple(item["notify"])}) for item in value))


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told now (nobody when the ladder has ended) and when to look again (ms, or None)."""

    level: int
    name: str
    repeats: int
    next_at: int | None
    notify: tuple[str, ...]
    reason: str


def advance(escalation: Mapping[str, Any], now: int) -> Step:
    """The next step of an open escalation (a row of ``escalations``) whose ``next_at`` has come.

    A level is paged once and then ``repeat`` times more; one more where it was
    acknowledged and is still not resolved. Then the next level is; after the
    last, nobody, and the work stays held.
    """
    ladder = Ladder.from_json(json.loads(escalation["ladder"]))
    number = min(escalation["level"] or 0, len(ladder.levels) - 1)
    repeats, level = escalation["repeats"] or 0, ladder.levels[number]
    by = escalation.get("acknowledged_by") if escalation["status"] == "acknowledged" else None
    why = f"acknowledged by {by}, still not resolved" if by else f"{level.name} did not acknowledge"
    if repeats < level.repeat + (1 if by else 0):
        return _page(level, number, repeats + 1, now, why)
    if number + 1 < len(ladder.levels):
        return _page(ladder.levels[number + 1], number + 1, 0, now, why)
    return Step(number, level.name, repeats, None, (), f"{why}; the ladder has ended, it is held")


def _page(level: Level, number: int, repeats: int, now: int, reason: str) -> Step:
    return Step(number, level.name, repeats, now + level.ack_within_ms, level.notify, reason)


def held_until(escalation: Mapping[str, Any], now: int) -> int:
    """When an escalation acknowledged at ``now`` (ms) is paged again unless it is resolved."""
    ladder = Ladder.from_json(json.loads(escalation["ladder"]))
    number = min(escalation["level"] or 0, len(ladder.levels) - 1)
    return now + ladder.levels[number].ack_within_ms


def dedupe_key(kind: str, subject: str, head: str | None = None) -> str:
    """Two escalations with one key ask the same: of this kind, about this, at this commit."""
    return f"{kind}:{subject}:{head}" if head else f"{kind}:{subject}"
