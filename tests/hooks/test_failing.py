"""When a hook cannot do its work: an edit is refused, everything else goes on."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.cli import hooks as commands
from orchestrator.cli.main import run
from orchestrator.engine.project import Project, put
from orchestrator.hooks import driver, failing
from orchestrator.hooks import log as hook_log
from orchestrator.hooks.place import Place
from orchestrator.hooks.request import Request
from orchestrator.store.errors import Busy
from orchestrator.store.gate import Gate
from tests.conftest import MakeRepo, commit
from tests.hooks.client import Client
from tests.hooks.conftest import CONFIG, NewClient


def state(repo: Path) -> Path:
    return repo / ".git" / "orchestrator"


def damage(repo: Path) -> None:
    file = state(repo) / "state.db"
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    file.write_bytes(b"no database at all" * 1000)


def test_a_damaged_store_refuses_edits_and_lets_the_shell_mend_it(
    repo: Path, client: NewClient
) -> None:
    one = client("one")
    damage(repo)
    said = one.asks("src/a.py")
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert "orchestrate doctor --fix" in said.err
    for quiet in (one.runs("true")[0], one.send("Stop"), one.send("SessionEnd", reason="other")):
        assert quiet.status == 0
        assert quiet.out == ""


def test_a_start_with_a_damaged_store_says_so_once(repo: Path) -> None:
    damage(repo)
    said = Client(repo, "s").start()
    assert said.status == 0
    assert "orchestrate doctor --fix" in said.json["systemMessage"]


def test_warn_lets_the_edit_through_with_a_notice(repo: Path, client: NewClient) -> None:
    commit(repo, {"config/orchestrate.yaml": f"{CONFIG}hooks: {{on_failure: warn}}\n"})
    Project.open(repo).store.close()
    one = client("one")
    project = Project.open(repo)
    project.store.write(lambda tx: put(tx, "chain", "unreadable"))
    said = one.asks("src/a.py")
    assert said.status == 0
    assert "let through" in said.json["systemMessage"]


def test_the_deadline_is_before_the_clients_own(repo: Path, client: NewClient) -> None:
    one = client("one")
    with (state(repo) / "gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        said = one.asks("src/a.py")
    assert said.status == 2
    assert "no answer after 4 s" in said.err


def test_a_lost_store_is_not_begun_anew(repo: Path, client: NewClient) -> None:
    one = client("one")
    one.send("SessionEnd", reason="other")
    assert (state(repo) / "state.db.good").exists()
    for file in state(repo).glob("state.db*"):
        if not file.name.endswith(".good"):
            file.unlink()
    assert "doctor --fix" in one.asks("src/a.py").err
    assert not (state(repo) / "state.db").exists()


def test_a_repository_that_does_not_use_it_hears_nothing(make_repo: MakeRepo) -> None:
    repo = make_repo()
    one = Client(repo, "s")
    assert one.start().silent
    assert one.asks("a.py").silent
    assert not state(repo).exists()


def test_outside_a_repository_nothing_happens(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    assert Client(folder, "s").asks("a.py").silent


def test_a_configured_repository_without_a_store_says_how_to_begin(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": CONFIG})
    one = Client(repo, "s")
    assert "orchestrate instance list" in one.start().json["systemMessage"]
    assert one.asks("a.py").silent


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"{}", b'"PostToolUse"', b"\xff\xfe{"])
def test_what_is_no_event_is_no_reason_to_stop(client: NewClient, raw: bytes) -> None:
    assert client("one").raw(raw).silent


def test_a_broken_event_of_an_edit_is_refused(client: NewClient) -> None:
    one = client("one")
    whole = json.dumps(one.payload("PreToolUse", tool_name="Write", tool_input={})).encode()
    said = one.raw(whole[:-10])
    assert said.status == 2
    assert "could not tell" in said.err


def test_a_broken_installation_refuses_edits_only(repo: Path, tmp_path: Path) -> None:
    root = tmp_path / "broken" / "orchestrator" / "hooks"
    root.mkdir(parents=True)
    from tests.hooks.client import ENTRY, PYTHON

    shutil.copy(ENTRY, root)
    for event, status in (("PreToolUse", 2), ("Stop", 0)):
        done = subprocess.run(
            [PYTHON, "-I", "-S", str(root / "entry.py"), "claude-code"],
            input=json.dumps({"hook_event_name": event, "tool_name": "Write"}).encode(),
            capture_output=True, cwd=repo,
        )  # fmt: skip
        assert done.returncode == status, done.stderr


def test_the_log_has_one_line_a_call_and_stays_short(repo: Path, client: NewClient) -> None:
    one = client("one")
    one.asks("src/a.py")
    one.asks("src/a\tb\n.py")
    lines = (state(repo) / hook_log.FILE).read_text().splitlines()
    assert len(lines) == 3
    assert all(len(line.split("\t")) == len(hook_log.FIELDS) for line in lines)
    assert lines[1].split("\t")[1:3] == ["PreToolUse", "Write"]
    with (state(repo) / hook_log.FILE).open("a") as file:
        file.write("x" * 1024 * 1024 + "\n")
    one.asks("src/a.py")
    one.asks("src/a.py")
    assert (state(repo) / hook_log.OLD).stat().st_size > 1024 * 1024
    assert len((state(repo) / hook_log.FILE).read_text().splitlines()) == 1


def test_a_full_log_is_put_away_once_also_when_two_see_it(tmp_path: Path) -> None:
    path, old = tmp_path / hook_log.FILE, tmp_path / hook_log.OLD
    path.write_text("full\n")
    with path.open("a") as one, path.open("a") as other:
        hook_log._put_away(one.fileno(), str(path), str(old))
        path.write_text("new\n")
        fcntl.flock(one, fcntl.LOCK_UN)
        hook_log._put_away(other.fileno(), str(path), str(old))
    assert (old.read_text(), path.read_text()) == ("full\n", "new\n")


def test_the_log_is_followed_across_being_put_away_and_searched(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = state(repo)
    path = folder / hook_log.FILE
    path.write_text("before\n")
    coming = iter(commands._coming(folder))
    waits = iter((lambda: _add(path, "one\n"), lambda: _turn(folder), lambda: None))
    monkeypatch.setattr("time.sleep", lambda _: next(waits)())
    assert [next(coming) for _ in range(3)] == ["one", "late", "new"]
    monkeypatch.chdir(repo)
    assert run(["hooks", "log", "--grep", "src/none.py"]) == 0
    assert "no line of" in capsys.readouterr().err


def _add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _turn(folder: Path) -> None:
    _add(folder / hook_log.FILE, "late\n")
    (folder / hook_log.FILE).rename(folder / hook_log.OLD)
    (folder / hook_log.FILE).write_text("new\n")


def test_no_library_is_imported_on_the_common_paths(repo: Path, client: NewClient) -> None:
    """Checked in the interpreter itself: what it has loaded when it leaves."""
    one = client("one")
    from tests.hooks.client import ENTRY, PYTHON

    show = (
        "import sys, posix; sys.path.insert(0, sys.argv[1]); from orchestrator.hooks import run\n"
        "def leave(out, err, status):\n"
        "    posix.write(1, ' '.join(sorted(sys.modules)).encode()); posix._exit(0)\n"
        "run._leave = leave; run.main(['entry', 'claude-code'])"
    )
    given = {"file_path": str(repo / "src/a.py"), "content": "x"}
    events = [
        one.payload("PreToolUse", tool_name="Write", tool_input=given, tool_use_id="t"),
        one.payload("PostToolUse", tool_name="Write", tool_input=given, tool_use_id="t"),
        one.payload("Stop", stop_hook_active=False),
        one.payload("UserPromptSubmit", prompt="x"),
    ]
    for event in events:
        done = subprocess.run(
            [PYTHON, "-I", "-S", "-c", show, str(ENTRY.parents[2])],
            input=json.dumps(event).encode(), capture_output=True, cwd=repo,
        )  # fmt: skip
        loaded = set(done.stdout.decode().split())
        heavy = {"typing", "dataclasses", "pathlib", "json", "re", "os", "functools", "sqlite3"}
        assert "_sqlite3" in loaded, done.stderr
        assert loaded & heavy == set(), event["hook_event_name"]


def test_git_is_never_started_by_the_question(repo: Path, client: NewClient) -> None:
    one = client("one")
    blind = Client(repo, one.session, variables={"PATH": "/nowhere"})
    assert blind.asks("src/a.py").silent


def test_the_log_is_printed_searched_and_given_to_programs(
    repo: Path,
    client: NewClient,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestrator.cli.main import run

    monkeypatch.chdir(repo)
    assert run(["hooks", "log"]) == 0
    assert "no hook has run here yet" in capsys.readouterr().err
    one = client("one")
    one.asks("src/a.py")
    one.asks("src/b.py")
    assert run(["hooks", "log", "--grep", "src/b.py", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["answer"], told["session"]) == ("PreToolUse", "ok", one.session)
    assert told["ms"] > 0
    assert run(["hooks", "log", "-n", "1"]) == 0
    assert "src/b.py" in capsys.readouterr().out


def test_a_session_of_one_prompt_is_not_kept_waiting_for_news(client: NewClient) -> None:
    """``claude -p`` ends only when all of its hooks have ended."""
    one = client("one")
    from tests.hooks.client import ENTRY, PYTHON

    done = subprocess.run(
        [PYTHON, "-I", "-S", str(ENTRY.with_name("wake.py")), "claude-code"],
        input=json.dumps(one.payload("Stop")).encode(),
        env={"CLAUDE_CODE_ENTRYPOINT": "sdk-cli", "CLAUDE_PID": str(one.pid)},
        cwd=one.cwd,
        timeout=20,
    )
    assert done.returncode == 0


def test_what_failed_lets_go_of_the_gate_before_it_asks_what_to_do(repo: Path) -> None:
    """Otherwise it would wait for itself, and its deadline is not far away."""
    gate = Gate(state(repo) / "gate", wait=0)
    driver.lock(str(gate.path))
    with pytest.raises(Busy), gate:
        pass
    place = Place(str(repo), str(repo), str(repo / ".git"))
    request = Request("claude-code", event="PreToolUse", tool="Write")
    assert failing.answer(request, place, ValueError("no")).kind == "fail"
    with gate:
        pass
    gate.close()
