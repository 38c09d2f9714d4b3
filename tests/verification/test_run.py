"""A run says of each check what is so, whatever plugins and commands do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from orchestrator import descendants
from orchestrator.config.model import Check as ConfiguredCheck
from orchestrator.config.model import Layer, Prepare
from orchestrator.plugins.spec import Check, CheckResult, Finding, Outcome, Severity
from orchestrator.verification import run as run_module
from orchestrator.verification.bracket import Bracket
from orchestrator.verification.checkout import Candidate, Pool
from orchestrator.verification.outcome import Report, Verdict, overall
from orchestrator.verification.site import Site
from tests.verification.world import COMMANDS, Recorder, World, layer, number_in, outcomes


def test_passing_and_failing_commands_and_those_nobody_could_judge(world: World) -> None:
    config = world.config(
        layer("data", good="true", bad="exit 1", absent="no-such-tool", killed="kill -9 $$")
    )
    report = world.report(config)
    assert outcomes(report) == {
        "data/good": "passed",
        "data/bad": "failed",
        "data/absent": "errored",
        "data/killed": "errored",
    }
    assert overall(report) == Verdict.FAILED
    assert Report.from_json(report.to_json()) == report


def test_checks_run_in_the_candidate_not_in_the_worktree(world: World) -> None:
    world.commit({"data/value": "committed"})
    (world.folder / "data/value").write_text("dirty")
    report = world.report(world.config(layer("data", show="cat data/value; pwd")))
    assert report.checks[0].result.output.startswith("committed")
    assert str(world.folder / "data") not in report.checks[0].result.output


def test_dependents_start_after_the_layer_they_depend_on_even_when_it_fails(world: World) -> None:
    heard = Recorder()
    config = world.config(
        layer("ui", "service", a="true"),
        layer("service", "data", a="true", b="true"),
        layer("data", a="exit 1", b="true"),
        parallel=3,
    )
    report = world.report(config, listener=heard)
    assert overall(report) == Verdict.FAILED
    order = [name for kind, name in heard.heard if kind == "finished"]
    first, middle, last = set(order[:2]), set(order[2:4]), order[4]
    assert first == {"data/a", "data/b"}
    assert middle == {"service/a", "service/b"} and last == "ui/a"
    assert heard.total == 5


def test_fail_fast_leaves_the_rest_not_run(world: World) -> None:
    config = world.config(
        layer("data", a="exit 1"), layer("ui", "data", b="true"), fail_fast=True, parallel=1
    )
    report = world.report(config)
    assert outcomes(report) == {"data/a": "failed", "ui/b": "not_run"}
    assert "data/a failed" in report.checks[1].result.reason


def test_a_check_whose_need_did_not_pass_is_not_run(world: World) -> None:
    needs = ConfiguredCheck("late", run="true", options={"needs": ["data/early"]})
    after = ConfiguredCheck("gate", run="true", options={"after": ["data/early"]})
    early = ConfiguredCheck("early", run="exit 1")
    report = world.report(world.config(Layer("data", ("**",), checks=(needs, after, early))))
    assert outcomes(report) == {
        "data/early": "failed", "data/late": "not_run", "data/gate": "passed",
    }  # fmt: skip
    reasons = {check.id: check.result.reason for check in report.checks}
    assert reasons["data/late"] == "it needs data/early, which failed"


def test_an_unknown_need_and_a_circle_are_errored_not_fatal(world: World) -> None:
    lost = ConfiguredCheck("lost", run="true", options={"needs": ["nowhere"]})
    one = ConfiguredCheck("one", run="true", options={"after": ["data/two"]})
    two = ConfiguredCheck("two", run="true", options={"after": ["data/one"]})
    fine = ConfiguredCheck("fine", run="true")
    config = world.config(Layer("data", ("**",), checks=(lost, one, two, fine)))
    report = world.report(config)
    assert outcomes(report) == {
        "data/lost": "errored", "data/one": "errored", "data/two": "errored", "data/fine": "passed",
    }  # fmt: skip
    reasons = " ".join(check.result.reason for check in report.checks)
    assert "'nowhere', which is not planned" in reasons and "wait for each other" in reasons


def test_exclusive_checks_run_alone_and_last(world: World, tmp_path: Path) -> None:
    # Each check fails if the marker of an exclusive one is there.
    quiet = f"mkdir {tmp_path}/alone && sleep 0.05 && rmdir {tmp_path}/alone"
    checks = (
        ConfiguredCheck("x1", run=quiet, options={"exclusive": True}),
        ConfiguredCheck("x2", run=quiet, options={"exclusive": True}),
        *(ConfiguredCheck(f"n{i}", run=f"test ! -e {tmp_path}/alone") for i in range(4)),
    )
    heard = Recorder()
    report = world.report(
        world.config(Layer("data", ("**",), checks=checks), parallel=3), listener=heard
    )
    assert overall(report) == Verdict.PASSED
    assert [name for kind, name in heard.heard if kind == "started"][-2:] == ["data/x1", "data/x2"]


def test_what_the_budget_cut_did_not_run(world: World) -> None:
    config = world.config(
        layer("data", a="sleep 600"), layer("ui", "data", b="true"), budget=1.0, parallel=1
    )
    report = world.report(config, patience=0.1)
    assert outcomes(report) == {"data/a": "not_run", "ui/b": "not_run"}
    assert all(check.result.reason.startswith("budget") for check in report.checks)
    assert overall(report) == Verdict.UNKNOWN


def test_timeout_of_a_check_is_errored(world: World) -> None:
    slow = ConfiguredCheck("slow", run="sleep 600", timeout=0.3)
    report = world.report(world.config(Layer("data", ("**",), checks=(slow,))))
    assert outcomes(report) == {"data/slow": "errored"}
    assert "timeout" in report.checks[0].result.reason


def test_stop_ends_everything_quickly_with_what_it_started(world: World, tmp_path: Path) -> None:
    stop, heard = threading.Event(), Recorder()
    seen = tmp_path / "pid"

    def stop_once_it_runs(check: Check) -> None:
        def wait() -> None:
            number_in(seen)
            stop.set()

        threading.Thread(target=wait).start()

    heard.on_started = stop_once_it_runs
    config = world.config(
        layer("data", a=f"echo $$ > {seen}; sleep 600"), layer("ui", "data", b="true"), parallel=1
    )
    report = world.report(config, listener=heard, stop=stop)
    assert outcomes(report) == {"data/a": "not_run", "ui/b": "not_run"}
    assert report.checks[0].result.reason == "the run was stopped"
    assert not descendants.alive(number_in(seen))


def test_an_exception_of_the_caller_ends_everything(world: World) -> None:
    heard = Recorder()

    def interrupt(check: Check) -> None:
        raise KeyboardInterrupt

    heard.on_started = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.report(world.config(layer("data", a="sleep 600")), listener=heard)


def test_failing_twice_here_only_is_failed(world: World) -> None:
    world.commit({"broken": "yes"})
    report = world.report(world.config(layer("data", a="test ! -e broken")))
    assert [(c.outcome, c.flaky, c.preexisting) for c in report.checks] == [
        (Outcome.FAILED, False, False)
    ]


def test_passing_the_second_time_is_passed_and_flaky(world: World, tmp_path: Path) -> None:
    config = world.config(layer("data", a=f"mkdir {tmp_path}/first && exit 1 || exit 0"))
    report = world.report(config)
    assert [(c.outcome, c.flaky) for c in report.checks] == [(Outcome.PASSED, True)]
    assert "failed once" in report.checks[0].result.reason
    assert report.facts()["flaky"] == 1


def test_a_flaky_check_still_says_what_it_had_found() -> None:
    found = (Finding("tests.failed", Severity.BREAKING, "sums: 3 is not 4"),)
    results = [CheckResult(Outcome.FAILED, "1 test failed", found), CheckResult(Outcome.PASSED)]
    check = Check("data/a", "integrity", "commands", "a", spec={"bracket": True})
    nowhere = cast(Site, None)
    judged = Bracket(lambda check, context: results.pop(0), nowhere, check, {}, {}).judge()
    assert (judged.flaky, judged.result.reason) == (
        True,
        "failed once (1 test failed: sums: 3 is not 4), passed when run again on the same tree",
    )


def test_failing_on_the_base_too_is_preexisting_not_this_handoffs(world: World) -> None:
    world.commit({"other": "change"})
    report = world.report(world.config(layer("data", a="test -e never")))
    assert [(c.outcome, c.preexisting) for c in report.checks] == [(Outcome.FAILED, True)]
    assert overall(report) == Verdict.PASSED


def test_a_gate_over_a_preexisting_failure_does_not_blame_the_handoff(world: World) -> None:
    world.plugin(
        COMMANDS.replace('"bracket": True', "'bracket': c['name'] != 'gate'")
        + """
