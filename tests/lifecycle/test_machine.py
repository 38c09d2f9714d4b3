"""Every state × event pair, and every guard, against the table."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.machine import GUARDS, Facts, GuardRefused, ImpossibleEvent, step
from orchestrator.lifecycle.states import (
    STATUS_OF_STATE,
    TRANSITIONS,
    Event,
    State,
    possible,
)

#: Facts under which every guard is content.
WILLING = Facts(
    actor="coordinator",
    producer="backend",
    live=True,
    task="t",
    coordinates=True,
    human=True,
    evidence=True,
    findings=True,
    landed=True,
    attempts_left=1,
    moved=("base",),
)
ALLOWED = {(source, row.event): row.target for row in TRANSITIONS for source in row.sources}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_moves_as_the_table_says_or_says_what_is_possible(
    state: State, event: Event
) -> None:
    if (state, event) in ALLOWED:
        assert step(state, event, WILLING) == ALLOWED[state, event]
        return
    with pytest.raises(ImpossibleEvent) as refused:
        step(state, event, WILLING)
    assert str(state) in refused.value.message
    assert all(name in (refused.value.hint or "") for name in possible(state))


def test_the_table_has_every_event_once_and_every_state_has_an_exit() -> None:
    assert [row.event for row in TRANSITIONS] == list(Event)
    assert all(possible(state) for state in State)
    assert set(STATUS_OF_STATE) == set(State)
    assert set(GUARDS) == set(Event)


REFUSALS: list[tuple[State, Event, Facts, str]] = [
    (State.STANDBY, Event.ASSIGN, Facts(task=None, live=True), "no task is named"),
    (State.STANDBY, Event.ASSIGN, Facts(task="t", live=False), "no longer running"),
    (State.ACTIVE, Event.READY, Facts(problems=("the notes lack Why",)), "the notes lack Why"),
    (State.HANDOFF_READY, Event.VERIFY, Facts(actor="c", producer="p"), "coordinator lease"),
    (
        State.HANDOFF_READY,
        Event.VERIFY,
        Facts(actor="p", producer="p", coordinates=True),
        "nobody verifies their own work",
    ),
    (State.VERIFICATION, Event.APPROVE, Facts(actor="c", producer="p"), "no current evidence"),
    (
        State.VERIFICATION,
        Event.APPROVE,
        Facts(actor="p", producer="p", evidence=True),
        "nobody approves their own work",
    ),
    (State.VERIFICATION, Event.REJECT, Facts(actor="c", producer="p"), "neither findings"),
    (State.APPROVED, Event.COMPLETE, Facts(), "not on the integration branch"),
    (State.FAILED, Event.REMEDIATE, Facts(attempts_left=0), "no attempts"),
    (State.FAILED, Event.REMEDIATE, Facts(attempts_left=1, escalated=True), "escalation"),
    (State.HANDOFF_READY, Event.WITHDRAW, Facts(actor="x", producer="p"), "only its producer"),
    (State.APPROVED, Event.VOID, Facts(), "nothing its approval is bound to"),
    (State.STANDBY, Event.ROLLBACK, Facts(), "was not undone"),
    (State.STANDBY, Event.ROLLBACK, Facts(landed=True, handoff="H-2"), "other open work"),
    (State.ACTIVE, Event.RELEASE, Facts(actor="x", producer="p"), "releases it"),
]


@pytest.mark.parametrize(("state", "event", "facts", "said"), REFUSALS)
def test_a_guard_that_refuses_says_why(state: State, event: Event, facts: Facts, said: str) -> None:
    with pytest.raises(GuardRefused, match=said):
        step(state, event, facts)


def test_unknown_liveness_is_not_death() -> None:
    assert step(State.STANDBY, Event.ASSIGN, Facts(task="t", live=None)) == State.ACTIVE


def test_the_coordinator_may_release_only_a_dead_instance() -> None:
    dead = Facts(actor="c", producer="p", coordinates=True, live=False)
    assert step(State.REMEDIATION, Event.RELEASE, dead) == State.STANDBY
    with pytest.raises(OrchestrateError):
        step(State.REMEDIATION, Event.RELEASE, Facts(actor="c", producer="p", coordinates=True))
