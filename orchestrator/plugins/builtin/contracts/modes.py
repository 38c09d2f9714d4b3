"""What a mode demands of a new version, and in which direction.

*Must not shrink*: the new version must admit what the old one did. *Must not
grow*: the old one must admit what the new one does. The table is explained in
``docs/reference/checks-contracts.md``.
"""

from __future__ import annotations

__all__ = ["MODES", "MUST_NOT_GROW", "MUST_NOT_SHRINK", "demands", "is_transitive"]

MUST_NOT_SHRINK, MUST_NOT_GROW = "must-not-shrink", "must-not-grow"

_TRANSITIVE = "-transitive"
MODES = ("none", "backward", "forward", "full",
         *(f"{mode}{_TRANSITIVE}" for mode in ("backward", "forward", "full")))  # fmt: skip
_BACKWARD = {"output": (MUST_NOT_GROW,)}


def demands(compatibility: str, direction: str) -> tuple[str, ...]:
    """What a new version of a contract must keep to."""
    mode = compatibility.removesuffix(_TRANSITIVE)
    if mode == "backward":
        return _BACKWARD.get(direction, (MUST_NOT_SHRINK,))
    return {"forward": (MUST_NOT_GROW,), "full": (MUST_NOT_SHRINK, MUST_NOT_GROW)}.get(mode, ())


def is_transitive(compatibility: str) -> bool:
    """Whether every kept version counts, not the last alone."""
    return compatibility.endswith(_TRANSITIVE)
