"""A gate is met, unmet, or cannot be judged; a missing metric is never a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.config.model import Check, Gate, Layer
from orchestrator.plugins.builtin import integrity
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness

JUNIT = {"format": "junit", "path": None}
REPORT = {"format": "coverage", "path": None}


def write(text: str) -> str:
    return f"echo '{text}' > {{report}}"


TESTS = write('<testsuite><testcase name="a" time="1.5"/><testcase name="b"/></testsuite>')
COVERAGE = write('<coverage line-rate="0.75" lines-covered="3" lines-valid="4"/>')


def run(tmp_path: Path, *checks: Check, gates: Sequence[str | Gate]) -> CheckResult:
    """Execute a layer's commands for real, then its gates."""
    layer = Layer("app", ("**",), checks=checks, gates=tuple(gates))
    settings = harness.config(layers={"app": layer})
    folder = harness.write(tmp_path / "checkout", {"a.py": ""})
    *commands, judge = harness.plan(integrity, settings)
    assert judge.after == tuple(c.id for c in commands)
    upstream = {
        command.id: harness.execute(
            integrity, command, harness.context(folder, tmp_path / "scratch", settings=settings)
        )
        for command in commands
    }
    where = harness.context(folder, tmp_path / "scratch", settings=settings, upstream=upstream)
    return harness.execute(integrity, judge, where)


@pytest.fixture
def checks() -> tuple[Check, ...]:
    return (Check("tests", run=TESTS, report=JUNIT), Check("cover", run=COVERAGE, report=REPORT))


@pytest.mark.parametrize(
    "gate",
    [
        "tests.failed == 0",
        "tests.total >= 2 && tests.passed == tests.total",
        "coverage.line >= 0.75",
        "tests.seconds < 2.0",
        "tests.seconds < 2",
        "coverage.line < 1",
        "tests.failed == 0 || coverage.line > 0.9",
    ],
)
def test_gates_are_met_over_all_reports_of_the_layer(
    tmp_path: Path, checks: tuple[Check, ...], gate: str
) -> None:
    result = run(tmp_path, *checks, gates=[gate])
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_an_unmet_gate_says_its_values_and_what_would_meet_it(
    tmp_path: Path, checks: tuple[Check, ...]
) -> None:
    gates = ["coverage.line >= 0.8 && tests.failed == 0", "tests.total == 2"]
    result = run(tmp_path, *checks, gates=gates)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "1 of 2 gates not met")
    [finding] = result.findings
    assert finding.message == (
        "gate `coverage.line >= 0.8 && tests.failed == 0` is not met: "
        "coverage.line = 0.75, tests.failed = 0"
    )
    assert finding.remedy == "coverage.line must be at least 0.8, it is 0.75"
    assert finding.evidence["values"] == {"coverage.line": 0.75, "tests.failed": 0}


def test_a_metric_nobody_reported_is_errored_and_named(tmp_path: Path) -> None:
    result = run(tmp_path, Check("tests", run=TESTS, report=JUNIT), gates=["coverage.line < 0.5"])
    assert result.outcome is Outcome.ERRORED
    assert "no check of the layer reported coverage.line" in result.reason


def test_a_gate_of_a_layer_without_reports_is_errored(tmp_path: Path) -> None:
    result = run(tmp_path, Check("tests", run="true"), gates=["tests.failed == 0"])
    assert result.outcome is Outcome.ERRORED and "reported: nothing" in result.reason


def test_a_gate_is_not_met_by_the_reports_that_happen_to_be_there(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        Check("tests", run=TESTS, report=JUNIT),
        Check("more", run="true # {report}", report=JUNIT),
        gates=["tests.failed == 0"],
    )
    assert result.outcome is Outcome.ERRORED
    assert "app/more errored: the report: it was not written" in result.reason


def test_a_silent_check_of_another_kind_does_not_hold_a_gate_up(tmp_path: Path) -> None:
    silent = Check("cover", run="true # {report}", report=REPORT)
    tests = Check("tests", run=TESTS, report=JUNIT)
    assert run(tmp_path, tests, silent, gates=["tests.failed == 0"]).outcome is Outcome.PASSED


def test_gates_judge_the_metrics_of_failed_tests(tmp_path: Path) -> None:
    failing = write('<testsuite><testcase name="a"><failure/></testcase></testsuite>')
    check = Check("tests", run=failing, report=JUNIT)
    result = run(tmp_path, check, gates=["tests.failed == 0", "tests.total == 1"])
    assert [f.evidence["values"] for f in result.findings] == [{"tests.failed": 1}]


@pytest.mark.parametrize("gate", ["tests.failed ==", "tests.failed", "1 / tests.failed > 0"])
def test_a_gate_that_cannot_be_evaluated_is_errored_never_false(
    tmp_path: Path, checks: tuple[Check, ...], gate: str
) -> None:
    result = run(tmp_path, *checks, gates=[gate])
    assert result.outcome is Outcome.ERRORED
    assert f"gate `{gate}` cannot be judged" in result.reason and result.findings == ()


def test_an_unmet_gate_outweighs_one_that_cannot_be_judged(
    tmp_path: Path, checks: tuple[Check, ...]
) -> None:
    result = run(tmp_path, *checks, gates=["tests.total == 3", "findings.error == 0"])
    assert result.outcome is Outcome.FAILED
    assert "findings.error" in result.reason and "1 of 2 gates" in result.reason


TWO = ("coverage.line >= 0.9", "coverage.line < 0.7")


@pytest.mark.parametrize(
    ("rules", "outcome", "said"),
    [
        (("coverage.line >= 0.7", "coverage.line < 0.5"), Outcome.PASSED, ""),
        (("coverage.line >= 0.9", "coverage.line < 0.8"), Outcome.FAILED, "1 of 1 gates not met"),
        (TWO, Outcome.INCONCLUSIVE, "neither `coverage.line >= 0.9` nor `coverage.line < 0.7`"),
        (("tests.total == 2", "tests.total == 2"), Outcome.FAILED, "1 of 1"),
        (("findings.error == 0", "tests.total > 9"), Outcome.ERRORED, "findings.error"),
    ],
)
def test_a_gate_with_two_rules_has_room_between_them(
    tmp_path: Path, checks: tuple[Check, ...], rules: tuple[str, str], outcome: Outcome, said: str
) -> None:
    result = run(tmp_path, *checks, gates=[Gate(*rules)])
    assert result.outcome is outcome and said in result.reason


def test_a_rule_that_fails_says_that_it_must_not_hold(
    tmp_path: Path, checks: tuple[Check, ...]
) -> None:
    [finding] = run(tmp_path, *checks, gates=[Gate("tests.total > 9", "tests.total < 5")]).findings
    assert finding.message == "gate `tests.total < 5` holds: tests.total = 2"
    assert finding.remedy == "Make `tests.total < 5` false."
