"""The order of the rules, what no rule loosens, and the explanation that goes with a decision."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest

from orchestrator.policy.flips import flips
from orchestrator.policy.rules import SAMPLE
from orchestrator.policy.verdict import THRESHOLDS, Decision, judge

APPROVE = (
    "report.failed == 0 && report.inconclusive == 0 && report.errored == 0 && report.flaky == 0 "
    "&& handoff.violations == 0"
)


def facts(**changes: Any) -> dict[str, Any]:
    """Facts of a clean run; ``report_failed=1`` changes ``report.failed``."""
    found = copy.deepcopy(SAMPLE["approval"])
    for name in ("report", "handoff"):
        for field, value in found[name].items():
            if not isinstance(value, (dict, str, list)):
                found[name][field] = type(value)()
    found["report"] |= {"passed": 3, "total": 3}
    for name, value in changes.items():
        root, _, field = name.partition("_")
        assert field in found[root]
        found[root][field] = value
    return found


def decide(found: dict[str, Any] | None = None, **changes: Any) -> Decision:
    rules: dict[str, Any] = {
        "auto": True,
        "approve_when": APPROVE,
        "reject_when": "report.failed > 0",
        "always_when": [("handoff.touches_policy", True), ("handoff.attempt > 3", True)],
    }
    return judge(facts() if found is None else found, **{**rules, **changes})


def test_a_clean_run_is_approved_by_approve_when() -> None:
    decision = decide()
    assert (decision.action, decision.clause) == ("approve", "approve_when")
    assert decision.values["report.failed"] == 0
    assert [clause.name for clause in decision.trail] == [
        "reject_when", "always_when[0]", "always_when[1]", "approve_when",
    ]  # fmt: skip


def test_a_failed_run_is_sent_back_before_anything_else_is_asked() -> None:
    decision = decide(facts(report_failed=2, handoff_touches_policy=True))
    assert (decision.action, decision.clause) == ("reject", "reject_when")
    assert decision.reason == "reject_when holds: report.failed = 2"
    assert decision.flips == ("report.failed would have to be at most 0 (it is 2)",)


def test_always_when_escalates_what_would_be_approved() -> None:
    decision = decide(facts(handoff_attempt=4))
    assert (decision.action, decision.clause) == ("escalate", "always_when[1]")
    assert decision.flips == ("handoff.attempt would have to be at most 3 (it is 4)",)


def test_what_no_rule_decides_is_escalated_and_says_what_is_missing() -> None:
    decision = decide(facts(report_inconclusive=1, report_flaky=2))
    assert (decision.action, decision.clause) == ("escalate", "none")
    assert decision.flips == (
        "report.inconclusive would have to be 0 (it is 1)",
        "report.flaky would have to be 0 (it is 2)",
    )


def test_who_is_asked_for_another_reason_is_told_that_the_rules_change() -> None:
    decision = decide(facts(report_flaky=1, handoff_touches_policy=True), always_when=[])
    assert (decision.action, decision.clause) == ("escalate", "none")
    assert "it changes the rules" in decision.reason
    assert decision.flips[-1] == "handoff.touches_policy would have to be false"


@pytest.mark.parametrize("name", ["failed", "errored", "not_run", "conflicts"])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_only_what_passed_is_ever_auto_approved(name: str, threshold: str) -> None:
    lax = {"approve_when": "true", "reject_when": "false", "threshold": threshold}
    decision = decide(facts(**{f"report_{name}": 1}), **lax)
    assert (decision.action, decision.clause) == ("escalate", "only_passed")
    assert decision.flips == (f"report.{name} would have to be 0 (it is 1)",)


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("always", [[], [("handoff.touches_policy", False)]])
def test_a_change_of_the_rules_is_never_approved_by_rule(
    threshold: str, always: list[tuple[str, bool]]
) -> None:
    changed = facts(handoff_touches_policy=True)
    decision = decide(changed, approve_when="true", always_when=always, threshold=threshold)
    assert (decision.action, decision.clause) == ("escalate", "touches_policy")
    assert decision.flips == ("handoff.touches_policy would have to be false",)


def test_a_check_that_did_not_run_is_never_approved_by_the_usual_rule() -> None:
    assert decide(facts(report_not_run=1)).action == "escalate"


@pytest.mark.parametrize("broken", ["reject_when", "always_when", "approve_when"])
def test_a_rule_that_errs_escalates_and_is_never_false(broken: str) -> None:
    bad: Any = "report.faild > 0"
    decision = decide(None, **{broken: [(bad, True)] if broken == "always_when" else bad})
    assert (decision.action, decision.errored) == ("escalate", True)
    assert decision.clause.startswith(broken)
    assert 'did you mean "failed"' in decision.reason


def test_a_rule_that_errs_behind_the_one_that_decides_changes_nothing() -> None:
    assert decide(facts(report_failed=1), approve_when="report.faild == 0").action == "reject"


def test_every_failure_asks_about_a_failed_run() -> None:
    decision = decide(facts(report_failed=1), threshold="every_failure")
    assert (decision.action, decision.clause) == ("escalate", "threshold")
    assert decide(threshold="every_failure").action == "approve"


@pytest.mark.parametrize(
    "name", ["dangerous", "breaking", "flaky", "preexisting", "waived", "inconclusive"]
)
def test_never_silent_asks_whenever_there_was_something_to_say(name: str) -> None:
    said = facts(**{f"report_{name}": 1})
    lax = {"approve_when": "report.failed == 0"}
    decision = decide(said, threshold="never_silent", **lax)
    assert (decision.action, decision.clause) == ("escalate", "threshold")
    assert f"report.{name} = 1" in decision.reason
    assert decide(said, **lax).action == "approve"
    assert decide(threshold="never_silent").action == "approve"


def test_without_auto_an_approval_is_asked_and_a_rejection_is_not() -> None:
    decision = decide(auto=False)
    assert (decision.action, decision.clause) == ("escalate", "auto")
    assert decide(facts(report_failed=1), auto=False).action == "reject"


def test_shadow_rules_are_reported_and_decide_nothing() -> None:
    decision = decide(
        always_when=[("true", False), ("handoff.attempt > 3", True)],
        shadow=["report.total < 5", "report.faild == 0"],
    )
    assert decision.action == "approve"
    assert [(c.name, c.result) for c in decision.shadow] == [
        ("always_when[0]", True), ("shadow[0]", True), ("shadow[1]", None),
    ]  # fmt: skip


def test_a_decision_survives_json() -> None:
    for decision in (decide(), decide(facts(report_failed=1)), decide(approve_when="1")):
        assert Decision.from_json(json.loads(json.dumps(decision.to_json()))) == decision


def test_values_of_long_lists_are_cut_and_said_so() -> None:
    files = [f"f{number}" for number in range(40)]
    decision = decide(facts(handoff_files=files), approve_when="size(handoff.files) < 3")
    assert decision.values["handoff.files"][-1] == "… and 30 more"


EITHER = (
    "report.failed would have to be more than 0 (it is 0) or "
    "report.flaky would have to be more than 0 (it is 0)"
)
BOTH = (
    "handoff.attempt would have to be at most 3 (it is 4) or "
    "handoff.touches_policy would have to be false (it is true)"
)
SUM = (
    "`report.failed + report.flaky > 0` would have to be true "
    "(report.failed is 0, report.flaky is 0)"
)


@pytest.mark.parametrize(
    ("rule", "wanted", "expected"),
    [
        ("handoff.attempt >= 3", False, ["handoff.attempt would have to be less than 3 (it is 4)"]),
        ("handoff.notes", True, ["handoff.notes would have to be true (it is false)"]),
        ("!handoff.touches_policy", True,
         ["handoff.touches_policy would have to be false (it is true)"]),
        ("handoff.producer == 'ui'", True,
         ["handoff.producer would have to be 'ui' (it is \"backend\")"]),
        ("report.failed > 0 || report.flaky > 0", True, [EITHER]),
        ("handoff.attempt > 3 && handoff.touches_policy", False, [BOTH]),
        ("report.failed + report.flaky > 0", True, [SUM]),
        ("report.failed > 0 || report.flaky > 0 && handoff.notes", True, []),
        ("report.failed > 0 ? true : false", True, []),
        ("report.failed == 0", True, []),
        ("report.nothing == 0", True, []),
    ],
)  # fmt: skip
def test_what_would_have_flipped_a_rule(rule: str, wanted: bool, expected: list[str]) -> None:
    assert flips(rule, facts(handoff_attempt=4, handoff_touches_policy=True), wanted) == expected


def test_following_the_flips_of_a_conjunction_flips_it() -> None:
    for values in itertools.product((0, 1), repeat=3):
        names = ("failed", "flaky", "inconclusive")
        found = facts(**{f"report_{n}": v for n, v in zip(names, values, strict=True)})
        needed = flips(" && ".join(f"report.{n} == 0" for n in names), found, True)
        assert len(needed) == sum(values)
