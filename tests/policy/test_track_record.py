"""What a check's past says about it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.policy.track_record import TrackRecord


def result(outcome: str = "passed", **fields: Any) -> dict[str, Any]:
    return {
        "outcome": outcome, "flaky": 0, "preexisting": 0, "millis": 1000, "truth": None, **fields,
    }  # fmt: skip


def test_what_fails_on_the_base_too_is_nobodys_failure() -> None:
    record = TrackRecord.of("a", [result("failed", preexisting=1), result("failed")])
    assert (record.failed, record.preexisting, record.runs) == (1, 1, 2)


def test_skipped_and_not_run_say_nothing() -> None:
    record = TrackRecord.of("a", [result("skipped"), result("not_run"), result()])
    assert record.runs == 1


def test_precision_is_unknown_until_a_truth_is_known() -> None:
    assert TrackRecord.of("a", [result("failed")]).precision is None
    known = [result("failed", truth="confirmed"), *[result("failed", truth="overruled")] * 3]
    assert TrackRecord.of("a", known).precision == 0.25


def test_a_replayed_result_has_no_time_of_its_own() -> None:
    record = TrackRecord.of("a", [result(millis=None), result(millis=3000), result(millis=5000)])
    assert (record.seconds, record.slowest) == (4.0, 5.0)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([result("failed", truth="overruled")] * 2, None),
        ([result("failed", truth="overruled")] * 3, "3 of 3 failures were let through"),
        ([result("failed", truth="confirmed")] * 3, None),
        ([result(flaky=1)] * 2 + [result()] * 7, None),
        ([result(flaky=1)] * 2 + [result()] * 8, "2 of 10 runs were flaky"),
    ],
)
def test_noise_is_said_only_with_enough_behind_it(
    results: list[dict[str, Any]], said: str | None
) -> None:
    noise = TrackRecord.of("a", results).noise()
    assert noise is None if said is None else said in str(noise)


def test_the_facts_are_those_a_rule_may_speak_of() -> None:
    from orchestrator.policy.facts import SAMPLE

    assert TrackRecord.of("a", []).facts().keys() == SAMPLE["quarantine"]["check"].keys()
