"""``orchestrate lease`` and ``owns``: what is printed, and the exit statuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from tests.conftest import MakeRepo

CONFIG = """\
version: 1
project: shop
coordinator: {instance: coordinator}
instances:
  coordinator: {role: C, file_patterns: ["docs/**"]}
  backend: {role: B, file_patterns: ["src/**"], priority: 5}
  frontend: {role: F, file_patterns: ["ui/**"]}
layers:
  code: {paths: ["src/**"]}
"""


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG, "src/a.py": "a\n", "ui/b.py": "b\n"})
    monkeypatch.chdir(folder)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return folder


def lease(*arguments: str) -> int:
    return run(["lease", *arguments])


def test_a_human_takes_a_file_and_an_instance_finds_it_held(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lease("acquire", "./src/../src/a.py", "--intent", "mend", "--instance", "backend") == 0
    assert capsys.readouterr().out.startswith("src/a.py  backend  exclusive  L-1  ")
    assert lease("acquire", "src/", "ui/b.py", "--instance", "frontend") == 10
    said = capsys.readouterr()
    assert said.out == ""
    assert "src/ is held: src/a.py  backend" in said.err
    assert lease("acquire", "src/", "--instance", "frontend", "--json") == 10
    answer = json.loads(capsys.readouterr().out)
    assert (answer["acquired"], answer["conflicts"][0]["instance"]) == (False, "backend")
    assert lease("check", "src/a.py") == 10
    assert lease("check", "ui/b.py") == 0, "nothing was taken: all or none"


def test_changed_content_is_12_until_it_is_said_who_wrote(repo: Path) -> None:
    assert lease("acquire", "src/a.py") == 0
    assert lease("check", "src/a.py") == 0
    (repo / "src/a.py").write_text("else\n")
    assert lease("check", "src/a.py") == 12
    assert lease("renew", "src/a.py", "--wrote") == 0
    assert lease("check", "src/a.py") == 0
    (repo / "src/a.py").unlink()
    assert lease("check", "src/a.py") == 12


def test_what_ran_out_is_11_until_somebody_has_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lease("acquire", "src/a.py", "--ttl", "1s") == 0
    _later(monkeypatch)
    assert lease("check", "src/a.py") == 11
    assert lease("renew", "src/a.py") == 11
    assert lease("release", "src/a.py") == 11
    assert lease("release", "src/a.py") == 0
    assert lease("renew", "src/a.py") == 1


def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour passes."""
    from orchestrator.store.sqlite import SqliteDatabase

    clock = SqliteDatabase.clock
    monkeypatch.setattr(SqliteDatabase, "clock", lambda self: clock(self) + 3_600_000)


