"""Runs the table of ``states`` with the ``transitions`` library; nothing else does.

Pure: takes a state, an event and the facts a guard may ask for, gives the next
state or says why not. The caller stores it, as compare-and-set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.lifecycle.states import TRANSITIONS, Event, State, possible

__all__ = ["GUARDS", "Facts", "GuardRefused", "ImpossibleEvent", "step"]


class ImpossibleEvent(OrchestrateError):
    """This cannot happen in the state the instance is in.

    The message names the state and the hint the events that are possible from
    there. Nothing was changed.
    """

    code = "E301"


class GuardRefused(OrchestrateError):
    """The state allows it, but a condition for it does not hold.

    The message lists every condition that does not hold. Mend them and call
    again; nothing was changed.
    """

    code = "E302"
    exit_status = EXIT["failed"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards ask. The engine finds out; a guard only judges.

    ``live`` is None when it cannot be told: unknown is not dead. ``problems``
    are reasons the engine found that are no guard's business to recompute
    (missing notes, foreign files, a broken fence), each a sentence.
    """

    actor: str = ""
    producer: str = ""
    live: bool | None = None
    task: str | None = None
    problems: tuple[str, ...] = ()
    coordinates: bool = False
    human: bool = False
    evidence: bool = False
    findings: bool = False
    landed: bool = False
    escalated: bool = False
    attempts_left: int = 0
    moved: tuple[str, ...] = ()
    handoff: str | None = None


def _assign(facts: Facts) -> list[str]:
    reasons = [] if facts.live is not False else ["the instance's client is no longer running"]
    return reasons if facts.task else [*reasons, "no task is named"]


def _ready(facts: Facts) -> list[str]:
    return list(facts.problems)


def _verify(facts: Facts) -> list[str]:
    reasons = [] if facts.coordinates else ["the caller does not hold the coordinator lease"]
    return reasons + _not_own(facts, "verifies")


def _approve(facts: Facts) -> list[str]:
    reasons = _not_own(facts, "approves")
    if not facts.evidence:
        reasons.append("there is no current evidence for exactly this commit on this base")
    return [*reasons, *facts.problems]


def _reject(facts: Facts) -> list[str]:
    reasons = _not_own(facts, "rejects")
    return reasons if facts.findings else [*reasons, "neither findings nor a reason are given"]


def _complete(facts: Facts) -> list[str]:
    return [] if facts.landed else ["the work is not on the integration branch yet"]


def _remediate(facts: Facts) -> list[str]:
    if facts.escalated:
        return ["an escalation about it is open"]
    return [] if facts.attempts_left > 0 else ["no attempts are left"]


def _withdraw(facts: Facts) -> list[str]:
    return [] if facts.human or facts.actor == facts.producer else ["only its producer withdraws"]


def _void(facts: Facts) -> list[str]:
    return [] if facts.moved else ["nothing its approval is bound to has moved"]


def _rollback(facts: Facts) -> list[str]:
    reasons = [] if facts.landed else ["the landed work was not undone"]
    return reasons if facts.handoff is None else [*reasons, "the instance has other open work"]


def _release(facts: Facts) -> list[str]:
    dead = facts.live is False and facts.coordinates
    if facts.human or facts.actor == facts.producer or dead:
        return []
    return ["only the producer, a human, or the coordinator of a dead instance releases it"]


def _always(facts: Facts) -> list[str]:
    return []


def _not_own(facts: Facts, verb: str) -> list[str]:
    return [f"nobody {verb} their own work"] if facts.actor == facts.producer else []


#: Event → the conditions that do not hold, as sentences. Empty means: go.
GUARDS: dict[Event, Callable[[Facts], list[str]]] = {
    Event.ASSIGN: _assign,
    Event.READY: _ready,
    Event.VERIFY: _verify,
    Event.APPROVE: _approve,
    Event.REJECT: _reject,
    Event.COMPLETE: _complete,
    Event.REMEDIATE: _remediate,
    Event.STANDBY: _always,
    Event.WITHDRAW: _withdraw,
    Event.VOID: _void,
    Event.ROLLBACK: _rollback,
    Event.RELEASE: _release,
}


class _Subject:
    """What the machine moves: holds the state and collects a guard's reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def allowed(self, call: Any) -> bool:
        """The one condition of every transition. ``call`` is the library's event data."""
        self.reasons = GUARDS[Event(call.event.name)](call.kwargs["facts"])
        return not self.reasons


_ROWS = [
    {
        "trigger": row.event.value,
        "source": [source.value for source in row.sources],
        "dest": row.target.value,
        "conditions": "allowed",
    }
    for row in TRANSITIONS
]


def step(state: State, event: Event, facts: Facts) -> State:
    """The state after ``event``. Raises ``ImpossibleEvent`` or ``GuardRefused``."""
    # Only here: hooks import this module far more often than anything moves.
    from transitions import Machine, MachineError

    subject = _Subject()
    machine = Machine(
        model=subject,
        states=[s.value for s in State],
        transitions=_ROWS,
        initial=state.value,
        auto_transitions=False,
        send_event=True,
    )
    try:
        moved = machine.events[event.value].trigger(subject, facts=facts)
    except MachineError as error:
        raise impossible(state, event) from error
    if not moved:
        raise GuardRefused(f"{event} is refused: " + "; ".join(subject.reasons))
    return State(machine.get_model_state(subject).name)


def impossible(state: State, event: Event) -> ImpossibleEvent:
    """The refusal that says what is possible instead."""
    choices = ", ".join(possible(state)) or "nothing"
    return ImpossibleEvent(
        f"{event} cannot happen in {state}", hint=f"from {state} you can: {choices}"
    )
