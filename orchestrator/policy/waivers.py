"""Waivers: a finding that somebody other than its producer accepts, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.policy.four_eyes import may_approve

__all__ = ["covers", "refused"]


def covers(
    waiver: Mapping[str, Any], fingerprint: str, now: int, *, producer: str | None = None
) -> bool:
    """Whether a waiver (a row of ``waivers``) covers a finding at ``now`` (ms).

    ``producer`` is whose work the finding is in, when that is not the waiver's
    own. A waiver without an expiry, or given by the producer, covers nothing.
    """
    uses, used = waiver.get("uses"), waiver.get("used") or 0
    whose = waiver.get("producer") if producer is None else producer
    return (
        waiver["fingerprint"] == fingerprint
        and bool(waiver.get("approver"))
        and waiver["approver"] not in (whose, waiver.get("producer"))
        and waiver.get("expires_at") is not None
        and now < waiver["expires_at"]
        and (uses is None or used < uses)
    )


def refused(
    approver: str,
    producer: str,
    *,
    reason: str,
    expires_at: int | None,
    now: int,
    uses: int | None = None,
    approvers: tuple[str, ...] = (),
    coordinator: str | None = None,
) -> str | None:
    """Why a waiver may not be given, or None. ``uses`` None: any number until it expires."""
    if not reason.strip():
        return "a waiver needs a reason"
    if expires_at is None:
        return "a waiver needs a time at which it expires"
    if expires_at <= now:
        return "the waiver would have expired already"
    if uses is not None and uses < 1:
        return "a waiver is for one use or more"
    return may_approve(approver, producer, approvers=approvers, coordinator=coordinator)
