"""What an emergency rule may do, in words. Evaluating and acting is the engine's."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ACTIONS"]

#: Action of ``emergency[].do`` → what it does.
ACTIONS: Mapping[str, str] = {
    "release_leases": "frees everything the instance holds",
    "return_task": "gives its task back, for somebody else to take",
    "notify": "tells those whom the configuration names",
    "freeze": "stops all landing until somebody thaws it",
    "rollback": "undoes what landed last",
    "escalate": "asks a human",
}
