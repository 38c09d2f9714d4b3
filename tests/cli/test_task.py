"""``orchestrate task``: the whole way from adding to done, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.cli.when import moment
from orchestrator.errors import UsageError
from tests.engine.conftest import Shop, shop

__all__ = ["shop"]

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.main)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")


def printed(capsys: Out, *arguments: str, status: int = 0) -> str:
    assert run(arguments) == status
    return capsys.readouterr().out


def value(capsys: Out, *arguments: str) -> Any:
    return json.loads(printed(capsys, *arguments, "--json"))


def test_a_task_from_adding_to_done(capsys: Out) -> None:
    assert printed(capsys, "task", "add", "an API", "--priority", "high") == "T-1  ready  an API\n"
    assert printed(capsys, "task", "claim", "T-1", "--instance", "backend") == (
        "T-1  assigned  backend  an API\n"
    )
    assert "ACTIVE" in printed(capsys, "instance", "list")
    for verb, status in [("start", "in_progress"), ("complete", "done")]:
        said = printed(capsys, "task", verb, "T-1", "--instance", "backend")
        assert said == f"T-1  {status}  backend  an API\n"
    shown = value(capsys, "task", "show", "T-1")
    assert (shown["status"], shown["created_by"], shown["possible"]) == ("done", "human:ada", [])
    assert "data" not in shown


def test_the_second_to_claim_gets_exit_status_10_and_the_holders_name(capsys: Out) -> None:
    printed(capsys, "task", "add", "an API")
    printed(capsys, "task", "claim", "T-1", "--instance", "backend")
    assert run(["task", "claim", "T-1", "--instance", "frontend"]) == 10
    assert "E373 T-1 is backend's" in capsys.readouterr().err


def test_blocking_proposing_declining_and_cancelling(capsys: Out) -> None:
    printed(capsys, "task", "add", "an API", "--assign", "backend")
    printed(capsys, "task", "block", "T-1", "--reason", "no access", "--instance", "backend")
    assert value(capsys, "task", "show", "T-1")["blocked_reason"] == "no access"
    printed(capsys, "task", "unblock", "T-1", "--instance", "backend")
    printed(capsys, "task", "add", "a page")
    said = printed(capsys, "task", "propose", "T-2", "--to", "frontend")
    assert said == "T-2  proposed  frontend  a page\n"
    printed(capsys, "task", "decline", "T-2", "--instance", "frontend", "--reason", "busy")
    inbox = value(capsys, "message", "inbox")
    assert [row["subject"] for row in inbox] == ["T-1 blocked: an API", "T-2 declined: a page"]
    assert value(capsys, "task", "cancel", "T-2")["status"] == "cancelled"
    printed(capsys, "task", "add", "another", "--depends", "T-1")
    printed(capsys, "task", "depend", "T-3", "--drop", "T-1")
    printed(capsys, "task", "propose", "T-3", "--to", "frontend")
    assert value(capsys, "task", "accept", "T-3", "--instance", "frontend")["status"] == "assigned"


def test_lists_show_who_has_what(capsys: Out) -> None:
    assert printed(capsys, "task", "list") == "no tasks\n"
    printed(capsys, "task", "add", "an API", "--due", "2030-01-02T03:04:00Z", "--file", "src/**")
    printed(capsys, "task", "add", "a page", "--priority", "critical", "--assign", "frontend")
    lines = printed(capsys, "task", "list").splitlines()
    assert lines[1].split()[:4] == ["T-2", "assigned", "critical", "frontend"]
    assert lines[2].split()[:4] == ["T-1", "ready", "medium", "backend?"]
    assert "2030-01-02 03:04 UTC" in lines[2]
    mine = value(capsys, "task", "list", "--mine", "--instance", "frontend")
    assert [row["id"] for row in mine] == ["T-2"]
    assert value(capsys, "task", "list", "--status", "ready")[0]["files"] == ["src/**"]


def test_suggestions_say_why(capsys: Out) -> None:
    printed(capsys, "task", "add", "a page", "--file", "ui/*")
    first = printed(capsys, "task", "suggest", "T-1").splitlines()[0]
    assert first.startswith("frontend  7  is responsible for ui/*; stands by")
    assert value(capsys, "task", "suggest", "T-1")[0]["fits"] is True


def test_a_missing_deliverable_is_named_and_nothing_changed(capsys: Out, tmp_path: Path) -> None:
    printed(capsys, "task", "add", "docs", "--deliverable", "/docs/api.md", "--assign", "backend")
    assert run(["task", "complete", "T-1", "--instance", "backend"]) == 1
    assert "E375 T-1 promises what is not there: docs/api.md" in capsys.readouterr().err
    assert value(capsys, "task", "show", "T-1")["status"] == "assigned"


def test_completing_with_ready_needs_the_notes(capsys: Out, tmp_path: Path) -> None:
    printed(capsys, "task", "add", "an API", "--assign", "backend")
    assert run(["task", "complete", "T-1", "--ready", "--instance", "backend"]) == 2
    assert "the notes lack" in capsys.readouterr().err
    assert run(["task", "complete", "T-1", "--notes", "x", "--instance", "backend"]) == 2


def test_completing_with_ready_hands_the_work_off(
    shop: Shop, capsys: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.conftest import NOTES

    notes = tmp_path / "notes.md"
    notes.write_text("".join(f"## {name}\n\n{text}\n\n" for name, text in NOTES.items()))
    printed(capsys, "task", "add", "an API", "--assign", "backend")
    shop.work({"src/new.txt": "new\n"})
    monkeypatch.chdir(shop.worktree("backend"))
    said = printed(capsys, "task", "complete", "T-1", "--ready", "--notes", str(notes))
    assert said.splitlines()[-1] == "it is done when H-1 has landed"
    assert shop.state() == "HANDOFF_READY"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "T-9"], 2, "E371 there is no task 'T-9'"),
        (["add", " "], 2, "E377 the title is empty"),
        (["add", "x", "--depends", "T-9"], 2, "E371"),
        (["add", "x", "--deliverable", "../x"], 2, "E376"),
        (["add", "x", "--due", "tomorrow"], 2, "'tomorrow' is no time"),
        (["add", "x", "--priority", "urgent"], 2, "'urgent'"),
        (["add", "x", "--assign", "nobody"], 2, "E304"),
    ],
)
def test_bad_input_is_a_clear_error(
    capsys: Out, arguments: list[str], status: int, said: str
) -> None:
    assert run(["task", *arguments]) == status
    assert said in capsys.readouterr().err
    assert printed(capsys, "task", "list") == "no tasks\n"


def test_a_repeated_call_with_the_same_key_adds_one(capsys: Out) -> None:
    for _ in range(2):
        assert value(capsys, "task", "add", "x", "--key", "k1")["id"] == "T-1"
    assert len(value(capsys, "task", "list")) == 1


def test_times_are_spans_or_rfc_3339() -> None:
    assert moment("2h", 1000) == 7_201_000
    assert moment("1970-01-01T00:00:05Z") == moment("1970-01-01T00:00:05") == 5000
    assert moment("1970-01-01T02:00:05+02:00") == 5000
    for text in ("", "0h", "-2h", "2y", "x", "99999-01-01"):
        with pytest.raises(UsageError):
            moment(text)
