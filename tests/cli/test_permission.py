"""``ownership: ask``: another's files are changed once their owner, or a human, said yes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.coordination.permissions import ALLOWED_MS, REFUSED_MS, covers
from orchestrator.engine.leasing import Wish, acquire
from orchestrator.engine.permission import Asked
from orchestrator.engine.project import Project
from orchestrator.store.port import Row, Store
from orchestrator.store.sqlite import open_store
from tests.conftest import MakeRepo
from tests.coordination.leasing import at

Out = pytest.CaptureFixture[str]

CONFIG = """\
version: 1
project: shop
coordinator: {instance: coordinator}
instances:
  coordinator: {role: C}
  backend: {role: B, file_patterns: ["src/**"]}
  frontend: {role: F, file_patterns: ["ui/**"]}
layers:
  code: {paths: ["src/**"]}
approval: {ownership: ask}
"""


class As:
    """Who calls from now on: an instance in a session of its own, or, as ``human``, nobody's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch

    def __call__(self, name: str, *arguments: str) -> int:
        """Run a command; its exit status. Instances that answer have checked in."""
        for key, value in (("SESSION", f"s-{name}"), ("INSTANCE", name)):
            if name == "human":
                self.patch.delenv(f"ORCHESTRATE_{key}", raising=False)
            else:
                self.patch.setenv(f"ORCHESTRATE_{key}", value)
        return run(list(arguments))


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG, "src/a.py": "a\n", "ui/b.py": "b\n"})
    monkeypatch.chdir(folder)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return folder