@hookimpl
def orchestrate_execute(check, context):
    if check.title != "gate":
        failed = context.run(check.spec["run"]).code
        return CheckResult(Outcome.FAILED if failed else Outcome.PASSED, "x")
    bad = [name for name, result in context.upstream.items() if result.outcome != "passed"]
    return CheckResult(Outcome.FAILED if bad else Outcome.PASSED, f"{bad}")
"""
    )
    world.commit({"new": "x"})
    old, new = "test -e never", "test ! -e new"
    for command, blamed in ((old, False), (new, True)):
        gate = ConfiguredCheck("gate", run="", options={"after": ["data/a"]})
        check = ConfiguredCheck("a", run=command)
        report = world.report(world.config(Layer("data", ("**",), checks=(check, gate))))
        assert [(c.outcome, c.preexisting) for c in report.checks] == [
            (Outcome.FAILED, not blamed), (Outcome.FAILED, not blamed),
        ]  # fmt: skip


def test_conflicts_are_the_report_and_nothing_runs(world: World) -> None:
    candidate = world.candidate
    world.candidate = Candidate(
        candidate.commit, candidate.tree, None, candidate.head, (), conflicts=("a.py",)
    )
    report = world.report(world.config(layer("data", a="true")))
    assert report.checks == () and report.conflicts == ("a.py",)
    assert overall(report) == Verdict.FAILED


def test_no_check_at_all_passes(world: World) -> None:
    report = world.report(world.config(layer("data")))
    assert report.checks == () and overall(report) == Verdict.PASSED
    assert report.plugins["commands"].startswith("1+")


def test_single_layers_on_request(world: World) -> None:
    config = world.config(layer("data", a="true"), layer("ui", "data", b="true"))
    assert list(outcomes(world.report(config, layers=("ui",)))) == ["ui/b"]


def test_failing_prepare_makes_every_check_errored(world: World) -> None:
    config = world.config(
        layer("data", a="true", b="true"), prepare=(Prepare("echo no network; exit 7"),)
    )
    report = world.report(config)
    assert set(outcomes(report).values()) == {"errored"} and len(report.checks) == 2
    reason = report.checks[0].result.reason
    assert "exited with status 7" in reason and "no network" in reason


def test_prepare_is_skipped_while_its_files_are_unchanged(world: World, tmp_path: Path) -> None:
    log = tmp_path / "log"
    step = Prepare(f"echo x >> {log}; mkdir -p env", when_changed=("lock",))
    config = world.config(layer("data", a="test -d env"), prepare=(step,), keep=("env",))

    def runs() -> int:
        return len(log.read_text().split())

    world.commit({"lock": "1"})
    for _ in range(2):
        assert overall(world.report(config)) == Verdict.PASSED
    assert runs() == 1
    world.commit({"lock": "2"})
    world.report(config)
    assert runs() == 2
    world.commit({"lock": "1"})
    world.report(config)
    assert runs() == 3, "what was prepared last counts, not what was ever prepared"
    with Pool(world.repository).claim(world.candidate.commit):
        pass  # a use that keeps nothing
    world.report(config)
    assert runs() == 4, "the kept folder is gone, so is the work"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('of no use')", "ValueError: of no use"),
        ("import os; os._exit(7)", "exited with status 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
        ("raise SystemExit(0)", "SystemExit"),
        ("return None", "returned NoneType"),
        ("return CheckResult('odd')", "not an Outcome"),
        ("return CheckResult(Outcome.FAILED)", "gives no reason"),
        ("return CheckResult(Outcome.PASSED, metrics={'x': float('nan')})", "no finite number"),
        ("return CheckResult(Outcome.PASSED, data={'x': 'y' * 300_000})", "larger than"),
        ("return CheckResult(Outcome.PASSED, data={'x': object()})", "not JSON"),
        ("return CheckResult(Outcome.PASSED, findings=('odd',))", "not a Finding"),
        (
            "return CheckResult(Outcome.PASSED, findings=(Finding('a', Severity.BREAKING, 'b'),))",
            "passed has a breaking finding",
        ),
        ("while True: pass", "did not answer"),
        ("import time; time.sleep(600)", "did not answer"),
    ],
)
def test_whatever_a_plugin_does_while_executing_is_errored(
    world: World, body: str, said: str
) -> None:
    hangs = said == "did not answer"
    limit = f"timeout=0.2 if {hangs} and c['name'] == 'bad' else 60"
    head = COMMANDS_HEAD.replace("timeout=c['timeout']", limit)
    world.plugin(f"{head}\n    if check.title == 'bad':\n        {body}\n    return OK\n")
    config = world.config(layer("data", bad="x", good="x"), parallel=2)
    report = world.report(config, patience=0.3)
    assert outcomes(report) == {"data/bad": "errored", "data/good": "passed"}
    bad = next(check for check in report.checks if check.id == "data/bad")
    assert said in bad.result.reason and "commands" in bad.result.reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('of no use')", "ValueError: of no use"),
        ("import os; os._exit(7)", "exited with status 7"),
        ("return 5", "returned int"),
        ("return ['odd']", "a list with str in it"),
        ("return [Check('a', 'integrity', 'x', 't'), Check('a', 'integrity', 'x', 't')]", "two"),
        ("return [Check('a', 'nothing', 'x', 't')]", "'nothing'"),
        ("return [Check('a', 'integrity', 'x', 't', timeout=-1)]", "timeout"),
        ("return [Check('a\\n', 'integrity', 'x', 't')]", "printable"),
        ("import time; time.sleep(600)", "did not answer"),
    ],
)
def test_whatever_a_plugin_does_while_planning_is_one_errored_check(
    world: World, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    monkeypatch.setattr(run_module, "PLAN_TIMEOUT", 1.0)
    world.plugin(COMMANDS_HEAD + "\n    return OK\n")
    world.plugin(
        "from orchestrator.plugins.spec import *\n"
        "@hookimpl\ndef orchestrate_plugin(): return PluginInfo('odd', '1', 'dataflow')\n"
        f"@hookimpl\ndef orchestrate_plan(request):\n    {body}\n"
        "@hookimpl\ndef orchestrate_execute(check): pass\n"
    )
    report = world.report(world.config(layer("data", good="x")))
    assert outcomes(report) == {"plugin:odd": "errored", "data/good": "passed"}
    assert said in report.checks[0].result.reason and "odd" in report.checks[0].result.reason
    assert report.checks[0].family == "dataflow"
    assert overall(report) == Verdict.UNKNOWN


def test_plugins_may_print_as_much_as_they_like(world: World) -> None:
    noise = "import sys; print('x' * 3_000_000); print('y' * 3_000_000, file=sys.stderr)"
    world.plugin(f"{noise}\n{COMMANDS_HEAD}\n    {noise}\n    return OK\n")
    assert outcomes(world.report(world.config(layer("data", a="x")))) == {"data/a": "passed"}


@pytest.mark.parametrize("body", ["import os; os._exit(3)", "1/0", "raise SystemExit(1)"])
def test_a_plugin_that_cannot_be_imported_is_errored_and_the_others_go_on(
    world: World, body: str
) -> None:
    world.plugin(body + "\n")
    world.plugin(COMMANDS_HEAD + "\n    return OK\n")
    report = world.report(world.config(layer("data", a="x")))
    assert outcomes(report) == {"plugin:plugins/p1.py": "errored", "data/a": "passed"}


def test_two_plugins_with_one_check_id_do_not_overwrite_each_other(world: World) -> None:
    world.plugin(COMMANDS_HEAD + "\n    return OK\n")
    world.plugin(COMMANDS_HEAD.replace('"commands"', '"again"') + "\n    return OK\n")
    report = world.report(world.config(layer("data", a="x")))
    assert outcomes(report) == {"plugin:again": "errored", "data/a": "passed"}


COMMANDS_HEAD = """
from orchestrator.plugins.spec import *
OK = CheckResult(Outcome.PASSED)
@hookimpl
def orchestrate_plugin(): return PluginInfo("commands", "1", "integrity")
@hookimpl
def orchestrate_plan(request):
    return [Check(f"{layer}/{c['name']}", "integrity", "commands", c["name"], layer=layer,
                  timeout=c['timeout'])
            for layer in request.layers for c in request.config["layers"][layer]["checks"]]
