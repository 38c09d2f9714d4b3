"""The states of an instance and the events that move it: the one table.

The machine, the diagram in the documentation, the tests and the message of a
refused event are all made from ``TRANSITIONS``. Imports nothing but ``enum``.
"""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["STATUS_OF_STATE", "TRANSITIONS", "Event", "State", "Transition", "possible"]


class State(StrEnum):
    """Where an instance stands in the lifecycle of its handoff."""

    STANDBY = "STANDBY"
    ACTIVE = "ACTIVE"
    HANDOFF_READY = "HANDOFF_READY"
    VERIFICATION = "VERIFICATION"
    APPROVED = "APPROVED"
    FAILED = "FAILED"
    REMEDIATION = "REMEDIATION"
    HANDOFF_COMPLETE = "HANDOFF_COMPLETE"


class Event(StrEnum):
    """What happened to an instance; each names a row of ``TRANSITIONS``."""

    ASSIGN = "assign"
    READY = "ready"
    VERIFY = "verify"
    APPROVE = "approve"
    REJECT = "reject"
    COMPLETE = "complete"
    REMEDIATE = "remediate"
    STANDBY = "standby"
    WITHDRAW = "withdraw"
    VOID = "void"
    ROLLBACK = "rollback"
    RELEASE = "release"


class Transition(NamedTuple):
    """One row: ``event`` moves any of ``sources`` to ``target``.

    ``guard`` is the sentence of the documentation; ``machine.GUARDS`` holds
    the predicate of the same event.
    """

    event: Event
    sources: tuple[State, ...]
    target: State
    guard: str


S, E = State, Event

TRANSITIONS: tuple[Transition, ...] = (
    Transition(E.ASSIGN, (S.STANDBY,), S.ACTIVE, "the instance is live and a task is named"),
    Transition(
        E.READY,
        (S.ACTIVE, S.REMEDIATION),
        S.HANDOFF_READY,
        "the ref is a commit not yet on the integration branch, ownership and fences hold, "
        "the notes are complete, and after FAILED the commit is a different one",
    ),
    Transition(
        E.VERIFY,
        (S.HANDOFF_READY,),
        S.VERIFICATION,
        "the caller holds the coordinator lease and is not the producer",
    ),
    Transition(
        E.APPROVE,
        (S.VERIFICATION,),
        S.APPROVED,
        "current evidence passed the rules, or somebody entitled who is not the producer approved",
    ),
    Transition(
        E.REJECT,
        (S.VERIFICATION,),
        S.FAILED,
        "a rule or somebody who is not the producer rejected it, with findings or a reason",
    ),
    Transition(
        E.COMPLETE, (S.APPROVED,), S.HANDOFF_COMPLETE, "the work is on the integration branch"
    ),
    Transition(
        E.REMEDIATE, (S.FAILED,), S.REMEDIATION, "attempts are left and no escalation is open"
    ),
    Transition(E.STANDBY, (S.HANDOFF_COMPLETE,), S.STANDBY, "none"),
    Transition(E.WITHDRAW, (S.HANDOFF_READY,), S.ACTIVE, "the caller is the producer"),
    Transition(
        E.VOID,
        (S.APPROVED,),
        S.HANDOFF_READY,
        "commit, base, policy or plugin version moved, or a later run failed",
    ),
    Transition(
        E.ROLLBACK,
        (S.HANDOFF_COMPLETE, S.STANDBY),
        S.REMEDIATION,
        "the landed handoff was undone and the instance has no other open work",
    ),
    Transition(
        E.RELEASE,
        (S.ACTIVE, S.HANDOFF_READY, S.FAILED, S.REMEDIATION),
        S.STANDBY,
        "the caller is the producer, a human, or the coordinator of a dead instance",
    ),
)

#: The coarse ``status`` of the status document, from the state.
STATUS_OF_STATE: dict[State, str] = {
    S.STANDBY: "STANDBY",
    S.ACTIVE: "ACTIVE",
    S.HANDOFF_READY: "ACTIVE",
    S.VERIFICATION: "ACTIVE",
    S.FAILED: "ACTIVE",
    S.REMEDIATION: "ACTIVE",
    S.APPROVED: "COMPLETED",
    S.HANDOFF_COMPLETE: "COMPLETED",
}


def possible(state: State) -> tuple[Event, ...]:
    """The events that may happen in ``state``, in the table's order."""
    return tuple(row.event for row in TRANSITIONS if state in row.sources)