@pytest.fixture
def act(repo: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    act = As(monkeypatch)
    assert act("backend", "check-in") == 0
    return act


def store_of(repo: Path) -> Store:
    return open_store(repo / ".git/orchestrator")


def rows(repo: Path, table: str) -> list[Row]:
    store = store_of(repo)
    try:
        return store.read(lambda reader: reader.find(table))
    finally:
        store.close()


def age(repo: Path, name: str, by: int) -> None:
    """Let an answer have been given ``by`` ms ago."""
    store = store_of(repo)

    def body(tx: Any) -> None:
        tx.update("escalations", {"id": name}, {"answered_at": tx.now - by})

    store.write(body)
    store.close()


def test_the_owner_is_asked_once_and_its_yes_opens_the_file(
    repo: Path, act: As, capsys: Out
) -> None:
    take = ("frontend", "lease", "acquire", "src/a.py", "ui/b.py", "--intent", "rename")
    assert [act(*take), act(*take)] == [10, 10]
    assert "E388 src/a.py belongs to backend, who was asked (ESC-1)" in capsys.readouterr().err
    assert rows(repo, "leases") == [], "all or none"
    act("backend", "message", "inbox", "--json")
    (asked,) = json.loads(capsys.readouterr().out)
    assert (asked["subject"], asked["requires_response"]) == ("May I change src/a.py?", 1)
    assert 'escalation approve ESC-1 --reason "…"' in asked["body"]
    assert act("backend", "escalation", "approve", "ESC-1", "--reason", "one field") == 0
    assert act(*take) == 0
    capsys.readouterr()
    act("frontend", "message", "inbox", "--json")
    assert [row["body"] for row in json.loads(capsys.readouterr().out)] == ["yes: one field"]


def test_only_the_owner_or_a_human_answers(act: As, capsys: Out) -> None:
    assert act("frontend", "lease", "acquire", "src/a.py") == 10
    for who in ("frontend", "coordinator"):
        assert act(who, "escalation", "approve", "ESC-1", "--reason", "me") == 1, who
        assert "E332 backend or a human answers this" in capsys.readouterr().err
    assert act("human", "escalation", "approve", "ESC-1", "--reason", "fine", "--yes") == 0
    assert act("frontend", "lease", "acquire", "src/a.py") == 0
    assert act("backend", "message", "inbox") == 0
    assert "wants an answer" not in capsys.readouterr().out, "a human answered in its place"


def test_a_no_holds_for_a_day_and_a_yes_for_a_week(repo: Path, act: As, capsys: Out) -> None:
    act("frontend", "lease", "acquire", "src/a.py")
    act("backend", "escalation", "reject", "ESC-1", "--reason", "in the middle of it")
    age(repo, "ESC-1", REFUSED_MS - 60_000)
    assert act("frontend", "lease", "acquire", "src/a.py") == 1
    assert "E389" in capsys.readouterr().err
    age(repo, "ESC-1", REFUSED_MS)
    assert act("frontend", "lease", "acquire", "src/a.py") == 10, "it may ask again"
    act("backend", "escalation", "approve", "ESC-2", "--reason", "done")
    assert act("frontend", "lease", "acquire", "src/a.py") == 0
    act("frontend", "lease", "release", "--all")
    age(repo, "ESC-2", ALLOWED_MS)
    assert act("frontend", "lease", "acquire", "src/a.py") == 10


def test_reading_one_s_own_and_humans_are_not_asked_about(repo: Path, act: As) -> None:
    assert act("frontend", "lease", "acquire", "src/a.py", "--shared") == 0
    assert act("frontend", "lease", "release", "--all") == 0
    assert act("backend", "lease", "acquire", "src/") == 0
    assert act("backend", "lease", "release", "--all") == 0
    assert act("human", "lease", "acquire", "src/a.py") == 0
    assert rows(repo, "escalations") == []


def test_waiting_waits_for_the_answer_and_then_takes(repo: Path, act: As) -> None:
    act("frontend", "check-in")
    answers = iter([("backend", "escalation", "approve", "ESC-1", "--reason", "ok")])

    def pause(seconds: float) -> None:
        assert act(*next(answers)) == 0
        act("frontend", "heartbeat")

    got = acquire(Project.open(repo), Wish(("src/a.py",), wait=600), pause)
    assert got.holder.instance == "frontend"
    assert [row["path"] for row in rows(repo, "leases")] == ["src/a.py"]


def test_waiting_in_vain_leaves_the_question_open(repo: Path, act: As) -> None:
    act("frontend", "check-in")
    with pytest.raises(Asked):
        acquire(Project.open(repo), Wish(("src/a.py",), wait=0.05))
    assert [row["status"] for row in rows(repo, "escalations")] == ["open"]


def test_work_on_another_s_file_is_ready_once_it_is_allowed(
    repo: Path, act: As, capsys: Out
) -> None:
    act("human", "ready", "--template")
    (repo / "n.md").write_text(capsys.readouterr().out.replace("\n\n", "\n\ntext\n\n") + "text\n")
    subprocess.run(["git", "switch", "-qc", "work"], cwd=repo, check=True)
    for name in ("src/a.py", "src/new.py", "ui/b.py"):
        (repo / name).write_text("changed\n")
    subprocess.run(["git", "add", "src", "ui"], cwd=repo, check=True)
    subprocess.run(["git", "commit", "-qm", "work"], cwd=repo, check=True)
    act("frontend", "check-in", "--task", "fields")
    assert act("frontend", "ready", "--notes", "n.md") == 1
    said = capsys.readouterr().err
    assert "src/a.py belongs to backend, who was asked (ESC-1)" in said
    assert "src/new.py belongs to backend, who was asked (ESC-1)" in said
    assert act("backend", "escalation", "approve", "ESC-1", "--reason", "ok") == 0
    assert act("frontend", "ready", "--notes", "n.md") == 0, capsys.readouterr().err


def test_who_leaves_for_good_asks_nothing_any_more(repo: Path, act: As) -> None:
    act("human", "instance", "create", "tmp", "--worktree", "../tmp", "--branch", "tmp")
    assert act("tmp", "lease", "acquire", "src/a.py") == 10
    assert act("tmp", "check-out") == 0
    assert act("human", "instance", "retire", "tmp", "--yes") == 0
    assert [row["status"] for row in rows(repo, "escalations")] == ["moot"]
    assert act("human", "escalation", "approve", "ESC-1", "--reason", "r", "--yes") == 13


@pytest.mark.parametrize(
    ("given", "want", "expected"),
    [
        ("src/", "src/a.py", True),
        ("src/", "src/deep/*.py", True),
        ("src/", "srcs/a.py", False),
        ("src/", "*.py", False),
        (".", "anything/*", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/a.*", False),
        ("src/a.py", "src/", False),
    ],
)
def test_a_yes_covers_what_lies_wholly_in_it(given: str, want: str, expected: bool) -> None:
    assert covers(at(given), at(want)) is expected
