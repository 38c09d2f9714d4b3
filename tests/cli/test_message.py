"""``orchestrate message``: sent, read, answered, and shown without harm."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from orchestrator.cli.main import run
from tests.engine.conftest import Shop, shop

__all__ = ["shop"]

Out = pytest.CaptureFixture[str]
AS_BACKEND = ("--instance", "backend")
AS_FRONTEND = ("--instance", "frontend")


@pytest.fixture(autouse=True)
def _here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.main)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")


def printed(capsys: Out, *arguments: str, status: int = 0) -> str:
    assert run(["message", *arguments]) == status
    return capsys.readouterr().out


def value(capsys: Out, *arguments: str) -> Any:
    return json.loads(printed(capsys, *arguments, "--json"))


def ask(capsys: Out, to: str = "frontend") -> None:
    printed(capsys, "send", to, "--subject", "colour?", "--type", "question", *AS_BACKEND)


def test_a_question_from_asking_to_closing(capsys: Out) -> None:
    ask(capsys)
    inbox = printed(capsys, "inbox", *AS_FRONTEND)
    assert "M-1  backend → frontend" in inbox
    assert "colour?  (question, medium)" in inbox
    assert "wants an answer: orchestrate message reply M-1 --body …" in inbox
    assert printed(capsys, "reply", "M-1", "--body", "red", *AS_FRONTEND) == "M-2  to backend\n"
    assert printed(capsys, "inbox", *AS_FRONTEND) == "nothing new for frontend\n"
    assert "    red\n" in printed(capsys, "inbox", *AS_BACKEND)
    assert printed(capsys, "ack", "M-2", *AS_BACKEND) == "M-1  acknowledged\n"
    assert printed(capsys, "close", "M-1", *AS_BACKEND) == "M-1  closed\n"
    assert run(["message", "reply", "M-1", "--body", "late", *AS_FRONTEND]) == 13


def test_only_the_asker_closes_its_thread(capsys: Out) -> None:
    ask(capsys)
    assert run(["message", "close", "M-1", *AS_FRONTEND]) == 1
    assert "E378 thread M-1 was opened by backend, not frontend" in capsys.readouterr().err


def test_a_human_without_a_name_writes_as_themselves(capsys: Out) -> None:
    sent = value(capsys, "send", "all", "--subject", "hello")
    assert (sent["sender"], sent["reached"]) == (
        "human:ada", ["backend", "coordinator", "frontend"],
    )  # fmt: skip
    printed(capsys, "reply", "M-1", "--body", "hi", *AS_BACKEND)
    assert [row["body"] for row in value(capsys, "inbox")] == ["hi"]


def test_what_reaches_nobody_is_said_with_exit_status_1_and_kept(capsys: Out) -> None:
    assert run(["message", "send", "backendd", "--subject", "x"]) == 1
    out, err = capsys.readouterr()
    assert out == "M-1  to nobody\n"
    assert "undeliverable: backendd: there is no instance 'backendd'; did you mean backend?" in err
    assert "undeliverable: there is no instance" in printed(capsys, "list", "--sent")


def test_the_list_says_where_messages_got_to(capsys: Out) -> None:
    assert printed(capsys, "list") == "no messages\n"
    ask(capsys)
    assert "frontend: not delivered yet" in printed(capsys, "list", "--sent", *AS_BACKEND)
    printed(capsys, "inbox", *AS_FRONTEND)
    assert "frontend: read 20" in printed(capsys, "list", "--sent", *AS_BACKEND)
    printed(capsys, "reply", "M-1", "--body", "red", *AS_FRONTEND)
    assert "frontend: answered 20" in printed(capsys, "show", "M-1", *AS_BACKEND)
    assert [row["id"] for row in value(capsys, "list", *AS_FRONTEND)] == ["M-1"]
    assert value(capsys, "list", "--all")[0]["overdue"] == []
    assert len(value(capsys, "show", "M-2", *AS_BACKEND)) == 2


def test_a_late_answer_is_said(capsys: Out) -> None:
    due = ("--due", "2020-01-01T00:00:00Z")
    printed(capsys, "send", "frontend", "--subject", "x", *due, *AS_BACKEND)
    assert "the answer is overdue" in printed(capsys, "list", "--sent", *AS_BACKEND)


def test_control_characters_are_shown_and_kept(capsys: Out) -> None:
    wild = "red\x1b[2J\r\x0bgone"
    printed(capsys, "send", "frontend", "--subject", "\x1b]0;x\x07", "--body", wild, *AS_BACKEND)
    shown = printed(capsys, "inbox", *AS_FRONTEND)
    assert "\x1b" not in shown
    assert "red\\x1b[2J\\r\\x0bgone" in shown
    assert value(capsys, "inbox", "--all", *AS_FRONTEND)[0]["body"] == wild


def test_the_body_is_read_from_standard_input(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    feed("line one\nzwei ü\n".encode())
    sent = value(capsys, "send", "backend", "--subject", "x", "--body", "-")
    assert sent["body"] == "line one\nzwei ü\n"
    feed(b"x" * 70_000)
    assert run(["message", "send", "backend", "--subject", "x", "--body", "-"]) == 2
    assert "E377 the body has 65537 bytes" in capsys.readouterr().err
    feed(b"\xff")
    assert run(["message", "send", "backend", "--subject", "x", "--body", "-"]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_a_related_task_has_to_exist(capsys: Out) -> None:
    assert run(["message", "send", "backend", "--subject", "x", "--task", "T-1"]) == 2
    assert "E371 there is no task 'T-1'" in capsys.readouterr().err


def test_a_repeated_call_with_the_same_key_sends_one(capsys: Out) -> None:
    for _ in range(2):
        sent = value(capsys, "send", "backend", "--subject", "x", "--key", "k1")
        assert (sent["id"], sent["reached"]) == ("M-1", ["backend"])
    assert len(value(capsys, "list", "--all")) == 1


def test_a_client_of_whom_it_cannot_be_told_names_its_instance(
    capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert run(["message", "inbox"]) == 2
    assert "E311" in capsys.readouterr().err
