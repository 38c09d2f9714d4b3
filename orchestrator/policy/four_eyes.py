"""Who may approve, reject or waive somebody's work: never the one who produced it."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["may_approve"]


def may_approve(
    actor: str, producer: str, *, approvers: Collection[str] = (), coordinator: str | None = None
) -> str | None:
    """Why ``actor`` may not decide about ``producer``'s work, or None when it may.

    Humans (``human:<user>``) may. Another instance may only if it is the
    coordinator or one of ``approvers``.
    """
    if not actor:
        return "it is not known who you are"
    if actor == producer:
        return f"{actor} produced this work; somebody else has to decide about it"
    if actor.startswith("human:") and actor != "human:":
        return None
    if actor == coordinator or actor in approvers:
        return None
    return f"{actor} is neither a human, nor the coordinator, nor listed in approval.approvers"
