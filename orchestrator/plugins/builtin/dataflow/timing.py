"""How long the parts of a flow have that its own timeout does not count."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.plugins.spec import Json

__all__ = ["TEAR_DOWN", "reserve"]

#: Seconds all tear-down commands of a flow have together.
TEAR_DOWN = 30.0
#: Seconds kept for services to leave by themselves.
_ENDING = 5.0


def reserve(flow: Mapping[str, Json]) -> float:
    """Seconds a flow needs beyond its own timeout, to take down what it set up."""
    return (TEAR_DOWN if flow["tear_down"] else 0.0) + (_ENDING if flow["services"] else 0.0)
