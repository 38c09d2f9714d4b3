"""What other programs read is valid, says the same everywhere, and trusts no text."""

from __future__ import annotations

import html.parser
import io
import json
import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.report import FORMATS, render
from orchestrator.report.escalation import escalation_page
from orchestrator.report.evidence import Interval, interval, notes
from orchestrator.report.text import cut, visible
from orchestrator.verification.outcome import Report
from tests.report import samples
from tests.report.golden import printed
from tests.report.samples import FULL, GREEN, HOSTILE_REPORT, PAGE, check, passed, report

#: The parts of the SARIF 2.1.0 schema that our runs use, closed, so that a slip shows.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "text": {"type": "object", "required": ["text"], "properties": {"text": {"minLength": 1}}},
        "run": {
            "type": "object",
            "required": ["tool"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "properties": {"driver": {"type": "object", "required": ["name"]}},
                },
                "automationDetails": {"properties": {"id": {"type": "string"}}},
                "invocations": {"items": {"required": ["executionSuccessful"]}},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                "properties": {"type": "object"},
            },
        },
        "result": {
            "type": "object",
            "required": ["message", "ruleId"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {"$ref": "#/$defs/text"},
                "locations": {"type": "array", "items": {"required": ["physicalLocation"]}},
                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                "suppressions": {"items": {"required": ["kind"]}},
                "properties": {"type": "object"},
            },
        },
    },
}


def sarif_of(found: Report) -> list[dict[str, Any]]:
    document = json.loads(render(found, "sarif"))
    jsonschema.validate(document, SARIF)
    results: list[dict[str, Any]] = document["runs"][0]["results"]
    return results


class Balanced(html.parser.HTMLParser):
    """Fails where a tag is not closed; collects tags, attributes and text."""

    VOID = frozenset({"meta", "br", "line", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "style", "onload")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_junit_is_read_back_with_the_same_outcomes() -> None:
    document = JUnitXml.fromstring(render(FULL, "junit"))
    cases = {case.name: case for suite in document for case in suite}
    assert cases.keys() == {c.id for c in FULL.checks}
    kinds = {name: [type(r) for r in case.result] for name, case in cases.items()}
    assert kinds["data/tests"] == []
    assert kinds["service/tests"] == [Failure]
    assert kinds["web/audit"] == kinds["dataflow/flow/order"] == [Error]
    assert kinds["web/style"] == [Skipped]
    assert cases["benchmarks/search"].result[0].type == "inconclusive"
    assert (document.tests, document.failures, document.errors, document.skipped) == (8, 3, 3, 1)


def test_a_conflict_is_a_failure_in_every_form() -> None:
    found = report(conflicts=("src/a.py",))
    (suite,) = JUnitXml.fromstring(render(found, "junit"))
    assert suite.failures == 1
    assert sarif_of(found)[0]["ruleId"] == "merge.conflict"
    assert "failed: 1 file in conflict, nothing was run" in render(found, "markdown")


def test_sarif_has_a_result_for_every_finding_and_every_check_that_did_not_pass() -> None:
    rules = [result["ruleId"] for result in sarif_of(FULL)]
    assert rules[:3] == ["tests.failed", "schema.lost-values", "benchmark.regression"]
    assert set(rules[3:]) == {"check.errored", "check.failed", "check.not_run",
                              "check.inconclusive"}  # fmt: skip
    assert sarif_of(GREEN) == []
    places = [result["locations"][0]["physicalLocation"] for result in sarif_of(FULL)]
    assert all(place["artifactLocation"]["uri"] for place in places), "else GitHub takes none"


def test_what_is_waived_is_shown_as_accepted() -> None:
    finding = Finding("r", Severity.BREAKING, "m", "a b.py", 3)
    waived = (finding.fingerprint("x"),)
    result = CheckResult(Outcome.FAILED, "m", (finding,))
    (found,) = sarif_of(report(check("x", "contracts", result, waived=waived)))
    assert found["suppressions"] == [{"kind": "external", "status": "accepted"}]
    whole = report(check("x", "contracts", result, waived=waived))
    assert "breaking r, waived" in printed(whole)
    assert "waived: accepted for a while" in render(whole, "markdown")
    place = found["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a%20b.py"}, "region": {"startLine": 3}}


def test_json_groups_the_results_under_the_four_keys() -> None:
    document = json.loads(render(FULL, "json"))
    assert list(document["results"]) == [
        "layerIntegrity", "contractCompliance", "dataFlowValidation", "performanceBenchmarks",
    ]  # fmt: skip
    assert document["verdict"] == "failed"


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_carries_control_characters_of_others(form: str) -> None:
    for text in (render(HOSTILE_REPORT, form), printed(HOSTILE_REPORT)):
        assert all(c == "\n" or c.isprintable() for c in text)


