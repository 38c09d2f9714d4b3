"""Spans that services wrote down: missing, extra, failed, slow, below the wrong parent."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Expectation, Probe, Service, Spans, Step
from orchestrator.plugins.spec import CheckResult, Outcome
from tests.plugins.flows import flow


def span(name: str, id: str, parent: str = "", *, code: Any = 0, seconds: float = 0.1) -> Any:
    return {
        "traceId": "a" * 32, "spanId": id, "parentSpanId": parent, "name": name,
        "startTimeUnixNano": "1000000000", "endTimeUnixNano": str(int(1e9 + seconds * 1e9)),
        "status": {"code": code},
    }  # fmt: skip


def document(service: str, *spans: Any) -> str:
    named = [{"key": "service.name", "value": {"stringValue": service}}]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": named}, "scopeSpans": [{"spans": spans}]}]}
    )


GOOD = [
    document("web", span("POST /orders", "1")),
    document("data", span("keep", "2", "1"), span("insert", "3", "2"), span("insert", "4", "2")),
]


def played(tmp_path: Path, written: list[str], *expect: Expectation, **rest: Any) -> CheckResult:
    text = shlex.quote("".join(f"{line}\n" for line in written))
    step = Step("write", f"printf %s {text} >> {{spans}}; echo 1")
    return flow(tmp_path, step, spans=Spans(expect, **rest))


CHAIN = (
    Expectation("POST /orders", "web", max=1),
    Expectation("keep", "data", "POST /orders"),
    Expectation("insert", parent="keep", min=2, max=2, max_duration=1.0),
)


def test_a_trace_that_is_as_expected_passes(tmp_path: Path) -> None:
    result = played(tmp_path, GOOD, *CHAIN, others="refuse")
    assert result.outcome is Outcome.PASSED, result.reason


@pytest.mark.parametrize(
    ("written", "rule", "said"),
    [
        (GOOD[:1], "flow.span-missing", "span keep of data is missing"),
        ([*GOOD, document("web", span("POST /orders", "9"))], "flow.span-extra",
         "span POST /orders of web is there 2 times; it may be at most once"),
        ([GOOD[0], document("data", span("keep", "2", "1"), span("insert", "3", "2", code=2),
                            span("insert", "4", "2"))], "flow.span-failed",
         "span insert ended in status error"),
        ([GOOD[0], document("data", span("keep", "2", "1"), span("insert", "3", "2", seconds=3),
                            span("insert", "4", "2"))], "flow.span-slow",
         "span insert took longer than 1 s"),
        ([GOOD[0], document("data", span("keep", "2", "7"), span("insert", "3", "2"),
                            span("insert", "4", "2"))], "flow.span-parent",
         "span keep of data is below a span that is not in the file, not below POST /orders"),
        ([*GOOD, document("mail", span("send", "8", "1", code="STATUS_CODE_ERROR"))],
         "flow.span-failed", "span send of mail ended in an error"),
    ],
)  # fmt: skip
def test_a_trace_that_is_not_says_what(
    tmp_path: Path, written: list[str], rule: str, said: str
) -> None:
    result = played(tmp_path, written, *CHAIN)
    assert result.outcome is Outcome.FAILED
    assert (rule, said) in [(finding.rule, finding.message) for finding in result.findings]


def test_spans_nothing_is_expected_of_may_be_refused(tmp_path: Path) -> None:
    more = [*GOOD, document("mail", span("send", "8", "1"))]
    assert played(tmp_path, more, *CHAIN).outcome is Outcome.PASSED
    refused = played(tmp_path, more, *CHAIN, others="refuse")
    assert [finding.message for finding in refused.findings] == [
        "span send of mail is not expected"
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([GOOD[0], "{oops"], "{spans}:2: this is no OTLP JSON"),
        (
            [GOOD[0], '{"spans": []}'],
            "{spans}:2: this is no OTLP JSON: there is no 'resourceSpans'",
        ),
        ([document("web", {"name": "x"})], "{spans}:1: this is no OTLP JSON"),
        ([document("web", span("x", "1", code=7))], "{spans}:1"),
        (["[1]"], "{spans}:1"),
    ],
)
def test_what_cannot_be_read_is_errored_with_its_place(
    tmp_path: Path, written: list[str], said: str
) -> None:
    result = played(tmp_path, written, *CHAIN)
    assert result.outcome is Outcome.ERRORED
    assert said in result.reason


def test_a_file_of_its_own_counts_from_where_the_flow_began(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(GOOD[0] + "\n")
    step = Step("write", f"echo {shlex.quote(GOOD[1])} >> old.jsonl; echo 1")
    wanted = Spans((Expectation("POST /orders", min=0, max=0), CHAIN[2]), "old.jsonl")
    assert flow(tmp_path, step, spans=wanted).outcome is Outcome.PASSED
    absent = flow(tmp_path, Step("a", "echo 1"), spans=Spans(CHAIN, "none.jsonl"))
    assert absent.outcome is Outcome.ERRORED
    assert "there are no spans: none.jsonl: No such file" in absent.reason


def test_what_a_service_writes_when_it_is_asked_to_leave_counts(tmp_path: Path) -> None:
    """As exporters do, which send what they gathered when they are shut down."""
    last = "".join(f"{line}\n" for line in GOOD)
    (tmp_path / "last").write_text(last)
    command = "trap 'cat last > {spans}; exit 0' TERM; touch up; sleep 601 & wait"
    service = Service("shop", command, ready=Probe(run="test -e up"))
    result = flow(tmp_path, Step("a", "echo 1"), service=service, spans=Spans(CHAIN))
    assert result.outcome is Outcome.PASSED, result.reason
