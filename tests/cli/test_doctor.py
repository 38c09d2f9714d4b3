"""``orchestrate doctor``: which layers are active, what is broken, and what --fix does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.engine.diagnosis.finding import diagnosed, mended
from orchestrator.errors import UsageError
from orchestrator.git import find
from tests.conftest import MakeRepo, git

CONFIG = """\
version: 1
project: shop
layers:
  code: {paths: ["src/**"]}
contracts:
  api: {kind: graphql, path: api.graphql}
services:
  shop: {run: "shop {port}", ready: {http: /health}}
flows:
  order: {services: [shop], steps: [{name: place, run: place}]}
"""
OLD = {
    "hooks": {
        "Stop": [
            {"hooks": [{"type": "command", "command": ".claude/hooks/coordination-cleanup.sh"}]}
        ]
    },
    "model": "opus",
}


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG, "api.graphql": "type Query {a: Int}\n"})
    monkeypatch.chdir(folder)
    return folder


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[str, str, str]]:
    """Subject → state, message and hint; ``fixed`` → what was mended; ``exit`` → the status."""
    capsys.readouterr()
    status = run(["doctor", "--json", *arguments])
    answer = json.loads(capsys.readouterr().out)
    found = {f["subject"]: (f["state"], f["message"], f["hint"] or "") for f in answer["findings"]}
    return {**found, "fixed": ("", "\n".join(answer["fixed"]), ""), "exit": ("", str(status), "")}


def test_what_nobody_chose_is_off_and_says_how_to_turn_it_on(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = doctor(capsys)
    assert found["exit"][1] == "0"
    on = {
        "git hooks": "orchestrate githooks install",
        "Claude Code hooks": "orchestrate init --claude-code",
        "MCP server": "orchestrate init --claude-code",
        "watch": "orchestrate watch",
        "CI": "have it run: orchestrate verify --since origin/main",
    }
    assert {subject: found[subject][2] for subject in on} == on
    assert {found[subject][0] for subject in on} == {"off"}
    assert {found[name][0] for name in ("git", "python", "sqlite", "store", "graphql-core")} == {
        "ok"
    }
    assert found["you"][1].startswith("human:")
    before = sorted(path for path in repo.rglob("*") if "orchestrator" not in path.parts)
    assert doctor(capsys, "--fix")["fixed"][1] == "", "nothing is installed that was not there"
    assert sorted(path for path in repo.rglob("*") if "orchestrator" not in path.parts) == before


def test_git_hooks_passed_by_or_damaged_are_broken_and_mended(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["githooks", "install"]) == 0
    assert doctor(capsys)["git hooks"][0] == "ok"
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text(hook.read_text().replace(sys.executable, "/gone/python"))
    found = doctor(capsys)
    assert found["git hooks"][:2] == ("broken", "pre-commit is stale")
    assert found["exit"][1] == "1"
    found = doctor(capsys, "--fix")
    assert (found["fixed"][1], found["git hooks"][0]) == (f"renewed {hook}", "ok")
    git(repo, "config", "core.hooksPath", ".husky/_")
    assert "core.hooksPath is .husky/_" in doctor(capsys)["git hooks"][1]
    assert doctor(capsys, "--fix")["git hooks"][0] == "ok"
    assert run(["githooks", "remove"]) == 0
    assert git(repo, "config", "core.hooksPath") == ".husky/_"
    assert doctor(capsys)["git hooks"][0] == "off"


def test_client_hooks_that_start_what_is_gone_are_broken_and_mended(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--claude-code"]) == 0
    settings = repo / ".claude/settings.json"
    good = settings.read_text()
    data = json.loads(good)
    command = data["hooks"]["SessionStart"][0]["hooks"][0]["command"]
    settings.write_text(good.replace(json.dumps(command), json.dumps("/gone/python")))
    found = doctor(capsys)["Claude Code hooks"]
    assert (found[0], "/gone/python" in found[1]) == ("broken", True)
    assert ".claude/settings.json" in doctor(capsys, "--fix")["fixed"][1]
    assert settings.read_text() == good
    servers = repo / ".mcp.json"
    written = servers.read_text()
    servers.write_text(written.replace(json.dumps(sys.executable), json.dumps("/gone/python")))
    assert "/gone/python" in doctor(capsys)["MCP server"][1]
    assert doctor(capsys, "--fix")["MCP server"][0] == "ok" and servers.read_text() == written
    servers.write_text(written.replace("true", "false"))
    assert doctor(capsys)["MCP server"][0] == "broken"
    settings.write_text(json.dumps({**data, "disableAllHooks": True}))
    found = doctor(capsys)["Claude Code hooks"]
    assert (found[0], "disableAllHooks" in found[1]) == ("broken", True)


def test_the_replaced_scripts_are_told_and_taken_out_only_when_asked(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = repo / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(OLD))
    found = doctor(capsys, "--fix")
    assert (found["replaced scripts"][0], json.loads(settings.read_text())) == ("broken", OLD)
    found = doctor(capsys, "--fix", "--remove-old-hooks")
    assert "replaced scripts" not in found
    assert json.loads(settings.read_text()) == {"model": "opus"}
    assert run(["doctor", "--remove-old-hooks"]) == UsageError.exit_status


def test_a_missing_library_is_broken_with_the_line_that_installs_it(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "graphql", None)
    monkeypatch.setattr("orchestrator.engine.diagnosis.needs.find_spec", lambda name: None)
    found = doctor(capsys)
    for name, extra in (("graphql-core", "contracts"), ("httpx", "http")):
        line = f"pip install 'handoff-orchestrator[{extra}]'"
        assert (found[name][0], found[name][2]) == ("broken", line)


def test_a_broken_part_hides_no_other_and_stops_no_mending(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repo, "rm", "-q", "config/orchestrate.yaml")
    git(repo, "commit", "-qm", "gone")
    found = doctor(capsys)
    assert (found["configuration"][0], found["store"][0]) == ("broken", "ok")
    (find(repo).state / "state.db").write_bytes(b"junk" * 4096)
    found = doctor(capsys)
    assert (found["store"][0], found["git hooks"][0]) == ("broken", "off")

    def broken(repository: object) -> list[str]:
        raise PermissionError(13, "Permission denied", "/there")

    assert mended(find(repo), {"a": broken, "b": lambda repository: ["done"]}) == [
        "a: not mended: /there: Permission denied",
        "done",
    ]
    assert [f.state for f in diagnosed(find(repo), {"a": broken})] == ["broken"]  # type: ignore[dict-item]  # raises first
