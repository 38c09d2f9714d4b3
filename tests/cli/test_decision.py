"""``orchestrate decision``: as it is typed."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from tests.conftest import MakeRepo, git

Out = pytest.CaptureFixture[str]

CONFIG = """\
version: 1
project: shop
instances:
  backend: {role: BACKEND, file_patterns: ["src/**"]}
  frontend: {role: FRONTEND, file_patterns: ["ui/**"]}
layers:
  code: {paths: ["src/**"]}
"""

ADD = ["decision", "add", "--title", "Use JWT", "--description", "15 min", "--affects", "all"]
PROPOSE = [
    "decision", "propose", "--title", "REST or GraphQL", "--description", "how", "--affects", "all",
    "--option", "REST|simple; known|overfetching", "--option", "GraphQL",
]  # fmt: skip


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG})
    monkeypatch.chdir(folder)
    return folder


def said(capsys: Out, *arguments: str, status: int = 0) -> Any:
    """Run with ``--json``; what it printed."""
    assert run([*arguments, "--json"]) == status, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys: Out, *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    return run([*arguments]), capsys.readouterr().err


def test_a_decision_is_added_listed_and_shown(repo: Path, capsys: Out) -> None:
    name = said(capsys, *ADD, "--category", "security", "--file", "src/**")["id"]
    listed = said(capsys, "decision", "list", "--category", "security", "--path", "src/a.py")
    assert [row["id"] for row in listed] == [name]
    assert said(capsys, "decision", "list", "--since", "2h") == listed
    assert said(capsys, "decision", "list", "--limit", "0") == []
    assert run(["decision", "query", name]) == 0
    shown = capsys.readouterr().out
    assert f"# {name}: Use JWT" in shown and "- Category: security" in shown


def test_one_that_affects_nobody_is_remarked_on(repo: Path, capsys: Out) -> None:
    assert run(ADD[:-2]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("accepted\n") and "names nobody" in err


def test_a_repeated_call_with_one_key_adds_one(repo: Path, capsys: Out) -> None:
    names = {said(capsys, *ADD, "--key", "once")["id"] for _ in range(2)}
    assert len(names) == len(said(capsys, "decision", "list")) == 1


def test_a_proposal_is_discussed_and_decided(repo: Path, capsys: Out) -> None:
    value = said(capsys, *PROPOSE, "--input-from", "backend", "--deadline", "4h")
    assert value["options"][0] == {
        "option": "REST", "pros": ["simple", "known"], "cons": ["overfetching"],
    }  # fmt: skip
    name = value["id"]
    said(capsys, "decision", "input", name, "--body", "REST scales", "--instance", "backend")
    decide = ("decision", "decide", name, "--option", "REST", "--rationale", "simple")
    done = said(capsys, *decide, "--instance", "frontend")
    assert (done["status"], done["decision"]) == ("accepted", "REST")
    assert done["opinions"][0]["instance"] == "backend"
    code, err = refused(capsys, *decide)
    assert (code, f"E383 {name} is accepted") == (13, err.splitlines()[0])


def test_options_come_from_a_file_too(
    repo: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "o.json").write_text('{"options": [{"option": "A", "pros": ["x"]}, "B"]}')
    (repo / "o.yaml").write_text("- option: A\n  pros: [x]\n- B\n")
    from_json = said(capsys, *PROPOSE[:8], "--options", "o.json")["options"]
    assert said(capsys, *PROPOSE[:8], "--options", "o.yaml")["options"] == from_json
    monkeypatch.setattr("sys.stdin", io.StringIO("- C\n"))
    assert said(capsys, *PROPOSE[:8], "--options", "-")["options"][0]["option"] == "C"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "o.yaml:2:1"),
        ("7", "no list of options"),
        ("- {name: x}", "o.yaml[0]"),
        ("- {option: A, pros: x}", "o.yaml[0]"),
        ("a: &a [x, x]\nb: *a\n", "o.yaml"),
    ],
)
def test_a_file_of_no_options_is_refused_at_its_place(
    repo: Path, capsys: Out, text: str, said: str
) -> None:
    (repo / "o.yaml").write_text(text)
    code, err = refused(capsys, *PROPOSE[:8], "--options", "o.yaml")
    assert code == 2 and said in err


def test_a_disagreement_asks_a_human_whose_answer_settles_it(repo: Path, capsys: Out) -> None:
    name = said(capsys, *ADD)["id"]
    other = said(capsys, *ADD)["id"]
    for decision in (name, other, name):
        objected = said(
            capsys, "decision", "object", decision, "--body", "too short", "--instance", "frontend"
        )
        assert objected["status"] == "objected"
    questions = said(capsys, "escalation", "list")
    assert [q["type"] for q in questions] == ["disagreement"] * 2
    assert name in questions[0]["question"] and questions[0]["reason"] == "too short"
    assert run(["escalation", "show", "ESC-1"]) == 0
    assert "nobody is bound by the decision" in capsys.readouterr().out
    answer = ["--reason", "it is fine", "--yes"]
    assert run(["escalation", "approve", "ESC-1", *answer]) == 0
    assert run(["escalation", "reject", "ESC-2", *answer]) == 0
    capsys.readouterr()
    statuses = {row["id"]: row["status"] for row in said(capsys, "decision", "list")}
    assert statuses == {name: "accepted", other: "deprecated"}


def test_deciding_it_closes_the_question(repo: Path, capsys: Out) -> None:
    name = said(capsys, *ADD)["id"]
    said(capsys, "decision", "object", name, "--body", "no", "--instance", "frontend")
    said(capsys, "decision", "decide", name, "--decision", "30 min", "--rationale", "both agree")
    assert said(capsys, "escalation", "list") == []
    code, err = refused(capsys, "escalation", "approve", "ESC-1", "--reason", "r", "--yes")
    assert (code, "E331 ESC-1 is moot") == (13, err.splitlines()[0])


def test_an_instance_does_not_settle_a_disagreement(
    repo: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = said(capsys, *ADD)["id"]
    said(capsys, "decision", "object", name, "--body", "no", "--instance", "frontend")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    monkeypatch.setenv("ORCHESTRATE_INSTANCE", "backend")
    code, err = refused(capsys, "decision", "decide", name, "--decision", "x", "--rationale", "y")
    assert code == 1 and err.startswith("E384 ")
    code, err = refused(capsys, "escalation", "approve", "ESC-1", "--reason", "r", "--yes")
    assert code == 1 and err.startswith("E332 where instances disagree")


def test_its_life_ends_by_being_superseded_or_deprecated(repo: Path, capsys: Out) -> None:
    one, two = (said(capsys, *ADD)["id"] for _ in range(2))
    assert said(capsys, "decision", "implement", one)["status"] == "implemented"
    assert said(capsys, "decision", "supersede", one, "--by", two)["superseded_by"] == two
    gone = said(capsys, "decision", "deprecate", two, "--reason", "no longer")
    assert gone["status"] == "deprecated"
    assert said(capsys, "decision", "archive", "--keep", "1") == {"archived": [one]}
    assert [r["id"] for r in said(capsys, "decision", "list")] == [two]
    assert len(said(capsys, "decision", "list", "--all")) == 2


def test_a_word_that_is_none_gets_the_nearest(repo: Path, capsys: Out) -> None:
    code, err = refused(capsys, *ADD, "--category", "securty")
    assert code == 2
    assert err.startswith("E382 'securty' is no category\nhint: did you mean \"security\"?")
    code, err = refused(capsys, "decision", "show", "DEC-1")
    assert code == 2 and err.startswith("E381 ")


def test_terminal_escapes_are_shown_not_obeyed(repo: Path, capsys: Out) -> None:
    run([*ADD[:2], "--title", "\x1b[2Jx\ny", "--description", "d", "--affects", "all"])
    capsys.readouterr()
    assert run(["decision", "list"]) == 0
    assert capsys.readouterr().out.strip().endswith("\\x1b[2Jx\\ny")


def test_pages_are_written_and_committed_alone_with_hooks_off(repo: Path, capsys: Out) -> None:
    name = said(capsys, *ADD)["id"]
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (repo / "other.txt").write_text("mine")
    git(repo, "add", "other.txt")
    mine = repo / "docs" / "decisions" / "DEC-mine.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("by hand")
    made = said(capsys, "decision", "export", "docs/decisions", "--commit")
    page = repo / "docs" / "decisions" / f"{name}.md"
    assert made["pages"] == [str(page)]
    assert git(repo, "show", "--name-only", "--format=", "HEAD") == f"docs/decisions/{name}.md"
    assert git(repo, "status", "--porcelain").splitlines()[0] == "A  other.txt"
    assert mine.read_text() == "by hand"
    again = said(capsys, "decision", "export", "docs/decisions", "--commit")
    assert again["commit"] is None
    assert page.read_text().splitlines()[2] == f"# {name}: Use JWT"


def test_pages_can_not_be_committed_outside_nor_written_into_a_file(
    repo: Path, capsys: Out, tmp_path: Path
) -> None:
    said(capsys, *ADD)
    code, err = refused(capsys, "decision", "export", str(tmp_path / "out"), "--commit")
    assert code == 2 and "outside the repository" in err
    (repo / "file").write_text("")
    code, err = refused(capsys, "decision", "export", "file/below")
    assert code == 2 and err.startswith("E387 ")
    code, err = refused(capsys, "decision", "export")
    assert code == 2


def test_copied_repositories_that_logged_apart_merge_both_ways(
    repo: Path, capsys: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = said(capsys, *ADD)["id"]
    said(capsys, "decision", "export", "pages")
    copy = tmp_path / "copy"
    shutil.copytree(repo, copy)
    logs = {}
    for folder in (repo, copy):
        monkeypatch.chdir(folder)
        said(capsys, *ADD, "--decision", folder.name)
        assert run(["decision", "export", "--json"]) == 0
        logs[folder] = capsys.readouterr().out
    results = []
    for folder, other in ((repo, copy), (copy, repo)):
        monkeypatch.chdir(folder)
        (folder / "theirs.json").write_text(logs[other])
        assert len(said(capsys, "decision", "merge", "theirs.json")["added"]) == 1
        said(capsys, "decision", "export", "pages")
        results.append(said(capsys, "decision", "export"))
    assert results[0] == results[1]
    ids = [row["id"] for row in results[0]]
    assert len(set(ids)) == 3 and shared in ids
    assert sorted(p.stem for p in (repo / "pages").iterdir()) == sorted(ids)
    code, err = refused(capsys, "decision", "merge", "config/orchestrate.yaml")
    assert code == 2 and err.startswith("config/orchestrate.yaml:1:1\nE386 ")
