"""Rules answer true or false or raise, and a mistake in one is found before it is needed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.policy.rules import LIMITS, SAMPLE, RuleError, check, evaluate, references
from orchestrator.verification.outcome import CheckReport, Report

FACTS: dict[str, Any] = {
    "report": {"failed": 0, "seconds": 1.5, "layerIntegrity": {"failed": 0}},
    "handoff": {"files": ["src/a.py", "docs/b.md"]},
}


def shape(value: Any) -> Any:
    """Names and kinds of a value, without its figures."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return float if isinstance(value, float) else type(value)


def test_the_sample_of_a_report_is_what_a_report_says() -> None:
    check_report = CheckReport("a", "integrity", "a", "p", None, CheckResult(Outcome.PASSED))
    report = Report("R-1", "shop", "c", "t", "h", None, "d", (check_report,), seconds=0.5)
    assert shape(SAMPLE["approval"]["report"]) == shape(report.facts())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("report.failed == 0", True),
        ("report.failed > 0 || report.seconds > 2.0", False),
        ("handoff.files.exists(f, f.startsWith('docs/'))", True),
        ("'src/a.py' in handoff.files // the only one", True),
        ("size(handoff.files) == 2 && report['failed'] == 0", True),
    ],
)
def test_a_rule_answers_from_its_facts(rule: str, expected: bool) -> None:
    assert evaluate(rule, FACTS) is expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("report.faild == 0", 'report has no field "faild"; did you mean "failed"?'),
        ("reprt.failed == 0", 'reprt is not known here; did you mean "report"?'),
        ("report.failed + report.seconds > 1", "the types do not fit"),
        ("report.failed / 0 == 1", "division by zero"),
        ("handoff.files[7] == 'x'", "index out of bounds: 7"),
        ("report.failed == 0 ? 1 : 2", "gives a number, a rule must give true or false"),
        ("'failed'", "gives a text"),
        ("report.failed ==", "column 17: Syntax error: mismatched input 'the end'"),
        ("", "the rule is empty"),
        ("frobnicate(report.failed)", "frobnicate is not known here"),
    ],
)
def test_an_error_is_an_error_and_never_false(rule: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        evaluate(rule, FACTS)
    assert message in caught.value.message
    assert caught.value.code == "E601"


@given(st.text(alphabet="report.failed()[]{}!&|=<>?:+-'\"\\ 019xall,", max_size=60))
def test_any_text_gives_an_answer_or_a_rule_error(rule: str) -> None:
    assert check(rule, "approval") is None or isinstance(check(rule, "approval"), str)
    references(rule)
    with contextlib.suppress(RuleError):
        assert isinstance(evaluate(rule, FACTS), bool)


@pytest.mark.parametrize(
    "rule",
    [
        "x" * (LIMITS["length"] + 1),
        "(" * 21 + "true" + ")" * 21,
        "[1].all(a, [2].all(b, [3].all(c, true)))",
    ],
)
def test_long_and_deep_rules_are_refused(rule: str) -> None:
    assert "at most" in str(check(rule, "approval"))
    with pytest.raises(RuleError):
        evaluate(rule, {})


@pytest.mark.parametrize(
    "rule",
    [
        "report.failed == 0 && report.errored == 0 && report.flaky == 0 && handoff.violations == 0",
        "report.failed > 0",
        "handoff.touches_policy",
        "handoff.attempt > 3",
        "report.layerIntegrity.failed + report.contractCompliance.failed + report.conflicts > 0",
        "report.failed % report.total > 0",
        "handoff.files[0] == 'a' || size(handoff.layers) > 1",
        "handoff.files.all(f, f.matches('^src/'))",
        "report.seconds != 1 && handoff.notes == true && (handoff.target == 'ui' || true)",
        "report.failed == 1 + 1 && handoff.files == ['a'] && report.passed == report.total",
        "instance.stale && integration.broken",
    ],
)
def test_good_approval_rules_pass_the_check(rule: str) -> None:
    assert check(rule, "approval") is None


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("false && report.faild == 0", 'did you mean "failed"'),
        ("true || report.layerIntegrity.faild > 0", "report.layerIntegrity has no field"),
        ("false && sze(handoff.files) == 1", 'no function sze(); did you mean "size"?'),
        ("false && .report.failed == 0", ".report is not known"),
        ("has(report.faild)", 'did you mean "failed"'),
        ("report['faild'] == 0", 'did you mean "failed"'),
        ("report.failed.x == 1", "report.failed is a number"),
        ("handoff.files.all(report, report == 'x')", "report is a name of this scope"),
        ("report.failed", "gives a number"),
        ("report.failed == 0 ? 1 : true", "gives a number"),
        ("handoff.touches_policy || report.failed + 1.5 > 2.0", "the types do not fit"),
        ("handoff.files.contains('x')", "write: x in list"),
        ("report.failed == '0'", "report.failed is a number and never equal to '0'"),
        ("handoff.notes == 'yes' || handoff.attempt > 1", "true or false and never equal"),
        ("handoff.target == null", "handoff.target is a text and never equal to null"),
        ("tests.failed == 0", "there are: handoff, instance, integration, report"),
    ],
)
def test_the_check_finds_what_evaluation_would_skip(rule: str, problem: str) -> None:
    assert problem in str(check(rule, "approval"))


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("tests.skipped / tests.total < 0.1", "tests.skipped"),
        ("(tests.failed + tests.skipped) / tests.total < 0.1", "tests.total"),
        ("tests.total / 10 > 1", "tests.total"),
        ("double(tests.skipped) / double(tests.total) < 0.1", None),
        ("tests.skipped * 10 < tests.total", None),
        ("coverage.line / 2.0 > 0.3", None),
        ("coverage.line >= 0.5 && tests.seconds / 60.0 < 5.0", None),
    ],
)
def test_a_share_of_counts_is_never_silently_nothing(rule: str, refused: str | None) -> None:
    """Nine of ten skipped would be 0, which is less than 0.1."""
    said = check(rule, "gate")
    told = str(said).startswith(f"{refused} is a whole number")
    assert said is None if refused is None else told


