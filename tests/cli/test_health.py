"""``orchestrate health``: in few words, exit status 1 when something is red."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.store.sqlite import open_store
from tests.cli.test_decision import CONFIG
from tests.conftest import MakeRepo, git

Out = pytest.CaptureFixture[str]


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG})
    monkeypatch.chdir(folder)
    return folder


def insert(repo: Path, table: str, **row: Any) -> None:
    store = open_store(repo / ".git" / "orchestrator")
    store.write(lambda tx: tx.insert(table, row))
    store.close()


def test_a_fresh_project_needs_nothing(repo: Path, capsys: Out) -> None:
    assert run(["health"]) == 0
    assert capsys.readouterr().out == "nothing needs attention\n"
    assert run(["health", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "status": "green", "red": 0, "yellow": 0, "concerns": [],
    }  # fmt: skip


def test_red_is_exit_status_one_and_comes_first(repo: Path, capsys: Out) -> None:
    run(["health"])
    insert(repo, "tasks", id="T-1", status="ready", due_at=None)
    insert(repo, "tasks", id="T-2", status="open", due_at=9**15, dependencies='["T-9"]')
    capsys.readouterr()
    assert run(["health"]) == 1
    assert capsys.readouterr().out == (
        "red     T-2 depends on T-9, which there is not\n"
        "        orchestrate task show T-2\n"
        "yellow  T-1 has no deadline\n"
        "        say until when: --due 2d\n"
    )


def test_many_of_one_kind_are_counted(repo: Path, capsys: Out) -> None:
    run(["health"])
    for number in range(13):
        insert(repo, "tasks", id=f"T-\x1b{number}", status="ready")
    capsys.readouterr()
    assert run(["health"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 12 and "… and 3 more like these" in out
    assert "\x1b" not in out


def test_twenty_ghosts_are_told_once_and_all_tells_them_again(repo: Path, capsys: Out) -> None:
    run(["health"])
    for number in range(20):
        insert(repo, "sessions", id=f"s{number}", instance="backend", started_at=1, heartbeat_at=1)
    capsys.readouterr()

    def told(*options: str) -> int:
        assert run(["health", "--json", *options]) == 0
        return len(json.loads(capsys.readouterr().out)["concerns"])

    assert [told(), told(), told("--all"), told()] == [20, 0, 20, 0]


def test_a_worktree_nobody_uses_is_noticed(repo: Path, capsys: Out) -> None:
    git(repo, "worktree", "add", "-q", "-b", "frontend", str(repo.parent / "left"))
    assert run(["health"]) == 0
    out = capsys.readouterr().out
    assert "left is on branch frontend, and no instance uses it" in out


def test_a_default_that_is_due_holds(repo: Path, capsys: Out) -> None:
    past = ["--deadline", "2020-01-01T00:00:00Z", "--default", "A", "--option", "A"]
    propose = ["decision", "propose", "--title", "t", "--description", "d", "--affects", "all"]
    assert run([*propose, *past]) == 0
    assert run(["health"]) == 0
    capsys.readouterr()
    assert run(["decision", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["decision"]) == ("accepted", "A")
