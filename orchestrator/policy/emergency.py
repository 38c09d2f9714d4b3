"""Emergency rules: which of them hold, and what each action means. Acting is the engine's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.policy.rules import RuleError, evaluate

__all__ = ["ACTIONS", "Due", "due"]

#: Action of ``emergency[].do`` → what it does.
ACTIONS: Mapping[str, str] = {
    "release_leases": "frees everything the instance holds",
    "return_task": "gives its task back, for somebody else to take",
    "notify": "tells those whom the configuration names",
    "freeze": "stops all landing until somebody thaws it",
    "rollback": "undoes what landed last",
    "escalate": "asks a human",
}


@dataclass(frozen=True, slots=True)
class Due:
    """A rule that holds with its actions, or one that could not be evaluated and does nothing."""

    when: str
    actions: tuple[str, ...]
    problem: str | None = None


def due(rules: Iterable[tuple[str, Sequence[str]]], facts: Mapping[str, Any]) -> list[Due]:
    """The rules (expression, actions) that hold on ``facts``, in order, and those that errored."""
    found = []
    for when, actions in rules:
        try:
            if evaluate(when, facts):
                found.append(Due(when, tuple(actions)))
        except RuleError as error:
            found.append(Due(when, (), error.message))
    return found
