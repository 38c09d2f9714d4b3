"""Evidence is bound to what was verified and falls when any of it moves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.verification.evidence import bind, still_valid
from orchestrator.verification.outcome import CheckReport, Report

COMMIT, BASE = "c" * 40, "b" * 40
REPORT = Report(
    run="R-1", project="shop", commit=COMMIT, tree="7" * 40, head="d" * 40, base=BASE,
    config_digest="f" * 64, plugins={"integrity": "1", "licences": "2+abc"},
    started_at=1_700_000_000_000, seconds=1.5,
    checks=(
        CheckReport("data/a", "integrity", "a", "integrity", "data", CheckResult(Outcome.PASSED)),
    ),
)  # fmt: skip
NOW: dict[str, Any] = {
    "commit": COMMIT, "base": BASE, "config_digest": "f" * 64, "plugins": REPORT.plugins,
}  # fmt: skip


def test_statement_is_in_toto_with_a_slsa_summary() -> None:
    statement = json.loads(json.dumps(bind(REPORT)))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert statement["subject"][0]["digest"] == {"gitCommit": COMMIT}
    predicate = statement["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["ORCHESTRATE_VERIFIED"]
    assert predicate["timeVerified"] == "2023-11-14T22:13:21.500Z"
    assert predicate["orchestrate"]["checks"][0]["outcome"] == "passed"


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in ("passed", "skipped")])
def test_only_passed_says_passed(outcome: Outcome) -> None:
    odd = replace(REPORT.checks[0], result=CheckResult(outcome, "why"))
    predicate = bind(replace(REPORT, checks=(odd,)))["predicate"]
    assert predicate["verificationResult"] == "FAILED"
    assert predicate["verifiedLevels"] == []
    assert predicate["orchestrate"]["verdict"] in ("failed", "unknown")


def test_evidence_holds_while_nothing_moves() -> None:
    assert still_valid(bind(REPORT), **NOW) == []


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"commit": "e" * 40}, "the commit is eeeeeeeeeeee"),
        ({"base": "a" * 40}, "the base moved from bbbbbbbbbbbb to aaaaaaaaaaaa"),
        ({"base": None}, "to none"),
        ({"config_digest": "0" * 64}, "configuration"),
        ({"plugins": {"integrity": "2", "licences": "2+abc"}}, '"integrity" was 1, is 2'),
        ({"plugins": {"integrity": "1"}}, '"licences" was 2+abc, is not there'),
        ({"plugins": {**REPORT.plugins, "new": "1"}}, '"new" was not there, is 1'),
    ],
)
def test_whatever_moves_voids_it_and_is_named(moved: dict[str, Any], said: str) -> None:
    [reason] = still_valid(bind(REPORT), **{**NOW, **moved})
    assert said in reason


def test_the_report_itself_is_bound() -> None:
    def digest(report: Report) -> str:
        return str(bind(report)["predicate"]["orchestrate"]["reportDigest"]["sha256"])

    assert digest(REPORT) == digest(Report.from_json(json.loads(json.dumps(REPORT.to_json()))))
    assert digest(REPORT) != digest(replace(REPORT, seconds=2.0))