def test_html_is_one_balanced_file_without_script_or_anything_from_outside() -> None:
    pages = [
        render(FULL, "html"),
        render(HOSTILE_REPORT, "html", title=samples.HOSTILE),
        escalation_page(PAGE, "html"),
    ]
    for page in pages:
        parsed = Balanced(page)
        assert "script" not in parsed.tags and "link" not in parsed.tags and not parsed.links
        assert "url(" not in page and "@import" not in page
    assert any("<script>alert(1)</script>" in text for text in Balanced(pages[1]).texts)


def test_hostile_text_stays_text_in_markdown() -> None:
    page = render(HOSTILE_REPORT, "markdown")
    outside = re.sub(r"^(`{3,}).*?^\1$", "", page, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)[<`]", outside)
    assert not re.search(r"^#+ .*(?<!\\)\*b", outside, flags=re.MULTILINE)
    fences = re.findall(r"^`{3,}$", page, flags=re.MULTILINE)
    assert "`````" in fences, "a fence is longer than any run of backticks in the text"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=80))
def test_any_text_renders_in_every_form(text: str) -> None:
    finding = Finding(text, Severity.NOTICE, text, text or None, None, text, {"x": text, text: [1]})
    result = CheckResult(Outcome.FAILED, text, (finding,), output=text)
    found = report(check(f"a{text}", "integrity", result), project=text, warnings=(text,))
    for form in FORMATS:
        render(found, form, title=text).encode()
    assert JUnitXml.fromstring(render(found, "junit")).tests == 1
    Balanced(render(found, "html"))
    printed(found).encode()


def test_long_outputs_are_cut_and_say_so() -> None:
    output = "".join(f"line {number}\n" for number in range(5000))
    result = CheckResult(Outcome.ERRORED, "timeout", output=output)
    found = report(check("a", "integrity", result))
    for text in (render(found, "markdown"), render(found, "html"), render(found, "junit")):
        assert "line 4999" in text and "line 10\n" not in text
        assert "characters before this are left out" in text
    assert "… 4985 lines before this" in printed(found)
    assert cut("abc", 3) == "abc"


def test_many_findings_are_counted_beyond_a_limit() -> None:
    many = tuple(Finding(f"r{n}", Severity.NOTICE, f"m{n}") for n in range(90))
    found = report(check("a", "integrity", passed(findings=many)))
    assert "… and 40 more, in the JSON report" in render(found, "markdown")
    assert "… and 70 more findings" in printed(found)
    assert len(json.loads(render(found, "json"))["results"]["layerIntegrity"]["checks"]) == 1


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown report format 'pdf'"):
        render(GREEN, "pdf")
    with pytest.raises(ValueError, match="unknown page format"):
        escalation_page(PAGE, "json")


def test_an_interval_needs_three_positive_numbers() -> None:
    assert interval({"ratio": 1.1, "low": 1.0, "high": 1.2}) == Interval(1.1, 1.0, 1.2)
    good = {"ratio": 1, "low": 1, "high": 1}
    for wrong in ({}, {"low": None}, {"low": "0"}, {"low": 0}, {"ratio": True}):
        assert interval({**good, **wrong} if wrong else {}) is None
    assert Interval(1.0, 0.9, 1.0004).words() == "no change (between 10.0 % faster and no change)"


def test_unknown_evidence_is_shown_as_it_is() -> None:
    found = notes({"odd_key": {"a": 1}, "none": None, "many": ["x" * 100, "y" * 100]})
    assert [(n.label, n.text) for n in found] == [
        ("odd key", '{"a": 1}'), ("many", "x" * 100 + "\n" + "y" * 100),
    ]  # fmt: skip


def test_an_answered_escalation_offers_no_commands() -> None:
    text = escalation_page(replace(PAGE, answers=(), status="approve by human:eva: fine"), "html")
    assert "What to do" not in text and "approve by human:eva: fine" in text


def test_an_escalation_without_a_report_is_a_page() -> None:
    page = replace(PAGE, report=None, notes={}, diff=(), why="")
    for form in ("markdown", "html"):
        text = escalation_page(page, form)
        assert "orchestrate escalation approve ESC-2" in text and "held" in text


def test_visible_text_is_encodable_and_steers_nothing() -> None:
    assert visible("a\x1b[2J\r\n\ttab\x9b\ud800\u202e") == "a\\x1b[2J\n\ttab\\x9b\\ud800\\u202e"
    io.StringIO().write(visible("\x00"))
