"""Flows with services and requests: started, awaited, asked, blamed, ended."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Probe, Request, Service, Step
from orchestrator.plugins.builtin import dataflow
from orchestrator.plugins.builtin.dataflow import client, ports
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness
from tests.plugins.flows import SERVICE, call, flow, settings, write_program


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    return write_program(tmp_path / "repo")


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_a_flow_asks_a_service_that_is_started_for_it_and_ended(repo: Path) -> None:
    result = flow(
        repo,
        call("place", "/orders", "POST", input={"item": "pen"}, status=201),
        call("read", "/orders/{input.id}"),
        Step("note", 'echo $ORDERS_PORT > port; echo "[$ORDERS_PORT, {orders.port}]"'),
        call("nothing", "/nothing"),
        service=SERVICE,
        invariants=(
            'steps.read.output.id == "1"',
            "steps.note.output[0] == steps.note.output[1]",
            "steps.nothing.output == null",
        ),
    )
    assert result.outcome is Outcome.PASSED, result.reason + result.output
    assert "--- service orders\nstarting" in result.output
    assert not listens(int((repo / "port").read_text()))


@pytest.mark.parametrize(
    ("path", "outcome", "rule", "said"),
    [
        ("/html", "failed", "flow.not-json", "(text/html) that is no JSON: it begins with <!doc"),
        ("/away", "failed", "flow.wrong-status", "302 (a redirect to http://example.org/orders"),
        (
            "/bye",
            "errored",
            "",
            "service orders ended with status 7 while the flow ran; it said: out of tea",
        ),
        ("/slow", "errored", "", "did not answer within 1 s"),
    ],
)
def test_what_a_service_answers_is_its_layers_doing_and_silence_is_nobodys(
    repo: Path, path: str, outcome: str, rule: str, said: str
) -> None:
    patience = 1.0 if path == "/slow" else 20.0
    result = flow(repo, call("ask", path, timeout=patience), service=SERVICE)
    assert (result.outcome, said in result.reason) == (outcome, True), result.reason
    assert [finding.rule for finding in result.findings] == ([rule] if rule else [])
    assert all(finding.evidence["producer"] == "layer web" for finding in result.findings)


def test_a_wrong_status_names_both_and_no_port(repo: Path) -> None:
    result = flow(repo, call("place", "/orders", "POST", input={}, status=201), service=SERVICE)
    assert result.findings[0].message == (
        "layer web: step place (POST {orders.url}/orders) answered 400, not 201"
    )
    assert "an item is needed" in result.findings[0].evidence["printed"]


def test_a_payload_without_what_the_address_needs_is_blamed_on_its_producer(repo: Path) -> None:
    made = Step("make", "echo '{\"id\": null}'", layer="data")
    result = flow(repo, made, call("read", "/orders/{input.id}"), service=SERVICE)
    assert result.findings[0].rule == "flow.no-value"
    assert result.findings[0].evidence["producer"] == "layer data"


@pytest.mark.parametrize(
    ("command", "ready", "said"),
    [
        ("echo cannot open the shop >&2; exit 3", Probe(),
         "ended with status 3 before it was ready; it said: cannot open the shop"),
        ("no-such-command-anywhere", Probe(), "cannot be run"),
        ("exec tail -f /dev/null", Probe(within=0.3), "not ready within 0.3 s: its port takes no"),
        ("exec tail -f /dev/null", Probe(http="/health", within=0.3), "got no answer"),
        ("exec tail -f /dev/null", Probe(run="test -e no", within=1.0), "ended with status 1"),
        ("exec tail -f /dev/null", Probe(run="no-such-command-at-all"), "that asks cannot be run"),
    ],
)  # fmt: skip
def test_a_service_that_cannot_be_used_is_errored_never_failed(
    repo: Path, command: str, ready: Probe, said: str
) -> None:
    result = flow(repo, Step("keep", "echo 1"), service=Service("shop", command, ready=ready))
    assert result.outcome is Outcome.ERRORED
    assert result.reason.startswith("service shop ")
    assert said in result.reason


def test_a_service_that_died_makes_a_passing_flow_errored(repo: Path) -> None:
    short = Service("shop", "cat < pipe", ready=Probe(run="true"))
    result = flow(
        repo, Step("open", "echo > pipe; tail -f /dev/null --pid=$(cat pid) ; echo 1"),
        service=replace(short, run="echo $$ > pid; exec cat pipe"), set_up=("mkfifo pipe",),
    )  # fmt: skip
    assert result.outcome is Outcome.ERRORED
    assert "service shop ended with status 0 while the flow ran" in result.reason


def test_a_port_that_was_taken_meanwhile_is_replaced(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        given = iter([stranger.getsockname()[1], ports.reserve()])
        monkeypatch.setattr(ports, "reserve", lambda: next(given))
        result = flow(repo, call("ask", "/orders/7"), service=SERVICE)
    assert result.outcome is Outcome.PASSED, result.reason


def test_no_two_flows_are_given_the_same_port() -> None:
    given = [ports.reserve() for _ in range(20)]
    assert len(set(given)) == 20
    for port in given:
        ports.release(port)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "http://127.0.0.1@example.org/",
        "http://0x7f.1.example/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://[::1",
    ],
)
def test_nobody_else_is_asked(repo: Path, url: str) -> None:
    result = flow(repo, Step("ask", http=Request(url, "GET")))
    assert result.outcome is Outcome.ERRORED
    with pytest.raises(client.Refused):
        client.ask(client.Question("GET", url), 1.0)


def test_without_the_library_the_line_that_installs_it_is_said(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    result = flow(repo, call("ask", "/health"), service=SERVICE)
    assert result.outcome is Outcome.ERRORED
    assert "pip install 'handoff-orchestrator[http]'" in result.reason


def test_an_answer_that_is_too_large_is_errored(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LIMIT", 10)
    by_port = replace(SERVICE, ready=Probe())
    step = call("place", "/orders", "POST", input={"item": "pen" * 9})
    result = flow(repo, step, service=by_port)
    assert result.outcome is Outcome.ERRORED
    assert "its answer is larger" in result.reason


ORDERS = {
    "openapi": "3.0.3",
    "info": {"title": "orders", "version": "1"},
    "paths": {
        "/orders": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {
                    "type": "object", "properties": {"item": {"type": "string"}}}}}},
                "responses": {"201": {"description": "made", "content": {"application/json": {
                    "schema": {"type": "object", "required": ["id"],
                               "properties": {"id": {"type": "string"}}}}}}},
            }
        },
        "/orders/{id}": {"get": {"responses": {"200": {"description": "one", "content": {
            "application/json": {"schema": {"type": "object", "required": ["state"]}}}}}}},
    },
}  # fmt: skip


def api_flow(repo: Path, *steps: Step) -> CheckResult:
    (repo / "api.json").write_text(json.dumps(ORDERS))
    contracts = {"api": ("openapi", "api.json")}
    return flow(repo, *steps, service=SERVICE, contracts=contracts, web={"output": "api"})


def test_requests_and_answers_are_judged_by_the_description_of_the_api(repo: Path) -> None:
    place = call("place", "/orders", "POST", input={"item": "pen"})
    result = api_flow(repo, place, call("other", "/health"))
    assert result.outcome is Outcome.PASSED, result.reason
    assert result.data["validated"] == ["place.input", "place.output"]
    assert result.data["not_validated"] == {
        "other.input": "GET sends no body",
        "other.output": "contract api has no GET /health",
    }


@pytest.mark.parametrize(
    ("step", "producer", "path"),
    [
        (call("place", "/orders", "POST", input={"item": 3}), "the input written for step place",
         "$.item"),
        (call("place", "/orders", "POST", input={"item": "x", "id": 4}), "layer web", "$.id"),
        (call("place", "/orders", "POST", input={}, status=400), "layer web", "status"),
        (call("read", "/orders/{input}", input="7"), "layer web", "$"),
    ],
)  # fmt: skip
def test_what_the_description_does_not_allow_is_blamed_on_who_produced_it(
    repo: Path, step: Step, producer: str, path: str
) -> None:
    [finding] = api_flow(repo, step).findings
    assert finding.evidence["producer"] == producer
    assert finding.evidence["violations"][0]["path"] == path
    assert finding.file == "api.json"


def test_set_up_comes_first_and_tear_down_last_however_it_ends(repo: Path) -> None:
    result = flow(
        repo, Step("keep", "cat made; exit 3"),
        set_up=("echo 1 > made",), tear_down=("false", "mv made gone"),
    )  # fmt: skip
    assert result.outcome is Outcome.FAILED
    assert [finding.rule for finding in result.findings] == ["flow.step-failed", "flow.tear-down"]
    assert (repo / "gone").exists()
    late = flow(
        repo, Step("keep", "exec tail -f /dev/null"), timeout=1.0, tear_down=("touch torn",)
    )
    assert late.outcome is Outcome.ERRORED
    assert (repo / "torn").exists()


def test_a_set_up_that_fails_is_errored_and_taken_down(repo: Path) -> None:
    result = flow(
        repo, Step("keep", "touch ran"), set_up=("echo no disk; exit 9",), tear_down=("touch torn",)
    )
    assert result.outcome is Outcome.ERRORED
    assert result.reason == "set-up (echo no disk; exit 9) ended with status 9; it said: no disk"
    assert not (repo / "ran").exists()
    assert (repo / "torn").exists()


def test_a_flow_that_asks_is_replayed_only_where_that_is_declared() -> None:
    def replayed(*steps: Step, **options: Any) -> bool:
        [check] = harness.plan(dataflow, settings(*steps, **options))
        return check.cache

    plain, asking = Step("a", "cat"), call("a", "http://127.0.0.1:1/")
    assert replayed(plain)
    assert not replayed(asking)
    assert not replayed(plain, service=SERVICE)
    assert replayed(asking, cache=True)
    assert not replayed(plain, cache=False)