@hookimpl
def orchestrate_execute(check, context):
"""


def test_a_check_left_to_a_plugin_that_does_not_plan_it_is_errored(world: World) -> None:
    config = world.config(layer("data", good="true"))
    data = config.layers["data"]
    left = ConfiguredCheck("licences", uses="no-such-plugin")
    layers = {"data": replace(data, checks=(*data.checks, left))}
    report = world.report(replace(config, layers=layers))
    assert outcomes(report)["data/licences"] == "errored"
    assert overall(report) == Verdict.UNKNOWN


def test_an_integration_test_left_to_a_plugin_that_does_not_plan_it_is_errored(
    world: World,
) -> None:
    left = ConfiguredCheck("e2e", uses="no-such-plugin")
    config = replace(world.config(layer("data", good="true")), integration_tests=(left,))
    report = world.report(config)
    assert outcomes(report) == {"data/good": "passed", "integration/e2e": "errored"}
    assert overall(report) == Verdict.UNKNOWN
    assert outcomes(world.report(config, layers=("data",))) == {"data/good": "passed"}


def test_each_check_left_to_a_plugin_is_missed_when_it_plans_only_others(world: World) -> None:
    first = 'for c in request.config["layers"][layer]["checks"]'
    world.plugin(
        COMMANDS.replace(first, f"{first}[:1]").replace('"run": c["run"]', '"run": "true"')
    )
    config = world.config(layer("data"))
    checks = tuple(ConfiguredCheck(name, uses="commands") for name in ("one", "two"))
    layers = {"data": Layer("data", ("data/**",), checks=checks)}
    report = world.report(replace(config, layers=layers))
    assert outcomes(report) == {"data/two": "errored", "data/one": "passed"}


def test_a_candidate_whose_configuration_does_not_load_has_failed(world: World) -> None:
    world.commit({"config/orchestrate.yaml": "version: 1\nproject: x\nlayerz: {}\n"})
    config = replace(world.config(layer("data", good="true")), source="config/orchestrate.yaml")
    report = world.report(config, policy_from="base", everything=False)
    [check] = report.checks
    assert (check.id, check.outcome) == ("configuration", Outcome.FAILED)
    assert {finding.rule for finding in check.result.findings} == {"config.E104"}
    world.commit({"config/orchestrate.yaml": None})
    [check] = world.report(config, policy_from="base", everything=False).checks
    assert [finding.rule for finding in check.result.findings] == ["config.absent"]


def test_a_candidate_whose_configuration_names_an_absent_plugin_has_failed(world: World) -> None:
    good = "version: 1\nproject: x\nlayers: {data: {paths: ['data/**']}}\n"
    config = replace(world.config(layer("data", good="true")), source="config/orchestrate.yaml")
    world.commit({"config/orchestrate.yaml": good})
    [check] = world.report(config, policy_from="base", everything=False).checks
    assert check.outcome is Outcome.PASSED
    world.commit({"config/orchestrate.yaml": good + "verification: {plugins: [plugins/a.py]}\n"})
    [check] = world.report(config, policy_from="base", everything=False).checks
    assert [finding.rule for finding in check.result.findings] == ["config.E111"]


def test_a_failure_of_the_base_does_not_hide_the_next_one(world: World) -> None:
    config = world.config(layer("data", count='exit "$(ls data | wc -l)"'))
    world.commit({"data/one": "broken"})
    world.commit({"data/two": "broken"})
    [check] = world.report(config).checks
    assert (check.outcome, check.preexisting) == (Outcome.FAILED, False)


def test_the_same_failure_as_on_the_base_is_not_this_handoffs(world: World) -> None:
    config = world.config(layer("data", count="exit 1"))
    world.commit({"data/one": "broken"})
    world.commit({"data/two": "broken"})
    [check] = world.report(config).checks
    assert check.preexisting