def test_the_lease_of_another_is_neither_renewed_nor_released(repo: Path) -> None:
    assert lease("acquire", "src/a.py", "--instance", "backend") == 0
    assert lease("renew", "src/a.py") == 10
    assert lease("release", "src/a.py") == 10
    assert lease("release", "--all") == 0
    assert lease("check", "src/a.py", "--instance", "backend") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["acquire", "../../etc/passwd"], "E361"),
        (["acquire", "a\nb"], "E360"),
        (["acquire", "x" * 300], "E360"),
        (["acquire", "a", "--ttl", "-5m"], "E362"),
        (["acquire", "a", "--ttl", "9d"], "E362"),
        (["acquire", "a", "--ttl", "soon"], "E001"),
        (["acquire", "a", "--lines", "9-3"], "E360"),
        (["acquire", "src", "--lines", "1-3"], "E360"),
        (["release"], "E001"),
        (["acquire", "a", "--instance", "nobody"], "E304"),
        (["steal", "a", "--reason", "x"], "E001"),
    ],
)
def test_bad_input_is_refused_with_its_code_and_changes_nothing(
    repo: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lease(*arguments) == 2
    assert said in capsys.readouterr().err
    assert lease("list") == 0
    assert capsys.readouterr().out == "nothing is leased\n"


def test_escapes_in_an_intent_are_shown_and_not_obeyed(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lease("acquire", "src/a.py", "--intent", "\x1b[2Jgone")
    lease("list")
    assert "\x1b" not in capsys.readouterr().out


def test_list_and_check_answer_the_same_from_the_status_document(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease("acquire", "src/a.py", "docs/*.md", "ui/", "--instance", "backend")
    lease("acquire", "new.py", "--lines", "3-9", "--shared")
    capsys.readouterr()
    document = str(repo / "status/status.json")
    lease("list", "--json")
    listed = capsys.readouterr().out
    lease("list", "--json", "--from", document)
    assert capsys.readouterr().out == listed
    for path in ("src/a.py", "docs/x.md", "ui/deep/x", "new.py", "free.py", "**/*.md", "src/"):
        answers = set()
        for more in ([], ["--from", document]):
            status = lease("check", path, "--json", *more)
            answers.add((status, capsys.readouterr().out))
        assert len(answers) == 1, path
    away = repo.parent / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    assert lease("check", "src/a.py", "--from", document) == 10
    assert lease("check", "src/b.py", "--from", document) == 0


def test_a_human_steals_with_a_reason(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lease("acquire", "src/a.py", "--instance", "backend")
    assert lease("steal", "src/a.py", "--reason", "it hangs", "--yes") == 0
    assert lease("check", "src/a.py", "--instance", "backend") == 10
    run(["log"])
    assert "lease.steal" in capsys.readouterr().out


def test_a_session_that_has_ended_is_stale(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_SESSION", "s-1")
    assert lease("acquire", "src/a.py", "--instance", "backend") == 0
    from orchestrator.engine.project import Project

    store = Project.open().store
    store.write(lambda tx: tx.update("sessions", {"id": "s-1"}, {"ended_at": 1}))
    assert lease("acquire", "src/a.py") == 13
    assert lease("check", "src/a.py") == 13


def test_ownership_is_said_and_under_deny_enforced(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["owns", "src/a.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["owners"] == ["backend"]
    assert run(["owns", "."]) == 0
    assert "belongs to coordinator, backend, frontend (warn" in capsys.readouterr().out
    monkeypatch.setenv("ORCHESTRATE_SESSION", "s-1")
    assert lease("acquire", "src/a.py", "--instance", "frontend") == 0
    assert "src/a.py belongs to backend" in capsys.readouterr().err
    denied = CONFIG + "approval: {ownership: deny}\n"
    (repo / "config/orchestrate.yaml").write_text(denied)
    subprocess.run(["git", "commit", "-qam", "deny"], cwd=repo, check=True)
    assert lease("acquire", "src/b.py") == 1
    assert "E365" in capsys.readouterr().err
    assert lease("acquire", "src/b.py", "--shared") == 0, "reading is free"


def started(repo: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestrator", "lease", *arguments]
    return subprocess.Popen(
        command, cwd=repo, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


def waiters(repo: Path) -> int:
    from orchestrator.store.sqlite import open_store

    store = open_store(repo / ".git/orchestrator")
    try:
        return store.read(lambda reader: reader.count("lease_waits"))
    finally:
        store.close()


def until_waiting(repo: Path, process: subprocess.Popen[str], count: int = 1) -> None:
    while waiters(repo) != count:
        assert process.poll() is None, process.communicate()


def test_a_waiter_gets_the_lease_as_soon_as_it_is_free(repo: Path) -> None:
    lease("acquire", "src/a.py", "--instance", "backend")
    waiting = started(repo, "acquire", "src/a.py", "--instance", "frontend", "--wait", "60s")
    until_waiting(repo, waiting)
    lease("release", "src/a.py", "--instance", "backend")
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out.split()[1]) == (0, "frontend"), err
    assert waiters(repo) == 0


def test_waiting_ends_in_time_and_a_killed_waiter_blocks_nobody_for_long(repo: Path) -> None:
    lease("acquire", "src/a.py", "--instance", "backend")
    assert lease("acquire", "src/a.py", "--instance", "frontend", "--wait", "100ms") == 10
    waiting = started(repo, "acquire", "src/a.py", "--instance", "frontend", "--wait", "60s")
    until_waiting(repo, waiting)
    waiting.send_signal(signal.SIGKILL)
    waiting.communicate()
    lease("release", "src/a.py", "--instance", "backend")
    assert lease("acquire", "src/a.py", "--instance", "coordinator", "--wait", "30s") == 0


def test_a_deadlock_is_named_before_anybody_waits_in_vain(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lease("acquire", "src/a.py", "--instance", "backend")
    lease("acquire", "ui/b.py", "--instance", "frontend")
    waiting = started(repo, "acquire", "ui/b.py", "--instance", "backend", "--wait", "60s")
    until_waiting(repo, waiting)
    capsys.readouterr()
    assert lease("acquire", "src/a.py", "--instance", "frontend", "--wait", "60s") == 10
    assert "E364 a deadlock: frontend waits for src/a.py" in capsys.readouterr().err
    lease("release", "ui/b.py", "--instance", "frontend")
    assert waiting.wait(timeout=30) == 0
    waiting.communicate()
