"""Reports are recognised by their content and speak one language of metrics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.integrity.documents import LIMIT, UnreadableReport, parse
from orchestrator.plugins.builtin.integrity.reading import Reading, metrics, total
from orchestrator.plugins.builtin.integrity.reports import recognise
from orchestrator.plugins.spec import Severity
from orchestrator.testing import plugins as harness


def read(value: str | bytes | dict[str, Any], checkout: Path | str = "/nowhere") -> Reading:
    if isinstance(value, dict):
        value = json.dumps(value)
    data = value.encode() if isinstance(value, str) else value
    return recognise(parse(data), str(checkout), "run-tests")


def refused(value: str | bytes | dict[str, Any]) -> str:
    with pytest.raises(UnreadableReport) as caught:
        read(value)
    return str(caught.value)


SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns="urn:x" name="Shop" time="1,234.5">
  <testcase classname="ShopTest" name="flaky" time="0.1">
    <flakyFailure message="m">t</flakyFailure></testcase>
  <testcase classname="ShopTest" name="rerun" time="0.1">
    <failure message="still no">t</failure><rerunFailure message="no">t</rerunFailure>
  </testcase>
  <testsuite name="inner"><testcase name="nested" time="1,000.5"/></testsuite>
</testsuite>"""


def test_junit_reruns_and_flaky_tests_are_told_apart() -> None:
    reading = read(SUREFIRE)
    assert reading.counts["tests.total"] == 3 and reading.counts["tests.failed"] == 1
    assert reading.counts["tests.flaky"] == 1 and reading.counts["tests.passed"] == 2
    assert reading.counts["tests.seconds"] == pytest.approx(1000.7)
    assert [(f.rule, f.severity) for f in reading.findings] == [
        ("tests.failed", Severity.BREAKING),
        ("tests.flaky", Severity.NOTICE),
    ]


def test_junit_in_another_encoding_is_read() -> None:
    text = '<?xml version="1.0" encoding="{}"?><testsuite><testcase name="ä"/></testsuite>'
    for encoding in ("utf-16", "latin-1", "utf-8-sig"):
        name = encoding.removesuffix("-sig")
        assert read(text.format(name).encode(encoding)).counts["tests.total"] == 1


def test_unittest_can_be_run_again(tmp_path: Path) -> None:
    harness.write(tmp_path, {"tests/test_a.py": ""})
    case = '<testcase classname="tests.test_a.A" name="test_x"><failure>\nboom</failure></testcase>'
    document = parse(f"<testsuite>{case}</testsuite>".encode())
    reading = recognise(document, str(tmp_path), "python -m unittest")
    [finding] = reading.findings
    assert finding.file == "tests/test_a.py" and finding.message.endswith("test_x: boom")
    assert "python -m unittest tests.test_a.A.test_x" in (finding.remedy or "")


def test_what_cannot_be_collected_is_told_with_its_reason_and_its_own_file(tmp_path: Path) -> None:
    installed = tmp_path / ".venv/lib/site-packages/marks.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    (tmp_path / "test_a.py").write_text("")
    trace = f"{installed}:212: in mark\nE   Warning: no list of numbers\nE   more"
    case = f'<testcase classname="" name="test_a"><error message="collection failure">{trace}'
    [finding] = read(f"<testsuite name='pytest'>{case}</error></testcase></testsuite>",
                     tmp_path).findings  # fmt: skip
    assert finding.message.endswith("collection failure: Warning: no list of numbers")
    assert finding.file == "test_a.py"


def ctrf(*tests: dict[str, Any], **summary: int) -> dict[str, Any]:
    counts = {"tests": len(tests), "failed": sum(t["status"] == "failed" for t in tests), **summary}
    return {"results": {"tool": {"name": "jest"}, "summary": counts, "tests": list(tests)}}


def test_ctrf_durations_are_milliseconds_and_other_is_errored() -> None:
    reading = read(
        ctrf(
            {"name": "a", "status": "passed", "duration": 1500, "flaky": True},
            {"name": "b", "status": "failed", "duration": 5, "suite": ["x", "y"], "message": "no"},
            {"name": "c", "status": "pending", "duration": 0},
            {"name": "d", "status": "other", "duration": 0},
        )
    )
    assert metrics(reading.counts) == {
        "tests.total": 4, "tests.passed": 1, "tests.failed": 1, "tests.errored": 1,
        "tests.skipped": 1, "tests.flaky": 1, "tests.seconds": pytest.approx(1.505),
    }  # fmt: skip
    assert reading.findings[0].message == "x > y::b: no"


def test_ctrf_that_contradicts_itself_is_refused() -> None:
    passed = {"name": "a", "status": "passed", "duration": 1}
    assert "summary says failed: 2" in refused(ctrf(passed, failed=2))
    assert "summary says tests: 9" in refused(ctrf(passed, tests=9))
    assert "without its tests" in refused({"results": {"summary": {}}})
    assert "without a name" in refused({"results": {"summary": {}, "tests": [{}]}})


def test_coverage_of_two_reports_is_weighed_not_averaged() -> None:
    small = '<coverage line-rate="1" lines-covered="10" lines-valid="10" branches-valid="0"/>'
    large = {"meta": {}, "totals": {"covered_lines": 0, "num_statements": 30}}
    assert metrics(total([read(small).counts, read(large).counts])) == {"coverage.line": 0.25}


def test_branch_coverage_exists_only_if_branches_were_measured() -> None:
    totals = {"covered_lines": 1, "num_statements": 2, "covered_branches": 1, "num_branches": 4}
    assert metrics(read({"totals": totals}).counts)["coverage.branch"] == 0.25
    without = read('<coverage line-rate="1" branch-rate="0" lines-covered="1" lines-valid="1"/>')
    assert "coverage.branch" not in metrics(without.counts)


