"""``orchestrate plugin``: listed with what is wrong, and examined before it is committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.plugins import manager
from tests.conftest import MakeRepo
from tests.plugins.test_manager import GOOD, local, refusal

CONFIG = """\
version: 1
project: shop
layers: {app: {paths: ["src/**"]}}
verification: {plugins: ["plugins/licences.py"]}
"""


@pytest.fixture
def shop(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG, "plugins/licences.py": GOOD})
    monkeypatch.chdir(folder)
    return folder


def test_list_names_every_plugin_and_where_it_is_from(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plugin", "list"]) == 0
    said = capsys.readouterr().out
    assert "benchmarks" in said and "built in" in said
    assert "licences" in said and "plugins/licences.py" in said


def test_list_says_what_is_wrong_with_a_refused_one(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "plugins/licences.py").write_text("import no_such_module\n")
    assert run(["plugin", "list", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    [problem] = found["problems"]
    assert problem["plugin"] == "plugins/licences.py" and "no_such_module" in problem["message"]


def test_check_executes_a_file_that_is_not_committed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = shop / "plugins/new.py"
    new.write_text(GOOD)
    assert run(["plugin", "check", "plugins/new.py", "--execute"]) == 0
    said = capsys.readouterr().out
    assert "keeps API 1" in said and "plans 1 check" in said and "licences passed" in said


def test_check_shows_what_a_check_found(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = "Finding('l.gpl', Severity.BREAKING, 'no\\x1b licence', file='src/a.c', line=3)"
    result = f"CheckResult(Outcome.FAILED, 'one', findings=({found},))"
    text = "from orchestrator.plugins.spec import *\n"
    text += GOOD.replace("CheckResult(Outcome.PASSED)", result)
    (shop / "plugins/licences.py").write_text(text)
    assert run(["plugin", "check", "plugins/licences.py", "--execute"]) == 0
    said = capsys.readouterr().out
    assert "licences failed" in said and "src/a.c:3: no" in said and "\x1b" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "it lacks orchestrate_plugin"),
        (GOOD.replace("[Check(", "[Check(__import__('uuid').uuid4().hex + "), "plans differently"),
        (GOOD.replace("return [Check", "return 1 // 0, [Check"), "ZeroDivisionError"),
        (GOOD.replace("CheckResult(Outcome.PASSED)", "'fine'"), "returned str, not a CheckResult"),
        (GOOD.replace("(Outcome.PASSED)", "(Outcome.FAILED)"), "gives no reason"),
    ],
)
def test_check_says_what_breaks_the_contract(
    shop: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (shop / "plugins/licences.py").write_text(text)
    assert run(["plugin", "check", "plugins/licences.py", "--execute"]) == 1
    assert said in capsys.readouterr().out


def test_an_unknown_name_lists_the_known_ones(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plugin", "check", "licence"]) == 2
    assert "licences" in capsys.readouterr().err


def test_a_plugin_that_says_nothing_was_built_for_the_first_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "API_VERSION", 2)
    error = refusal(local(tmp_path, GOOD))
    assert "was built for API version 1, this is version 2" in error.message
    assert "older than this orchestrate" in str(error.hint)


def test_a_plugin_from_the_future_asks_for_a_newer_orchestrate(tmp_path: Path) -> None:
    error = refusal(local(tmp_path, GOOD.replace('"integrity")', '"integrity", api=2)', 1)))
    assert "pip install -U handoff-orchestrator" in str(error.hint)
