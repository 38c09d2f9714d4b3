"""``orchestrate verify`` as CI calls it: a real process in a real repository."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from orchestrator import descendants
from tests.conftest import MakeRepo, commit, git
from tests.verification.world import number_in

HEAD = "version: 1\nproject: shop\n"


def config(layers: str, more: str = "") -> dict[str, str | None]:
    return {"config/orchestrate.yaml": f"{HEAD}layers:\n{layers}{more}"}


PASSING = config('  data: {paths: ["data/**"], checks: [{name: fine, run: "echo fine"}]}\n')
TWO = (
    '  data: {paths: ["data/**"], checks: [{name: d, run: "test ! -e data/broken"}]}\n'
    '  ui: {paths: ["ui/**"], depends_on: [data], checks: [{name: u, run: "true"}]}\n'
    '  docs: {paths: ["docs/**"], checks: [{name: w, run: "true"}]}\n'
)


def orchestrate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "verify", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    value = json.loads(done.stdout)
    return {
        check["id"]: check["result"]["outcome"]
        for family in value["results"].values()
        for check in family["checks"]
    }


def test_passing_suite_exits_0_and_families_without_checks_are_skipped(
    make_repo: MakeRepo,
) -> None:
    done = orchestrate(make_repo(PASSING), "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["verdict"] == "passed" and value["policy_from"] == "commit"
    outcomes = {key: family["outcome"] for key, family in value["results"].items()}
    assert outcomes == {
        "layerIntegrity": "passed",
        "contractCompliance": "skipped",
        "dataFlowValidation": "skipped",
        "performanceBenchmarks": "skipped",
    }


def test_failed_exits_1_and_could_not_tell_exits_3(make_repo: MakeRepo) -> None:
    layer = '  data: {{paths: ["**"], checks: [{{name: x, run: "{}"}}]}}\n'
    failing = make_repo(config(layer.format("exit 1")), name="failing")
    assert orchestrate(failing).returncode == 1
    unknown = make_repo(config(layer.format("no-such-tool")), name="unknown")
    assert orchestrate(unknown).returncode == 3


def test_console_report_is_on_stdout_and_progress_on_stderr(make_repo: MakeRepo) -> None:
    done = orchestrate(make_repo(PASSING))
    assert "passed" in done.stdout and "\x1b" not in done.stdout
    assert "data/fine" in done.stderr


def test_since_checks_what_changed_and_what_depends_on_it(make_repo: MakeRepo) -> None:
    shop = make_repo(config(TWO))
    commit(shop, {"data/table": "x"})
    done = orchestrate(shop, "--since", "HEAD~1", "--json")
    assert checks(done) == {"data/d": "passed", "ui/u": "passed"}
    assert set(checks(orchestrate(shop, "--all", "--json"))) == {"data/d", "ui/u", "docs/w"}
    assert set(checks(orchestrate(shop, "--layer", "docs", "--json"))) == {"docs/w"}


def test_since_takes_the_rules_from_the_base(make_repo: MakeRepo) -> None:
    """An author who loosens the gate with the change is judged by the old gate."""
    shop = make_repo(config(TWO))
    commit(shop, {**config(TWO.replace("test ! -e data/broken", "true")), "data/broken": "x"})
    done = orchestrate(shop, "--since", "main~1", "--json")
    assert done.returncode == 1 and checks(done)["data/d"] == "failed"
    value = json.loads(done.stdout)
    assert value["policy_from"] == "base"
    assert any("touches the rules" in warning for warning in value["warnings"])
    assert orchestrate(shop).returncode == 0, "under its own rules it passes"


def test_a_base_without_rules_is_said(make_repo: MakeRepo) -> None:
    shop = make_repo()
    commit(shop, PASSING)
    value = json.loads(orchestrate(shop, "--since", "HEAD~1", "--json").stdout)
    assert value["policy_from"] == "commit"
    assert any("the base has no configuration" in warning for warning in value["warnings"])


def test_what_is_not_committed_is_named_and_not_verified(make_repo: MakeRepo) -> None:
    shop = make_repo(config('  data: {paths: ["**"], checks: [{name: x, run: "test ! -e new"}]}\n'))
    (shop / "new").write_text("x")
    done = orchestrate(shop, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["warnings"] == ["not committed, so not verified: new"]


def test_reports_go_where_they_are_sent(make_repo: MakeRepo, tmp_path: Path) -> None:
    shop = make_repo(PASSING)
    files = {
        form: tmp_path / "out" / f"r.{form}" for form in ("junit", "sarif", "markdown", "html")
    }
    arguments = [
        x for form, file in files.items() for x in ("--report", form, "--output", str(file))
    ]
    done = orchestrate(shop, *arguments)
    assert done.returncode == 0 and "passed" in done.stdout
    assert ElementTree.parse(files["junit"]).getroot().tag == "testsuites"
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert "data/fine" in files["markdown"].read_text()
    assert files["html"].read_text().lower().startswith("<!doctype html>")
    done = orchestrate(shop, "--report", "console", "--output", str(tmp_path / "c.txt"), "--json")
    assert json.loads(done.stdout)["verdict"] == "passed"
    assert "passed" in (tmp_path / "c.txt").read_text()


def test_a_report_that_cannot_be_written_is_an_error_after_the_others(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = orchestrate(
        make_repo(PASSING), "--report", "json", "--output", str(tmp_path / "file" / "x")
    )
    assert done.returncode == 2 and "E681" in done.stderr and "passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "main", "--all"], "exclude each other"),
        (["--since", "gone"], "there is no commit 'gone'"),
        (["--layer", "dta"], 'did you mean "data"?'),
        (["--report", "junit", "--json"], "only one report"),
        (["--output", "a", "--output", "b"], "2 outputs for 0 reports"),
        (["--report", "nonsense"], "nonsense"),
    ],
)
def test_what_is_not_understood_exits_2_and_says_why(
    make_repo: MakeRepo, arguments: list[str], said: str
) -> None:
    done = orchestrate(make_repo(PASSING), *arguments)
    assert done.returncode == 2 and said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_deleted_branch_is_a_clear_error(make_repo: MakeRepo) -> None:
    shop = make_repo(PASSING)
    git(shop, "branch", "feature")
    git(shop, "branch", "-D", "feature")
    done = orchestrate(shop, "--since", "feature")
    assert done.returncode == 2 and "E405" in done.stderr and "hint:" in done.stderr


def test_a_repository_without_commits_or_rules_is_a_clear_error(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    done = orchestrate(empty)
    assert done.returncode == 2 and "E404" in done.stderr
    done = orchestrate(make_repo())
    assert done.returncode == 2 and "E501" in done.stderr and "orchestrate init" in done.stderr
    done = orchestrate(tmp_path)
    assert done.returncode == 2 and "E402" in done.stderr


@pytest.mark.skipif(not descendants.can_reap(), reason="needs /proc and a reaper")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_child_and_reports(
    make_repo: MakeRepo, tmp_path: Path, number: signal.Signals
) -> None:
    told = tmp_path / "told"
    run = f"setsid sh -c 'echo $$ > {told}; exec sleep 600' & sleep 601"
    shop = make_repo(config(f'  data: {{paths: ["**"], checks: [{{name: x, run: "{run}"}}]}}\n'))
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "verify", "--json"],
        cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    stray = number_in(told)
    child.send_signal(number)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    assert not descendants.alive(stray)
    value = json.loads(output)
    assert value["results"]["layerIntegrity"]["checks"][0]["result"]["outcome"] == "not_run"


def test_verify_works_in_a_linked_worktree_and_leaves_it_alone(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    shop = make_repo(PASSING)
    side = tmp_path / "side dir"
    git(shop, "worktree", "add", "-q", "-b", "side", str(side))
    commit(side, {"data/new": "x"})
    done = orchestrate(side, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["commit"] == git(side, "rev-parse", "HEAD")
    assert git(side, "status", "--porcelain") == ""


def test_the_variable_names_the_configuration_in_the_commit(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    [text] = PASSING.values()
    shop = make_repo({**config('  data: {paths: ["data/**"]}\n'), "tools/config.yaml": text})
    for name in ("tools/config.yaml", str(shop / "tools/config.yaml")):
        monkeypatch.setenv("ORCHESTRATE_CONFIG", name)
        assert checks(orchestrate(shop, "--json")) == {"data/fine": "passed"}
    monkeypatch.setenv("ORCHESTRATE_CONFIG", "nowhere.yaml")
    done = orchestrate(shop)
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr and "ORCHESTRATE_CONFIG" in done.stderr


def test_a_configuration_outside_the_repository_decides_itself(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [text] = PASSING.values()
    (tmp_path / "rules.yaml").write_text(str(text))
    monkeypatch.setenv("ORCHESTRATE_CONFIG", str(tmp_path / "rules.yaml"))
    assert checks(orchestrate(make_repo(), "--json")) == {"data/fine": "passed"}


def test_a_state_folder_that_cannot_be_made_is_a_clear_error(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ORCHESTRATE_STATE", str(tmp_path / "file" / "state"))
    done = orchestrate(make_repo(PASSING))
    assert "E4" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.stderr
