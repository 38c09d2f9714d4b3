"""Edges proven from contracts, flows executed and judged at every boundary."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Config, Contract, Flow, Layer, Step
from orchestrator.plugins.builtin import dataflow
from orchestrator.plugins.builtin.dataflow import steps
from orchestrator.plugins.builtin.dataflow.payloads import NoDocument, last_document
from orchestrator.plugins.spec import Check, CheckResult, Outcome, Severity
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit, git

USER = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "role": {"enum": ["admin", "guest"]}},
    "required": ["name"],
    "additionalProperties": False,
}


def roles(*names: str) -> str:
    return json.dumps({**USER, "properties": {"name": {"type": "string"}, "role": {"enum": names}}})


def settings(*steps: Step, shared: bool = False, **options: Any) -> Config:
    contracts = {
        name: Contract(name, "json-schema", f"contracts/{name}.json") for name in ("row", "user")
    }
    contracts["api"] = Contract("api", "openapi", "api.json")
    layers = {
        "data": Layer("data", ("data/**",), input="user", output="row"),
        "web": Layer(
            "web", ("web/**",), ("data",), input="row" if shared else "user", output="api"
        ),
        "docs": Layer("docs", ("docs/**",), ("web",), input="user"),
    }
    flows = {"main": Flow("main", steps, **options)} if steps else {}
    return harness.config(layers=layers, contracts=contracts, flows=flows)


def execute(
    repo: Path, chosen: Config, check: str, base: str | None = None, timeout: float = 60.0
) -> CheckResult:
    planned = {item.id: item for item in harness.plan(dataflow, chosen, checkout=repo)}
    where = harness.context(
        repo, repo.parent / "scratch", base=base, settings=chosen, timeout=timeout
    )
    return harness.execute(dataflow, planned[check], where)


EDGE = "dataflow/edge/data/web"


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo(
        {"contracts/row.json": roles("admin"), "contracts/user.json": roles("admin", "guest")}
    )


def test_an_edge_is_proven_when_the_input_admits_every_output(make_repo: MakeRepo) -> None:
    repo = make_repo(
        {"contracts/row.json": roles("admin"), "contracts/user.json": roles("admin", "guest")}
    )
    assert execute(repo, settings(), EDGE).outcome is Outcome.PASSED


def test_an_output_the_consumer_refuses_is_blamed_on_the_producer(make_repo: MakeRepo) -> None:
    files = {"contracts/row.json": roles("admin", "root"), "contracts/user.json": roles("admin")}
    result = execute(make_repo(dict(files)), settings(), EDGE)
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert finding.rule == "flow.refused-values"
    assert finding.severity is Severity.BREAKING
    assert finding.file == "contracts/row.json"
    assert finding.message == (
        'data puts out row: $.role may be "root", which the input of web (user) does not accept'
    )
    assert finding.evidence["producer"] == "data"
    assert finding.evidence["consumer"] == "web"
    assert finding.evidence["counterexample"]["role"] == "root"


def test_one_shared_contract_is_compared_with_what_the_consumer_was_written_for(
    make_repo: MakeRepo,
) -> None:
    repo = make_repo({"contracts/row.json": roles("admin")})
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"contracts/row.json": roles("admin", "root")})
    chosen = settings(shared=True)
    assert execute(repo, chosen, EDGE, base).outcome is Outcome.FAILED
    assert execute(repo, chosen, EDGE).outcome is Outcome.PASSED
    commit(repo, {"contracts/row.json": roles("admin")})
    assert execute(repo, chosen, EDGE, base).outcome is Outcome.PASSED


def test_an_edge_whose_contract_cannot_be_used_is_errored(make_repo: MakeRepo) -> None:
    repo = make_repo({"contracts/row.json": "{", "contracts/user.json": roles("a")})
    assert execute(repo, settings(), EDGE).outcome is Outcome.ERRORED
    commit(repo, {"contracts/row.json": roles("a"), "contracts/user.json": None})
    result = execute(repo, settings(), EDGE)
    assert result.outcome is Outcome.ERRORED
    assert "contracts/user.json" in result.reason


def test_an_edge_that_cannot_be_decided_is_inconclusive(make_repo: MakeRepo) -> None:
    files = {
        "contracts/row.json": '{"type": "string", "pattern": "^(?=.*[0-9])[a-z0-9]{8}$"}',
        "contracts/user.json": '{"type": "string", "pattern": "^[a-z0-9]{8}$"}',
    }
    assert execute(make_repo(dict(files)), settings(), EDGE).outcome is Outcome.INCONCLUSIVE


def ids(checks: list[Check]) -> list[str]:
    return [check.id for check in checks]


def test_every_edge_is_named_and_what_is_not_examined_is_skipped_with_the_reason(
    repo: Path,
) -> None:
    layers = {
        "a": Layer("a", ("a/**",), output="row"),
        "b": Layer("b", ("b/**",)),
        "c": Layer("c", ("c/**",), ("a", "b"), input="api"),
        "d": Layer("d", ("d/**",), ("a", "b")),
        "e": Layer("e", ("e/**",), ("a",), input=("api", "user")),
    }
    chosen = replace(settings(), layers=layers)
    checks = {check.id: check for check in harness.plan(dataflow, chosen)}
    where = harness.context(repo, repo.parent / "scratch", settings=chosen)
    found = {name[14:]: harness.execute(dataflow, check, where) for name, check in checks.items()}
    assert {name: result.reason for name, result in found.items()} == {
        "a/c": "not examined: row (json-schema) cannot be compared with api (openapi)",
        "b/c": "not examined: b names no output",
        "a/d": "not examined: d names no input",
        "b/d": "not examined: b names no output, d no input",
        "a/e": "",
    }
    assert [r.outcome for r in found.values()] == [*[Outcome.SKIPPED] * 4, Outcome.PASSED]


def test_a_project_without_contracts_has_no_edges_to_name() -> None:
    layers = {"a": Layer("a", ("a/**",)), "b": Layer("b", ("b/**",), ("a",))}
    assert harness.plan(dataflow, harness.config(layers=layers)) == []


def gathered(repo: Path, *inputs: str, **contracts: str) -> dict[str, CheckResult]:
    """The edges of a layer with two upstreams, ``rows`` and ``users``."""
    commit(repo, {f"contracts/{name}.json": text for name, text in contracts.items()})
    layers = {
        "rows": Layer("rows", ("r/**",), output="row"),
        "users": Layer("users", ("u/**",), output="user"),
        "gate": Layer("gate", ("g/**",), ("rows", "users"), input=inputs),
    }
    chosen = replace(settings(), layers=layers)
    chosen.contracts["wide"] = Contract("wide", "json-schema", "contracts/wide.json")  # type: ignore[index]  # a dict of ours
    return {name: execute(repo, chosen, f"dataflow/edge/{name}/gate") for name in ("rows", "users")}


def test_a_layer_takes_what_each_of_several_upstreams_puts_out_by_one_of_its_inputs(
    repo: Path,
) -> None:
    wide, narrow = roles("admin", "guest"), roles("guest")
    both = gathered(repo, "wide", "user", row=roles("admin"), user=narrow, wide=wide)
    assert {name: result.outcome for name, result in both.items()} == {
        "rows": Outcome.PASSED, "users": Outcome.PASSED,
    }  # fmt: skip
    lost = gathered(repo, "wide", "user", row=roles("admin", "root"))["rows"]
    assert lost.outcome is Outcome.FAILED
    assert lost.reason.startswith("by none of its 2 inputs; the nearest: rows puts out row: ")
    payload = Step("take", "cat", layer="gate", input={"name": "Ada", "role": "admin"})
    layers = {"gate": Layer("gate", ("g/**",), input=("user", "row"))}
    chosen = replace(settings(payload), layers=layers)
    assert execute(repo, chosen, "dataflow/flow/main").outcome is Outcome.PASSED


def api(*operations: str) -> str:
    return json.dumps({
        "openapi": "3.0.3", "info": {"title": "t", "version": "1"},
        "paths": {f"/{name}": {"get": {"responses": {"200": {"description": "ok"}}}}
                  for name in operations},
    })  # fmt: skip


AVRO = {"type": "record", "name": "Row", "fields": [{"name": "id", "type": "int"}]}


@pytest.mark.parametrize(
    ("kind", "taken", "good", "bad", "said"),
    [
        ("openapi", api("orders"), api("orders", "users"), api("users"), "/orders"),
        ("avro", json.dumps(AVRO), json.dumps({**AVRO, "doc": "more"}),
         json.dumps({**AVRO, "fields": [{"name": "no", "type": "int"}]}), "id"),
    ],
)  # fmt: skip
def test_contracts_of_other_kinds_are_compared_as_versions_of_their_kind(
    make_repo: MakeRepo, kind: str, taken: str, good: str, bad: str, said: str
) -> None:
    repo = make_repo({"taken.json": taken, "put.json": good})
    chosen = harness.config(
        contracts={name: Contract(name, kind, f"{name}.json") for name in ("taken", "put")},
        layers={
            "data": Layer("data", ("data/**",), output="put"),
            "web": Layer("web", ("web/**",), ("data",), input="taken"),
        },
    )
    assert execute(repo, chosen, EDGE).outcome is Outcome.PASSED
    commit(repo, {"put.json": bad})
    result = execute(repo, chosen, EDGE)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("data puts out put, and web was written for taken: ")
    assert said in result.reason
    assert result.findings[0].evidence["producer"] == "data"
    commit(repo, {"put.json": None})
    assert execute(repo, chosen, EDGE).outcome is Outcome.ERRORED


@pytest.mark.parametrize(
    ("layers", "changed", "project_wide", "planned"),
    [
        ((), None, True, {"edge", "flow"}),
        ((), ("README.md",), True, set()),
        ((), ("contracts/row.json",), True, {"edge"}),
        (("web",), ("web/a.py",), True, {"edge", "flow"}),
        (("data",), None, False, {"edge"}),
        (("docs",), None, False, {"edge"}),
    ],
)
def test_edges_and_flows_are_planned_when_one_of_their_layers_is_affected(
    layers: tuple[str, ...], changed: tuple[str, ...] | None, project_wide: bool, planned: set[str]
) -> None:
    chosen = settings(Step("show", "cat", layer="web"))
    found = harness.plan(
        dataflow, chosen, layers=layers, changed=changed, project_wide=project_wide
    )
    assert {name.split("/")[1] for name in ids(found)} == planned


def says(value: Any) -> str:
    return f"echo '{json.dumps(value)}'"


def flow(repo: Path, *steps: Step, timeout: float = 60.0, **options: Any) -> CheckResult:
    return execute(repo, settings(*steps, **options), "dataflow/flow/main", timeout=timeout)


def test_each_step_reads_what_the_step_before_put_out(repo: Path) -> None:
    double = "python -c 'import json,sys; print(json.dumps([json.load(sys.stdin)] * 2))'"
    result = flow(
        repo,
        Step("first", double, input={"name": "Ada"}),
        Step("second", double),
        invariants=("size(steps.second.output) == 2", "steps.second.input == steps.first.output"),
    )
    assert result.outcome is Outcome.PASSED, result.reason
    assert set(result.metrics) == {"flow.seconds.first", "flow.seconds.second"}


def test_payloads_are_validated_on_both_sides_of_every_layer(repo: Path) -> None:
    result = flow(
        repo,
        Step("keep", "cat", layer="data", input={"name": "Ada", "role": "admin"}),
        Step("show", "cat", layer="web"),
    )
    assert result.outcome is Outcome.PASSED
    assert result.data["validated"] == ["keep.input", "keep.output", "show.input"]
    why = "contract api is openapi and the step makes no request"
    assert result.data["not_validated"] == {"show.output": why}


def test_a_wrong_output_is_blamed_on_the_layer_that_produced_it(repo: Path) -> None:
    result = flow(
        repo,
        Step("keep", says({"name": "Ada", "role": "guest"}), layer="data", input={"name": "Ada"}),
        Step("show", "exit 1", layer="web"),
    )
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert finding.rule == "flow.invalid-output"
    assert finding.evidence["producer"] == "layer data"
    assert finding.evidence["violations"][0]["path"] == "$.role"
    assert finding.message.startswith(
        "layer data put out what contract row does not allow: $.role: "
    )


def test_a_wrong_input_is_blamed_on_the_step_before(repo: Path) -> None:
    result = flow(
        repo,
        Step("enter", says({"role": "admin"})),
        Step("keep", "touch ran; cat", layer="data"),
    )
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert finding.rule == "flow.invalid-input"
    assert finding.evidence["producer"] == "step enter"
    assert finding.evidence["violations"] == [
        {"path": "$", "message": '"name" is a required property'}
    ]
    assert not (repo / "ran").exists()


def test_a_wrong_input_of_the_flow_itself_is_blamed_on_the_flow(repo: Path) -> None:
    result = flow(repo, Step("keep", "cat", layer="data", input={}))
    assert result.findings[0].evidence["producer"] == "the input written for step keep"


@pytest.mark.parametrize(
    ("command", "outcome", "said"),
    [
        ("echo broken >&2; exit 3", Outcome.FAILED, "ended with status 3"),
        ("echo hello", Outcome.FAILED, "printed no JSON document"),
        ("true", Outcome.FAILED, "printed nothing"),
        ("echo NaN", Outcome.FAILED, "NaN, which is no JSON value"),
        ("no-such-command-anywhere", Outcome.ERRORED, "cannot be run"),
        ("kill -9 $$", Outcome.ERRORED, "signal 9"),
        ("head -c 3000000 /dev/zero | tr '\\0' 1", Outcome.ERRORED, "more than is kept"),
    ],
)
def test_a_step_that_fails_is_failed_and_one_that_cannot_run_is_errored(
    repo: Path, command: str, outcome: Outcome, said: str
) -> None:
    result = flow(repo, Step("keep", command, layer="data", input={"name": "Ada"}))
    assert result.outcome is outcome
    assert said in result.reason
    assert "keep" in result.reason
    assert bool(result.findings) == (outcome is Outcome.FAILED)


def test_a_step_that_does_not_end_is_errored(repo: Path) -> None:
    result = flow(repo, Step("keep", "exec tail -f /dev/null", timeout=0.2))
    assert result.outcome is Outcome.ERRORED
    assert "within 0.2 s" in result.reason


def test_a_flow_has_no_more_time_than_its_check(repo: Path) -> None:
    result = flow(repo, Step("keep", "exec tail -f /dev/null"), timeout=0.2)
    assert result.outcome is Outcome.ERRORED


def test_a_contract_that_cannot_be_read_is_errored(repo: Path) -> None:
    commit(repo, {"contracts/user.json": None})
    result = flow(repo, Step("keep", "cat", layer="data", input={}))
    assert result.outcome is Outcome.ERRORED
    assert "contracts/user.json" in result.reason


def test_an_invariant_that_does_not_hold_fails_with_its_values(repo: Path) -> None:
    result = flow(
        repo,
        Step("keep", says([1]), input=[1, 2]),
        invariants=("size(steps.keep.input) == size(steps.keep.output)",),
    )
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert finding.rule == "flow.invariant"
    assert finding.evidence["values"] == {"steps.keep.input": [1, 2], "steps.keep.output": [1]}
    assert "steps.keep.output is [1]" in finding.message


def test_an_invariant_that_cannot_be_evaluated_is_errored_never_false(repo: Path) -> None:
    for invariant in ("steps.keep.output.missing == 1", "steps.keep.output ==", "1"):
        result = flow(repo, Step("keep", "echo '{}'"), invariants=(invariant,))
        assert result.outcome is Outcome.ERRORED, invariant


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{\n "a": [1,\n 2]\n}\n\n', {"a": [1, 2]}),
        ("starting\ndone in 3 s\n[1]\n", [1]),
        ('{"a": 1}\n{"a": 2}\n', {"a": 2}),
        ("3 rows\n7", 7),
        ("true", True),
        ("null\n", None),
        ('"text"', "text"),
        ("[warn] careful\n{}", {}),
    ],
)
def test_the_last_document_printed_is_the_output(printed: str, value: Any) -> None:
    assert last_document(printed) == value


@pytest.mark.parametrize("printed", ["", "\n", "text", '{"a": 1} and more', "{", "[" * 100_000])
def test_what_does_not_end_with_a_document_is_refused(printed: str) -> None:
    with pytest.raises(NoDocument):
        last_document(printed)


BIG = "import json, sys; json.dump({'rows': ['x' * 100] * 20_000}, open(sys.argv[1], 'w'))"


def test_large_payloads_go_through_files(repo: Path) -> None:
    count = "import json, sys; print(len(json.load(open(sys.argv[1]))['rows']))"
    result = flow(
        repo,
        Step("make", f'python -c "{BIG}" {{output}}'),
        Step("count", f'python -c "{count}" {{input}}'),
        invariants=("steps.count.output == 20000",),
    )
    assert result.outcome is Outcome.PASSED, result.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "wrote a file {output} that is empty"),
        ("{oops", "that is no JSON: it begins with {oops"),
        ("\x1b[1mhello", "that is no JSON: it begins with \\x1b[1mhello"),
        ("[1, NaN]", "that has NaN, which is no JSON value"),
        ("[1e999]", "that has the number 1e999, which is too large"),
        ("{} {}", "that is no JSON"),
        ('"\\ud800"', "that has half a character"),
        ("[" * 100_000, "that is nested too deeply"),
        (None, "wrote no file {output}: No such file"),
    ],
)
def test_a_file_that_is_no_json_is_failed_and_shown_by_its_first_bytes(
    repo: Path, content: str | None, said: str
) -> None:
    (repo / "written").write_text(content or "")
    command = "true # {output}" if content is None else "cp written {output}"
    result = flow(repo, Step("keep", command, layer="data", input={"name": "Ada"}))
    assert [finding.rule for finding in result.findings] == ["flow.not-json"]
    assert said in result.reason
    assert result.reason.isprintable()


def test_a_file_that_is_too_large_is_errored(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LIMIT", 3)
    result = flow(repo, Step("keep", "echo 12345 > {output}"))
    assert result.outcome is Outcome.ERRORED
    assert "MiB to {output}" in result.reason


def test_braces_of_the_shell_stay_its_own(repo: Path) -> None:
    result = flow(repo, Step("keep", 'x=3; echo \'{"a": {}}\' | sed "s/{}/${x}/" # {b.port}'))
    assert result.outcome is Outcome.PASSED, result.reason
