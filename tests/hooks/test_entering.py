"""``orchestrate init`` with a client's name, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.git import find
from orchestrator.hooks import registration
from tests.conftest import MakeRepo, git

GOLDEN = Path(__file__).parent / "golden"


CONFIG = """\
version: 1
project: shop
instances:
  backend: {role: BACKEND}
layers:
  all: {paths: ["src/**"]}
"""


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo({"config/orchestrate.yaml": CONFIG})
    monkeypatch.chdir(folder)
    return folder


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["init", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def everything(folder: Path) -> dict[str, bytes]:
    """Every file but git's and the published status."""
    files = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]
    names = {str(path.relative_to(folder)): path for path in files}
    return {name: p.read_bytes() for name, p in names.items() if not name.startswith("status/")}


def test_the_settings_are_as_on_the_golden_page(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(capsys, "--claude-code")[0] == 0
    text = (repo / ".claude/settings.json").read_text()
    text = text.replace(registration.interpreter(), "/usr/bin/python3")
    text = text.replace(str(registration.package()), "/lib/orchestrator")
    golden = GOLDEN / "claude-code.json"
    assert text == golden.read_text()
    server = json.loads((repo / ".mcp.json").read_text())["mcpServers"]["orchestrate"]
    assert server["alwaysLoad"] is True, "else the model has to search for the tools first"


def test_a_first_a_second_and_a_last_time(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(repo)
    status, out, err = typed(capsys, "--claude-code")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()[:3]] == [
        ["wrote", ".claude/settings.json"],
        ["wrote", ".mcp.json"],
        ["wrote", "AGENTS.md"],
    ]
    assert "active: 14 of 14 hooks in .claude/settings.json" in out
    assert "is not committed, and a fresh worktree has only what is" in err
    after = everything(repo)
    status, out, _ = typed(capsys, "--claude-code")
    assert "nothing to do: everything is there" in out and everything(repo) == after
    assert typed(capsys, "--claude-code", "--remove")[0] == 0
    assert everything(repo) == before and not (repo / ".claude").exists()
    assert "none of it is here" in typed(capsys, "--claude-code", "--remove")[1]


def test_where_nothing_is_set_up_it_is_set_up_first(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make_repo({"main.py": ""})
    monkeypatch.chdir(repo)
    (repo / ".mcp.json").write_text("[]")
    assert typed(capsys, "--claude-code")[0] == 2 and not (repo / "config").exists()
    (repo / ".mcp.json").unlink()
    status, out, _ = typed(capsys, "--claude-code")
    assert status == 0 and out.startswith("wrote    config/orchestrate.yaml")
    assert (find(repo).state / "state.db").exists()


def test_a_configuration_that_cannot_be_read_is_told_before_anything_is_written(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make_repo({"config/orchestrate.yaml": "version: 1\nwrong: {\n"})
    monkeypatch.chdir(repo)
    before = everything(repo)
    assert typed(capsys, "--claude-code")[0] == 2 and everything(repo) == before


def test_a_committed_file_needs_no_warning(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, "--claude-code")
    git(repo, "add", "-A")
    assert "is not committed" not in typed(capsys, "--claude-code")[2]


def test_one_file_that_cannot_be_edited_leaves_all_as_they_are(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / ".mcp.json").write_text('{\n  "mcpServers": {},\n}\n')
    before = everything(repo)
    status, out, err = typed(capsys, "--claude-code")
    assert (status, out) == (2, "") and everything(repo) == before
    assert err.splitlines()[:2] == [".mcp.json:3:1", "E730 a comma too many before this"]


def test_a_dry_run_writes_nothing(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(repo)
    _, out, _ = typed(capsys, "--claude-code", "--dry-run")
    assert out.startswith("would write  .claude/settings.json") and everything(repo) == before


@pytest.mark.parametrize("scope", ["local", "user"])
def test_other_scopes_touch_nothing_shared(
    repo: Path, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    before = everything(repo)
    status, _, err = typed(capsys, "--claude-code", f"--{scope}")
    places = {
        "local": repo / ".claude/settings.local.json",
        "user": Path.home() / ".claude/settings.json",
    }
    assert status == 0 and len(json.loads(places[scope].read_text())["hooks"]) == 12
    new = set(everything(repo)) - set(before)
    assert new == ({".claude/settings.local.json"} if scope == "local" else set())
    assert f"claude mcp add --scope {scope} orchestrate -- " in err


def test_one_s_own_settings_need_no_repository(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = typed(capsys, "--claude-code", "--user")
    assert status == 0 and out.startswith("wrote    ~/.claude/settings.json")
    assert out.count("active:") == 1 and "twice" not in err and "not committed" not in err
    assert typed(capsys, "--claude-code")[0] != 0


def test_old_scripts_are_told_of_and_taken_out_when_asked(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {"hooks": {"Stop": [{"hooks": [{"command": ".claude/hooks/coordination-cleanup.sh"}]}]}}
    path = repo / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(old))
    err = typed(capsys, "--claude-code")[2]
    assert "still runs .claude/hooks/coordination-cleanup.sh" in err and "--remove-old-hooks" in err
    err = typed(capsys, "--claude-code", "--remove-old-hooks")[2]
    assert "coordination-cleanup" not in path.read_text() + err


def test_claude_md_imports_only_when_asked(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "CLAUDE.md").write_text("# Mine\n")
    err = typed(capsys, "--claude-code")[2]
    assert (repo / "CLAUDE.md").read_text() == "# Mine\n" and "--claude-md" in err
    err = typed(capsys, "--claude-code", "--claude-md")[2]
    assert "\n@AGENTS.md\n" in (repo / "CLAUDE.md").read_text() and "--claude-md" not in err
    typed(capsys, "--claude-code", "--remove")
    assert (repo / "CLAUDE.md").read_text() == "# Mine\n"


def test_hooks_that_would_run_twice_are_told_of(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path.home() / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text('{"enabledPlugins": {"orchestrate@orchestrate": true}}')
    err = typed(capsys, "--claude-code")[2]
    assert "~/.claude/settings.json enables the plugin" in err and "every hook runs twice" in err


def test_hooks_that_are_switched_off_are_not_called_active(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repo / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text('{"disableAllHooks": true}')
    _, out, err = typed(capsys, "--claude-code")
    assert "disableAllHooks: no hook of this client runs" in err and "active:" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--local",), "--local needs a client"),
        (("--remove",), "--remove needs a client"),
        (("--claude-code", "--local", "--user"), "--local and --user are two places"),
    ],
)
def test_a_call_that_means_nothing_is_refused(
    repo: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    before = everything(repo)
    status, _, err = typed(capsys, *arguments)
    assert status == 2 and message in err and everything(repo) == before
