"""``orchestrate config``: whole outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from tests.config.texts import MINIMAL
from tests.conftest import MakeRepo, commit, git


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": MINIMAL})
    monkeypatch.chdir(folder)
    return folder


def test_a_right_file_is_summed_up_in_a_line(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "check"]) == 0
    expected = "config/orchestrate.yaml: ok, project shop: 1 instance, 2 layers\n"
    assert capsys.readouterr() == (expected, "")


def test_every_problem_is_printed_and_the_status_is_2(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = "instances: {backend: {role: R, layers: [servce]}}\nname: x\n"
    (repo / "config/orchestrate.yaml").write_text(MINIMAL + wrong)
    assert run(["config", "check"]) == 2
    assert (
        capsys.readouterr().out
        == """\
config/orchestrate.yaml:6:41  instances.backend.layers[0]
  E103 layer "servce" is not defined
  hint: did you mean "service"? Defined layers: data, service

config/orchestrate.yaml:7:1  name
  E104 key "name" is not known
  hint: known here: version, project, coordinator, instances, layers, integration_tests, \
contracts, services, flows, benchmarks, verification, approval, escalation, \
emergency, notify, evidence, status, git_hooks, hooks

config/orchestrate.yaml: 2 problems
"""
    )


def test_any_file_can_be_named(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "draft.yaml").write_text("version: 1\n")
    assert run(["config", "check", "draft.yaml"]) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "draft.yaml: 2 problems"
    assert run(["config", "check", "nowhere.yaml"]) == 2
    assert capsys.readouterr().out == (
        "nowhere.yaml:1:1\n  E101 there is no such file\n"
        "  hint: write one: orchestrate init\n\nnowhere.yaml: 1 problem\n"
    )


def test_without_a_configuration_the_error_says_what_writes_one(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_repo()
    monkeypatch.chdir(folder)
    for verb in ("check", "show"):
        assert run(["config", verb]) == 2
        assert capsys.readouterr() == (
            "",
            f"E150 {folder} has no config/orchestrate.yaml\nhint: write one: orchestrate init\n",
        )


def test_control_characters_of_the_file_never_reach_the_terminal(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = (
        '"\\e[31mred\\u202e": 1\n'
        'instances: {"a\\nb\\e": {role: R, hands_off_to: "a\\nb\\e", file_patterns: ["**", "\\e"]},'
        ' c: {role: R, file_patterns: ["*"], layers: ["\\e[2J"]}}\n'
    )
    (repo / "config/orchestrate.yaml").write_text(MINIMAL + strange)
    assert run(["config", "check"]) == 2
    out = capsys.readouterr().out
    assert "\na" not in out
    assert "\x1b" not in out
    assert "\u202e" not in out


SHOWN = """\
version: 1
project: shop
layers:
  data:
    paths:
    - src/data/**
    depends_on: []
    checks: []
    gates: []
    inputs: []
    ratchets: []
  service:
    paths:
    - src/service/**
    depends_on:
    - data
    checks: []
    gates: []
    inputs: []
    ratchets: []
coordinator:
  instance: coordinator
  monitoring_interval: 30
  integration_branch: main
  transfer: merge
instances:
  coordinator:
    role: INTEGRATION_COORDINATION
    specializations: []
    file_patterns: []
    layers: []
    requires:
    - integrity
    - contracts
    - dataflow
    - benchmarks
    priority: 0
    expertise: []
integration_tests: []
contracts: {}
services: {}
flows: {}
benchmarks: {}
verification:
  budget: 900
  parallel: 2
  fail_fast: false
  plugins: []
  prepare: []
  keep: []
  environment: []
  shadow: []
  quarantine:
    lasts: 604800
    checks: []
  cache:
    enabled: true
    size: 100000000
    max_age: 604800
approval:
  auto: true
  ownership: warn
  approve_when: report.failed == 0 && report.inconclusive == 0 && report.errored == 0 \
&& report.flaky == 0 && handoff.violations == 0
  reject_when: report.failed > 0
  max_attempts: 5
  approvers: []
  shadow: []
escalation:
  threshold: critical_failures_only
  levels:
  - name: humans
    notify: []
    ack_within: 14400
    repeat: 0
  always_when: []
emergency: []
notify: {}
evidence: {}
status:
  views:
    work_registry: false
    locks: false
    decision_log: false
    heartbeats: false
    instance_registry: false
    task_queue: false
    communication_log: false
    decisions: false
git_hooks:
  humans: warn
  protect: true
  verify_on_push: false
hooks:
  release: handoff
  on_failure: refuse
"""


def test_show_prints_every_default_and_where_it_comes_from(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "config/orchestrate.yaml").write_text("in the middle of an edit: [")
    assert run(["config", "show"]) == 0
    head, _, body = capsys.readouterr().out.partition("version:")
    head_commit = git(repo, "rev-parse", "HEAD")[:10]
    lines = head.splitlines()
    assert lines[:2] == [
        "# source: config/orchestrate.yaml",
        f"# origin: branch main, commit {head_commit}",
    ]
    assert lines[2].startswith("# digest: ")
    assert "version:" + body == SHOWN


def test_show_gives_programs_the_same_facts(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import yaml

    assert run(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["config"] == yaml.safe_load(SHOWN)
    assert shown["source"] == "config/orchestrate.yaml"
    assert shown["origin"].startswith("branch main, commit ")
    assert len(shown["digest"]) == 64


def test_a_broken_file_on_the_branch_stops_every_command_with_the_same_list(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = commit(repo, {"config/orchestrate.yaml": MINIMAL + "approval: {auto: 1}\n"})
    assert run(["config", "show"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == f"""\
E100 config/orchestrate.yaml in commit {head[:10]} has a problem:

config/orchestrate.yaml:6:18  approval.auto
  E106 must be true or false, not 1

hint: mend it, then look again: orchestrate config check
"""
    )


def test_schema_prints_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    from orchestrator.config.schema import schema

    assert run(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_check_gives_programs_the_same_facts(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "check", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] and answer["problems"] == []
    assert (answer["project"], answer["instances"], answer["layers"]) == ("shop", 1, 2)
    (repo / "config/orchestrate.yaml").write_text(MINIMAL + "nmae: x\n")
    assert run(["config", "check", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    [problem] = answer["problems"]
    assert not answer["ok"] and answer["source"] == "config/orchestrate.yaml"
    assert (problem["code"], problem["path"], problem["line"]) == ("E104", "nmae", 6)
