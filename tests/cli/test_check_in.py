"""``check-in``, ``heartbeat``, ``check-out``, ``cleanup`` as sessions call them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.engine.notes import FIELDS
from orchestrator.store.port import Row
from orchestrator.store.sqlite import SqliteStore, open_store
from tests.conftest import MakeRepo, commit, git

CONFIG = """\
version: 1
project: shop
instances:
  coordinator: {role: INTEGRATION_COORDINATION}
  backend: {role: BACKEND, file_patterns: ["src/**"], worktree: ../backend}
  frontend: {role: FRONTEND, file_patterns: ["ui/**"], expertise: [react]}
layers:
  code: {paths: ["src/**"]}
"""
ON_THE_SPOT = re.compile(r"claude-\d{8}-\d{6}-[0-9a-f]{8}")


@pytest.fixture
def main(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG, "src/a.py": "a\n"}, "main")
    git(folder, "worktree", "add", "-q", "-b", "backend", "../backend")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def store(main: Path) -> Iterator[SqliteStore]:
    made = open_store(main / ".git" / "orchestrator")
    yield made
    made.close()


@pytest.fixture
def call(main: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command with ``--json``; what it printed."""

    def calling(*arguments: str, status: int = 0) -> Any:
        found = run([*arguments, "--json"])
        out, err = capsys.readouterr()
        assert found == status, err
        return json.loads(out) if out else err

    return calling


def rows(store: SqliteStore, table: str, **where: Any) -> list[Row]:
    return store.read(lambda reader: reader.find(table, where))


def one(store: SqliteStore, table: str, **where: Any) -> Row:
    (row,) = rows(store, table, **where)
    return row


def test_two_sessions_in_one_checkout_are_two_instances(call: Any) -> None:
    first, second = (call("check-in", "--session", name)["instance"] for name in ("s-1", "s-2"))
    assert ON_THE_SPOT.fullmatch(first) and ON_THE_SPOT.fullmatch(second)
    assert first != second