def test_cobertura_with_a_doctype_and_without_totals_counts_its_lines() -> None:
    lines = '<line number="1" hits="3"/><line number="2" hits="0"/>'
    text = (
        '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
        '<coverage line-rate="0.5"><packages><package><classes><class filename="a">'
        f"<methods><method><lines>{lines}</lines></method></methods><lines>{lines}</lines>"
        "</class></classes></package></packages></coverage>"
    )
    assert metrics(read(text).counts) == {"coverage.line": 0.5}


def test_coverage_of_nothing_proves_nothing() -> None:
    assert read({"totals": {"covered_lines": 0, "num_statements": 0}}).empty
    assert read('<coverage line-rate="1" lines-covered="0" lines-valid="0"/>').empty
    assert "more was covered" in refused({"totals": {"covered_lines": 2, "num_statements": 1}})
    assert "no num_statements" in refused({"totals": {"covered_lines": 2}})


def test_what_coverage_py_writes_has_the_shape_that_is_read(tmp_path: Path) -> None:
    # A document of coverage 7, shortened.
    text = """<?xml version="1.0" ?>
<coverage version="7.6.1" timestamp="1" lines-valid="4" lines-covered="3" line-rate="0.75"
 branches-covered="1" branches-valid="2" branch-rate="0.5" complexity="0">
 <sources><source>/x</source></sources><packages/></coverage>"""
    assert metrics(read(text).counts) == {"coverage.line": 0.75, "coverage.branch": 0.5}


def sarif(*results: dict[str, Any], **run: Any) -> dict[str, Any]:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "note"}, "helpUri": "https://x/R1"}]
    tool = {"driver": {"name": "lint", "rules": rules}}
    return {"version": "2.1.0", "runs": [{"tool": tool, "results": list(results), **run}]}


def at(uri: str, line: int) -> list[dict[str, Any]]:
    return [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}]


def test_sarif_levels_become_severities_with_places(tmp_path: Path) -> None:
    reading = read(
        sarif(
            {
                "ruleId": "R2",
                "level": "error",
                "message": {"text": "bad"},
                "locations": at("a.py", 3),
            },
            {"ruleId": "R1", "message": {"text": "hint"}, "locations": at("../b.py", 1)},
            {"ruleIndex": 0, "level": "warning", "locations": at(f"file://{tmp_path}/c%20d.py", 7)},
            {"ruleId": "R3"},
        ),
        tmp_path,
    )
    assert {k.removeprefix("findings."): v for k, v in reading.counts.items()} == {
        "total": 4, "error": 1, "warning": 2, "note": 1,
    }  # fmt: skip
    assert [(f.rule, f.severity.value, f.file, f.line) for f in reading.findings] == [
        ("lint.R2", "breaking", "a.py", 3),
        ("lint.R1", "notice", None, 1),
        ("lint.R1", "dangerous", "c d.py", 7),
        ("lint.R3", "dangerous", None, None),
    ]
    assert reading.findings[1].remedy == "See https://x/R1"
    assert (reading.wrong, reading.doubtful) == (1, 3)


def test_sarif_results_that_are_no_problem_are_not_counted() -> None:
    results: list[dict[str, Any]] = [
        {"ruleId": "a", "kind": "pass"},
        {"ruleId": "b", "level": "none"},
        {"ruleId": "c", "suppressions": [{"kind": "inSource"}]},
        {"ruleId": "d", "baselineState": "absent"},
    ]
    assert read(sarif(*results)).counts["findings.total"] == 0
    rejected = {"ruleId": "c", "suppressions": [{"kind": "external", "status": "rejected"}]}
    assert read(sarif(rejected)).counts["findings.total"] == 1


def test_sarif_of_a_tool_that_did_not_run_is_refused() -> None:
    assert "without a run" in refused({"version": "2.1.0", "runs": []})
    assert "no list of results" in refused({"runs": [{"tool": {}}]})
    failed = sarif(invocations=[{"executionSuccessful": False}])
    assert "did not run successfully" in refused(failed)


def test_sarif_of_a_real_linter_is_read(tmp_path: Path) -> None:
    harness.write(tmp_path, {"a.py": "import os\n"})
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    done = subprocess.run(
        [*command, "--output-format", "sarif", "a.py"], cwd=tmp_path, capture_output=True
    )
    reading = read(done.stdout, tmp_path)
    [finding] = reading.findings
    assert (finding.file, finding.line, reading.wrong) == ("a.py", 1, 1)
    assert finding.rule.endswith("F401")


def test_large_documents_are_refused_before_they_are_parsed() -> None:
    assert "32 MiB" in refused(b"<" + b" " * LIMIT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda s: b"<testsuite>" + s.encode()))
def test_no_bytes_make_reading_crash(data: bytes) -> None:
    try:
        read(data)
    except UnreadableReport as error:
        assert str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "runs",
                    "results",
                    "tests",
                    "summary",
                    "totals",
                    "tool",
                    "driver",
                    "rules",
                    "level",
                    "locations",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    json_values.map(lambda v: {"runs": [v]})
    | json_values.map(lambda v: {"runs": [{"tool": v, "results": [v]}]})
    | json_values.map(lambda v: {"results": {"summary": {}, "tests": [v]}})
    | json_values.map(lambda v: {"totals": v})
    | json_values
)
def test_no_shape_makes_reading_crash(value: Any) -> None:
    try:
        recognise(value, "/nowhere", "run")
    except UnreadableReport as error:
        assert str(error)
