"""``orchestrate init`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.config import presets
from tests.conftest import MakeRepo, git


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["init", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_first_and_a_second_time(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(make_repo())
    status, out, err = typed(capsys)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0] == "wrote  config/orchestrate.yaml"
    assert lines[-4:] == [
        "next:",
        "  orchestrate config check",
        (
            "  git add config verification plugins status && "
            "git commit -m 'Coordinate with orchestrate'"
        ),
        "  orchestrate verify --all",
    ]
    status, out, _ = typed(capsys)
    assert status == 0
    assert "nothing to do: everything is there" in out
    assert "wrote" not in out


def test_the_list_of_presets(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = typed(capsys, "--list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(presets.NAMES)
    _, out, _ = typed(capsys, "--list", "--json")
    assert set(json.loads(out)) == set(presets.NAMES)


def test_json_says_the_same(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make_repo({"main.tf": ""})
    monkeypatch.chdir(repo)
    status, out, _ = typed(capsys, "--json", "--dry-run")
    said = json.loads(out)
    assert status == 0
    assert said["preset"] == "infrastructure"
    assert said["reasons"] == ["main.tf is Terraform"]
    assert said["dry_run"] is True
    assert "config/orchestrate.yaml" in said["written"]
    assert git(repo, "status", "--porcelain") == ""


def test_expected_trouble_is_said_without_a_traceback(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(make_repo({"status": "a file"}))
    status, out, err = typed(capsys)
    assert (status, out) == (2, "")
    assert err.startswith("E151 status is a file, and a folder must be there\nhint: ")
    status, _, err = typed(capsys, "--preset", "wep")
    assert status == 2
    assert err.startswith('E152 there is no preset "wep"\nhint: did you mean "web"?')
    status, _, err = typed(capsys, "--under", "..")
    assert status == 2
    assert err.startswith("E153 ")


def test_control_characters_in_names_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = tmp_path / "a\x1b[31mb"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "config").write_text("a file")
    monkeypatch.chdir(repo)
    _, out, err = typed(capsys)
    assert "\x1b" not in out + err