def test_a_worktree_of_an_instance_makes_its_session_that_instance(
    call: Any, main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(main.parent / "backend")
    assert call("check-in", "--session", "s-1")["instance"] == "backend"
    assert ON_THE_SPOT.fullmatch(call("check-in", "--session", "s-2")["instance"])
    assert call("check-in", "--session", "s-1")["instance"] == "backend"


def test_a_session_may_name_its_instance(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("check-in", "--session", "s-1", "--instance", "frontend")["instance"] == "frontend"
    monkeypatch.setenv("ORCHESTRATE_INSTANCE", "backend")
    assert call("check-in", "--session", "s-2")["instance"] == "backend"


def test_one_live_session_an_instance(call: Any) -> None:
    call("check-in", "--session", "s-1", "--instance", "frontend")
    said = call("check-in", "--session", "s-2", "--instance", "frontend", status=10)
    assert said.startswith("E353 frontend is occupied by another live session")


def test_a_name_nobody_has_needs_a_role(call: Any) -> None:
    said = call("check-in", "--session", "s-1", "--instance", "fronted", status=2)
    assert 'did you mean "frontend"?' in said
    made = call("check-in", "--session", "s-1", "--instance", "docs", "--role", "WRITING")
    assert (made["instance"], made["briefing"]["role"]) == ("docs", "WRITING")
    assert "E355" in call(
        "check-in", "--session", "x", "--instance", "a b", "--role", "R", status=2
    )


def test_the_clients_own_session_is_used_with_its_process(
    call: Any, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-1")
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    call("check-in")
    row = one(store, "sessions")
    assert (row["id"], row["pid"], row["client"]) == ("c-1", os.getpid(), "claude")
    assert "E001 this client's session is 'c-1'" in call("check-in", "--session", "x", status=2)


def test_without_a_client_the_pid_is_unknown_and_the_session_is_made(
    main: Path, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check-in"]) == 0
    out, err = capsys.readouterr()
    row = one(store, "sessions")
    assert (row["pid"], row["client"]) == (None, "terminal")
    assert err == f"keep this session: export ORCHESTRATE_SESSION={row['id']}\n"
    assert out == f"{row['instance']}  GENERAL  STANDBY\nnothing waits for you\n"


def test_what_a_session_offers_and_does_is_shown(call: Any) -> None:
    offered = ("--expertise", "sql", "--specialization", "queries", "--no-consultation")
    work = ("--instance", "frontend", "--task", "mend the login")
    call("check-in", "--session", "s-1", *work, *offered)
    call("check-in", "--session", "s-1", "--agent", "a1")
    shown = call("instance", "show", "frontend")
    assert {key: shown[key] for key in SHOWN} == SHOWN
    listed = {row["id"]: row for row in call("instance", "list")}
    assert listed["frontend"]["available_for_consultation"] is False
    assert listed["backend"]["available_for_consultation"] is None


SHOWN = {
    "session": "s-1",
    "client": "unknown",
    "role": "FRONTEND",
    "state": "ACTIVE",
    "task": "mend the login",
    "branch": "main",
    "specializations": ["queries"],
    "expertise": ["react", "sql"],
    "available_for_consultation": False,
    "agents": ["a1"],
}


def test_the_task_may_be_said_again_and_differently(call: Any, store: SqliteStore) -> None:
    for task in ("one", "one", "two"):
        call("check-in", "--session", "s-1", "--instance", "backend", "--task", task)
    assert one(store, "instances", id="backend")["task"] == "two"
    kinds = [row["kind"] for row in rows(store, "events", instance="backend")]
    assert kinds == ["session.start", "instance.assign", "instance.task"]


def test_what_was_told_is_not_told_again(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(["assign", "backend", "--task", "t"])
    capsys.readouterr()
    arguments = ("check-in", "--session", "s-1", "--instance", "backend")
    assert [e["kind"] for e in call(*arguments)["briefing"]["events"]["items"]] == [
        "instance.assign"
    ]
    assert call(*arguments)["briefing"]["events"]["items"] == []
    call("check-out", "--session", "s-1")
    again = call("check-in", "--session", "s-2", "--instance", "backend")
    assert again["briefing"]["events"]["items"] == []


def test_a_told_message_is_delivered(call: Any, store: SqliteStore) -> None:
    def send(tx: Any) -> None:
        tx.insert("messages", {"id": "M-1", "status": "open", "subject": "hello", "sender": "x"})
        tx.insert("receipts", {"message": "M-1", "instance": "backend"})

    store.write(send)
    told = call("check-in", "--session", "s-1", "--instance", "backend")
    assert [item["id"] for item in told["briefing"]["messages"]["items"]] == ["M-1"]
    assert one(store, "receipts")["delivered_at"] is not None


def test_a_heartbeat_renews_the_leases_of_the_session(call: Any, store: SqliteStore) -> None:
    call("check-in", "--session", "s-1", "--instance", "backend")
    soon = store.read(lambda reader: reader.now) + 1000
    lease = {"id": "L-1", "session": "s-1", "instance": "backend", "status": "held", "fence": 1}
    where = {"kind": "file", "path": "src/a.py", "prefix": "src/a.py", "mode": "exclusive"}
    store.write(lambda tx: tx.insert("leases", {**lease, **where, "expires_at": soon}))
    before = store.read(lambda reader: reader.count("events"))
    assert call("heartbeat", "--session", "s-1")["leases"] == 1
    assert one(store, "leases")["expires_at"] > soon
    assert store.read(lambda reader: reader.count("events")) == before


def test_checking_out_vacates_the_instance_and_forgets_the_token(
    call: Any, store: SqliteStore, main: Path
) -> None:
    call("check-in", "--session", "s-1", "--instance", "backend")
    token = main / ".git/orchestrator/tokens/s-1"
    assert token.stat().st_mode & 0o777 == 0o600
    ended = call("check-out", "--session", "s-1", "--reason", "lunch")
    assert ended == {"session": "s-1", "instance": "backend", "leases": 0, "tasks": []}
    assert one(store, "instances", id="backend")["session"] is None
    assert not token.exists()
    assert "E354" in call("heartbeat", "--session", "s-1", status=13)
    assert call("check-in", "--session", "s-2", "--instance", "backend")["instance"] == "backend"


def test_an_ended_session_comes_back_as_who_it_was(call: Any) -> None:
    name = call("check-in", "--session", "s-1")["instance"]
    call("check-out", "--session", "s-1")
    assert name not in [row["id"] for row in call("instance", "list")]
    assert call("check-in", "--session", "s-1")["instance"] == name


def test_a_wrong_token_is_refused_and_recorded(
    call: Any, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("check-in", "--session", "s-1", "--instance", "backend")
    monkeypatch.setenv("ORCHESTRATE_TOKEN", "wrong")
    for command in ("heartbeat", "check-out", "check-in"):
        assert "E352" in call(command, "--session", "s-1", status=1)
    monkeypatch.setenv("ORCHESTRATE_SESSION", "s-1")
    assert run(["withdraw", "--instance", "backend"]) == 1
    assert len(rows(store, "events", kind="session.refused")) == 4
    assert one(store, "sessions")["ended_at"] is None


def test_a_command_without_a_session_says_how_to_get_one(call: Any) -> None:
    assert "orchestrate check-in" in call("heartbeat", status=2)


def test_cleanup_ends_what_is_known_dead_and_nothing_else(
    call: Any, monkeypatch: pytest.MonkeyPatch, main: Path
) -> None:
    client = subprocess.Popen(["sleep", "600"])
    monkeypatch.setenv("CLAUDE_PID", str(client.pid))
    call("check-in", "--session", "s-1", "--instance", "backend")
    monkeypatch.delenv("CLAUDE_PID")
    call("check-in", "--session", "s-2", "--instance", "frontend")
    assert call("cleanup") == {"sessions": []}
    client.kill()
    client.wait()
    assert [ended["session"] for ended in call("cleanup")["sessions"]] == ["s-1"]
    assert call("cleanup") == {"sessions": []}
    assert [path.name for path in (main / ".git/orchestrator/tokens").iterdir()] == ["s-2"]


def test_a_client_that_comes_back_after_a_crash_keeps_what_it_held(
    call: Any, monkeypatch: pytest.MonkeyPatch, store: SqliteStore
) -> None:
    client = subprocess.Popen(["sleep", "600"])
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-1")
    monkeypatch.setenv("CLAUDE_PID", str(client.pid))
    call("check-in", "--instance", "backend", "--task", "t")
    client.kill()
    client.wait()
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    back = call("check-in")
    assert (back["instance"], back["briefing"]["task"], back["cleaned"]) == ("backend", "t", [])


@pytest.mark.slow
def test_of_twenty_processes_one_gets_the_instance(main: Path, store: SqliteStore) -> None:
    store.close()
    command = [sys.executable, "-m", "orchestrator", "check-in", "--instance", "backend"]
    racing = [
        subprocess.Popen([*command, "--session", f"s-{n}"], stdout=-3, stderr=-3) for n in range(20)
    ]
    statuses = sorted(process.wait() for process in racing)
    assert statuses == [0, *[10] * 19]


NOTES = "\n".join(f"## {heading}\n\nsomething\n" for heading in FIELDS)


def test_a_call_with_a_clients_session_registers_it_silently(
    main: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["assign", "backend", "--task", "t"])
    commit(main.parent / "backend", {"src/a.py": "b\n"})
    monkeypatch.chdir(main.parent / "backend")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-1")
    (main / "notes.md").write_text(NOTES)
    assert run(["ready", "--notes", str(main / "notes.md")]) == 0
    assert one(store, "sessions")["instance"] == "backend"
    assert (main / ".git/orchestrator/tokens/c-1").exists()
    assert run(["withdraw"]) == 0


def test_a_refused_call_registers_nobody(
    main: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-1")
    assert run(["withdraw", "--instance", "backend"]) == 2
    assert rows(store, "sessions") == []


def test_a_lost_token_is_issued_again_to_the_client_itself_only(
    call: Any, main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = main / ".git/orchestrator/tokens/c-1"
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-1")
    call("check-in")
    token.unlink()
    assert "E352" in call("check-in", status=1)
    assert not token.exists()
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "c-2")
    monkeypatch.setenv("CLAUDE_PID", str(os.getppid()))
    call("check-in")
    token.with_name("c-2").write_text("half")
    call("check-in")
    assert token.with_name("c-2").read_text() != "half"
    call("heartbeat")


def test_a_token_a_killed_registration_left_behind_does_no_harm(call: Any, main: Path) -> None:
    folder = main / ".git/orchestrator/tokens"
    folder.mkdir(parents=True)
    (folder / "s-1").write_text("never committed")
    call("check-in", "--session", "s-1")
    assert (folder / "s-1").read_text() != "never committed"
    call("heartbeat", "--session", "s-1")


def test_where_no_token_can_be_kept_nobody_is_registered(
    call: Any, main: Path, store: SqliteStore
) -> None:
    (main / ".git/orchestrator/tokens").touch()
    said = call("check-in", "--session", "s-1", status=3)
    assert "cannot keep a token in" in said
    assert rows(store, "sessions") == []


@pytest.mark.parametrize("option", ["--task", "--role", "--expertise", "--specialization"])
@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * 4096])
def test_what_is_no_line_of_text_is_refused(call: Any, option: str, text: str) -> None:
    assert "E377" in call("check-in", "--session", "s-1", option, text, status=2)


@pytest.mark.parametrize("session", ["", "a b", "\x1b[2J", "x" * 201])
def test_what_is_no_session_id_is_refused(call: Any, session: str) -> None:
    if session:
        assert "E351" in call("check-in", "--session", session, status=2)
    assert "E351" in call("check-in", "--session", "s-1", "--agent", session, status=2)


def test_what_others_wrote_steers_no_terminal(
    call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    work = ("--role", "\x1b[2J", "--task", 'a "b" \x1b]0;x\x07')
    call("check-in", "--session", "s-1", "--instance", "evil", *work)
    run(["instance", "list"])
    run(["instance", "show", "evil"])
    run(["check-in", "--session", "s-1"])
    assert "\x1b" not in capsys.readouterr().out
