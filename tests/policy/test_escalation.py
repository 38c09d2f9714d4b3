"""The ladder climbs, pages again, ends in holding; nobody answers for their own work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.policy.escalation import (
    ANSWERS,
    KINDS,
    Ladder,
    Level,
    Step,
    advance,
    dedupe_key,
    held_until,
)
from orchestrator.policy.four_eyes import may_approve
from orchestrator.policy.waivers import covers, refused

LADDER = Ladder((Level("coordinator", ("coordinator",), 1000), Level("humans", ("team",), 5000, 2)))


def opened(**changes: Any) -> dict[str, Any]:
    row = {
        "ladder": json.dumps(LADDER.to_json()),
        "level": 0,
        "repeats": 0,
        "next_at": 1000,
        "status": "open",
        "acknowledged_by": None,
        "acknowledged_at": None,
    }
    return {**row, **changes}


def climb(row: dict[str, Any]) -> list[Step]:
    """Every step until nobody is paged any more."""
    steps: list[Step] = []
    while row["next_at"] is not None:
        step = advance(row, row["next_at"])
        row = {**row, "level": step.level, "repeats": step.repeats, "next_at": step.next_at}
        steps.append(step)
    return steps


def test_an_unanswered_escalation_climbs_repeats_and_is_held() -> None:
    steps = climb(opened())
    assert [(s.name, s.repeats, s.next_at, s.notify) for s in steps] == [
        ("humans", 0, 6000, ("team",)),
        ("humans", 1, 11000, ("team",)),
        ("humans", 2, 16000, ("team",)),
        ("humans", 2, None, ()),
    ]
    assert steps[-1].reason == "humans did not acknowledge; the ladder has ended, it is held"


def test_what_is_acknowledged_and_not_resolved_is_paged_again() -> None:
    row = opened(status="acknowledged", acknowledged_by="human:eva", acknowledged_at=10)
    first, second = advance(row, 1000), climb(row)[1]
    assert (first.name, first.notify) == ("coordinator", ("coordinator",))
    assert first.reason == "acknowledged by human:eva, still not resolved"
    assert second.name == "humans"
    assert climb(row)[-1].next_at is None


def test_acknowledging_gives_the_level_its_time_again() -> None:
    assert held_until(opened(level=1), 700) == 5700


def test_a_level_that_no_longer_exists_is_the_last() -> None:
    assert advance(opened(level=9), 1000).name == "humans"


def test_a_ladder_is_frozen_survives_json_and_has_a_level() -> None:
    assert Ladder.from_json(json.loads(json.dumps(LADDER.to_json()))) == LADDER
    with pytest.raises(ValueError, match="at least one level"):
        Ladder(())


def test_every_kind_has_answers_and_none_answers_itself() -> None:
    assert ANSWERS.keys() == KINDS.keys()
    assert all({"approve", "reject"} <= set(answers) for answers in ANSWERS.values())
    assert next(iter(ANSWERS["manual_fix"])) == "retry"


def test_the_same_question_has_the_same_key_until_the_commit_changes() -> None:
    assert dedupe_key("decision", "H-1", "aaa") == dedupe_key("decision", "H-1", "aaa")
    keys = {
        dedupe_key("decision", "H-1", "aaa"),
        dedupe_key("decision", "H-1", "bbb"),
        dedupe_key("authorisation", "H-1", "aaa"),
        dedupe_key("emergency", "backend"),
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("actor", "why_not"),
    [
        ("backend", "backend produced this work"),
        ("human:eva", None),
        ("coordinator", None),
        ("reviewer", None),
        ("frontend", "neither a human"),
        ("human:", "neither a human"),
        ("", "not known who you are"),
    ],
)
def test_who_may_decide_about_the_work_of_backend(actor: str, why_not: str | None) -> None:
    found = may_approve(actor, "backend", approvers=["reviewer"], coordinator="coordinator")
    assert found is None if why_not is None else why_not in str(found)


@pytest.mark.parametrize("role", [{"coordinator": "backend"}, {"approvers": ["backend"]}])
def test_no_office_lets_a_producer_approve_its_own_work(role: dict[str, Any]) -> None:
    assert may_approve("backend", "backend", **role) is not None
    assert may_approve("human:eva", "human:eva", **role) is not None


WAIVER = {
    "fingerprint": "f00", "approver": "human:eva", "producer": "backend",
    "created_at": 0, "expires_at": 1000, "uses": 2, "used": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({}, 999, True),
        ({}, 1000, False),
        ({"expires_at": None}, 1, False),
        ({"used": 1}, 1, True),
        ({"used": 2}, 1, False),
        ({"uses": None, "used": 99}, 1, True),
        ({"fingerprint": "other"}, 1, False),
        ({"approver": "backend"}, 1, False),
        ({"approver": None}, 1, False),
    ],
)
def test_a_waiver_covers_its_finding_until_it_expires_or_is_used_up(
    changes: dict[str, Any], now: int, expected: bool
) -> None:
    assert covers({**WAIVER, **changes}, "f00", now) is expected


def test_a_waiver_does_not_cover_its_own_approvers_work() -> None:
    given = {**WAIVER, "approver": "frontend"}
    assert covers(given, "f00", 1)
    assert not covers(given, "f00", 1, producer="frontend")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"reason": " "}, "needs a reason"),
        ({"expires_at": None}, "needs a time"),
        ({"expires_at": 5}, "expired already"),
        ({"uses": 0}, "one use or more"),
        ({"approver": "backend"}, "produced this work"),
        ({"approver": "frontend"}, "neither a human"),
    ],
)
def test_a_waiver_needs_another_approver_a_reason_and_an_end(
    changes: dict[str, Any], why: str | None
) -> None:
    given = {"approver": "human:eva", "producer": "backend", "reason": "known", "expires_at": 9}
    found = refused(**{**given, "now": 5, **changes})
    assert found is None if why is None else why in str(found)