def test_each_scope_has_its_own_names() -> None:
    assert check("tests.failed == 0 && coverage.line >= 0.8 && findings.error == 0", "gate") is None
    assert check("report.failed == 0", "gate") is not None
    assert check("instance.stale", "emergency") is None
    assert check("integration.broken && integration.unverified > 0", "emergency") is None


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("size(steps.dump.output.users) == 1", None),
        ("steps['dump'].output.a.b == steps.add-on.input", 'write steps["add-on"]'),
        ("steps['add-on'].output.rows.all(r, r.id > 0)", None),
        ("steps.dmp.output == 1", 'no step "dmp"; did you mean "dump"?'),
        ("steps.dump.outptu == 1", 'did you mean "output"'),
        ("false && step.dump.output == 1", 'step is not known here; did you mean "steps"?'),
        ("steps.dump.output ==", "Syntax error"),
    ],
)
def test_an_invariant_is_checked_as_far_as_it_can_be(rule: str, problem: str | None) -> None:
    found = check(rule, "invariant", ["dump", "add-on"])
    assert found is None if problem is None else problem in str(found)


def test_references_are_the_dotted_names_in_order_and_once() -> None:
    rule = (
        "handoff.files.all(f, f.x == report['layerIntegrity'].failed) && report.failed == 0 "
        "&& report.failed < 3 && steps.a.output.x.size() == 1 && 'report.notice' != r'\\' "
        "// report.passed"
    )
    assert references(rule) == [
        "handoff.files", "report.layerIntegrity.failed", "report.failed", "steps.a.output.x",
    ]  # fmt: skip
    assert references("size(tests) > coverage.line ? true : null") == ["tests", "coverage.line"]


def test_the_rule_library_is_imported_only_where_a_rule_runs() -> None:
    code = (
        "import sys; import orchestrator.policy.rules as r; assert 'cel' not in sys.modules; "
        "assert r.references('a.b') == ['a.b'] and 'cel' not in sys.modules; "
        "r.evaluate('true', {}); assert 'cel' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
