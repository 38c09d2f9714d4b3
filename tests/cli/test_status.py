"""``orchestrate status``: the same facts for people and programs, from the store or a file."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.store.sqlite import SqliteStore, open_store
from orchestrator.testing import ManualClock
from tests.conftest import MakeRepo
from tests.status.conftest import CONFIG, at_work, insert, update


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def shop(repo: Path) -> SqliteStore:
    """A store with three instances, one at work, one question and one run."""
    store = open_store(repo / ".git" / "orchestrator", clock=ManualClock())
    insert(store, "meta", {"name": "config", "value": json.dumps(CONFIG.to_json())})
    at_work(store, "frontend", "STANDBY")
    at_work(store, "backend", "VERIFICATION", "H-1")
    update(store, "instances", "backend", task="search\x1b[2J")
    run_ = {"id": "R-1", "handoff": "H-1", "status": "done", "verdict": "unknown"}
    insert(store, "runs", {**run_, "attempt": 1, "started_at": 0, "ended_at": 1500})
    question = {"id": "ESC-1", "type": "decision", "handoff": "H-1", "instance": "backend"}
    asked = {"status": "open", "question": "Is slower fine?", "reason": "benchmark inconclusive"}
    insert(store, "escalations", {**question, **asked, "level": 0, "opened_at": 0})
    store.close()
    return store


SCREEN = """\
session-shop-DATE  human decision required  no coordinator

instance  state         handoff  client   task
backend   VERIFICATION  H-1      unknown  search\\x1b[2J
frontend  STANDBY       –        unknown  –
lead      STANDBY       –        unknown  –

ESC-1 needs an answer (open): Is slower fine?
    H-1 backend: benchmark inconclusive
    orchestrate escalation show ESC-1

latest runs
    R-1  H-1  unknown  1.5 s  1970-01-01T00:00:00.000Z

! backend waits, but no coordinator runs: orchestrate watch
"""


def shown(text: str) -> str:
    """Without the spaces at the ends of lines and the date of today."""
    lines = [line.rstrip() for line in text.splitlines()]
    first, _, rest = lines[0].partition("  ")
    return "\n".join([f"{first[:-10]}DATE  {rest}", *lines[1:]]) + "\n"


def test_the_screen_shows_who_does_what_and_what_needs_an_answer(
    shop: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status"]) == 0
    assert shown(capsys.readouterr().out) == SCREEN


def test_json_is_the_document_and_nothing_else(
    shop: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["instances"]["backend"]["state"] == "VERIFICATION"
    assert err == ""


def test_from_answers_from_the_document_alone_and_says_how_old_it_is(
    shop: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run(["status", "--json"])
    document = json.loads(capsys.readouterr().out)
    document["generatedAt"] = "2026-01-01T00:00:00.000Z"
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    Path("status.json").write_text(json.dumps(document))
    monkeypatch.setattr("time.time_ns", lambda: 1_767_225_600_000_000_000 + 300 * 10**9)
    assert run(["status", "--from", "status.json"]) == 0
    out, err = capsys.readouterr()
    assert shown(out) == SCREEN
    assert err == "status.json: revision 0, written 5 min ago\n"
    assert run(["status", "--from", "status.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document


def document_with(time: str) -> str:
    """Something like a document, with nothing in it."""
    parts = '"coordinationSession": {}, "instances": {}, "health": {}'
    return f'{{"schemaVersion": 1, "generatedAt": {time}, {parts}}}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "E212 cannot read f: No such file or directory"),
        ("{", "E212 f is not JSON"),
        ("[]", "E212 f is not a status document"),
        ('{"instances": {}}', "E212 f is not a status document"),
        (
            document_with("5"),
            "E212 f: generatedAt is no time",
        ),
        (
            document_with('"2026-01-01T00:00:00.000Z"'),
            "E212 the status document lacks",
        ),
    ],
)
def test_a_file_that_is_no_document_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    content: str | None, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("f").write_text(content)
    assert run(["status", "--from", "f"]) == 2
    assert said in capsys.readouterr().err


def test_looking_at_a_project_without_a_store_makes_none_and_says_what_to_do(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status"]) == 0
    out = capsys.readouterr().out
    assert "nobody is known here yet" in out
    assert "next: orchestrate init" in out
    assert not (repo / ".git" / "orchestrator").exists()
    assert run(["status", "--watch"]) == 0


def test_outside_a_repository_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["status"]) == 2
    assert "E402" in capsys.readouterr().err


def test_a_corrupt_store_is_said_with_the_way_out(
    shop: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.path.write_bytes(b"x" * 9000)
    assert run(["status"]) == 3
    err = capsys.readouterr().err
    assert "E203" in err
    assert "hint: orchestrate doctor --fix" in err


def test_every_worktree_sees_the_same_store(
    shop: SqliteStore, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = tmp_path / "backend"
    subprocess.run(["git", "worktree", "add", "-q", str(place), "-b", "work"], cwd=repo, check=True)
    monkeypatch.chdir(place)
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["instances"]["backend"]["handoff"] == "H-1"


def watched(repo: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestrator", "status", "--watch", *options]
    return subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE, text=True)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 30)[0]
    return process.stdout.readline()


def test_watch_prints_a_document_per_change_where_there_is_no_terminal(
    shop: SqliteStore, repo: Path
) -> None:
    process = watched(repo, "--json")
    try:
        first = json.loads(next_line(process))
        assert first["instances"]["backend"]["state"] == "VERIFICATION"
        update(shop, "instances", "backend", state="APPROVED", version=2)
        assert json.loads(next_line(process))["instances"]["backend"]["state"] == "APPROVED"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_watch_is_a_live_screen_on_a_terminal_and_ends_cleanly(
    shop: SqliteStore, repo: Path
) -> None:
    control, terminal = os.openpty()
    command = [sys.executable, "-m", "orchestrator", "status", "--watch"]
    world = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=repo, stdout=terminal, env=world)
    os.close(terminal)
    try:
        until_shown(control, b"VERIFICATION")
        update(shop, "instances", "backend", state="APPROVED", version=2)
        until_shown(control, b"APPROVED")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(control)


def until_shown(control: int, text: bytes) -> None:
    """Read a terminal until ``text`` was shown there."""
    shown = b""
    while text not in shown:
        assert select.select([control], [], [], 30)[0], shown
        shown += os.read(control, 65536)


def test_watch_and_from_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--watch", "--from", "x"]) == 2
    assert "--watch follows the store" in capsys.readouterr().err


HEAVY = "yaml jsonschema jsonschema_rs transitions pluggy cel grimp griffe junitparser"


def test_status_imports_nothing_heavy(shop: SqliteStore, repo: Path) -> None:
    script = (
        "import sys\nfrom orchestrator.cli.main import run\nassert run(['status']) == 0\n"
        f"print([m for m in '{HEAVY}'.split() if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repo, capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
