"""Setting up a repository, from an empty folder to a linked worktree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.config import presets
from orchestrator.config.load import load
from orchestrator.scaffold.files import Cannot
from orchestrator.scaffold.init import BadPlace, SetUp, set_up
from tests.conftest import MakeRepo, commit, git


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file outside ``.git`` with its content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def test_an_unknown_kind_of_repository_gets_a_minimal_configuration(make_repo: MakeRepo) -> None:
    repo = make_repo()
    done = set_up(repo)
    config = load(repo / "config/orchestrate.yaml")
    assert done.preset is None
    assert config.layers["project"].paths == ("**",)
    assert [check.name for check in config.integration_tests] == ["secret-scan"]


def test_the_folders_explain_themselves(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo)
    for folder in ("contracts", "flows", "baselines"):
        assert (repo / f"verification/{folder}/README.md").read_text().count("\n") > 4
    git(repo, "add", "-A")
    (repo / "status/status.json").write_text("{}")
    assert git(repo, "status", "--porcelain", "--untracked-files=all", "status").count("??") == 0
    compile((repo / "plugins/example.py").read_text(), "example.py", "exec")


@pytest.mark.parametrize("preset", [None, *presets.NAMES])
def test_twice_is_harmless(make_repo: MakeRepo, preset: str | None) -> None:
    repo = make_repo()
    set_up(repo, preset=preset)
    before = snapshot(repo)
    again = set_up(repo)
    assert again.written == ()
    assert set_up(repo, preset=preset).written == ()
    assert snapshot(repo) == before


def test_existing_files_stay_byte_for_byte(make_repo: MakeRepo) -> None:
    mine: dict[str, str | None] = {
        "config/orchestrate.yaml": "version: 1\r\nproject: mine\nlayers: {a: {paths: ['**']}}",
        "verification/README.md": "mine",
        "plugins/example.py": "mine",
        "status/.gitignore": "",
    }
    repo = make_repo(mine)
    done = set_up(repo, preset="web")
    assert set(mine) <= set(done.kept) | {"config/orchestrate.yaml"}
    after = snapshot(repo)
    assert all(after[name] == (text or "").encode() for name, text in mine.items())
    assert any("stays as it is" in note for note in done.notes)


def test_a_starter_that_is_gone_comes_back(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo, preset="web")
    script = repo / "verification/checks/accessibility.py"
    text = script.read_text()
    script.unlink()
    assert set_up(repo).written == ("verification/checks/accessibility.py",)
    assert script.read_text() == text


def test_a_dry_run_changes_nothing(make_repo: MakeRepo) -> None:
    repo = make_repo()
    before = snapshot(repo)
    done = set_up(repo, preset="api", dry_run=True)
    assert "config/orchestrate.yaml" in done.written
    assert snapshot(repo) == before


@pytest.mark.parametrize("under", [".orchestrate", "tools/co-ord", "my tools/ü's"])
def test_under_a_folder_everything_is_there(make_repo: MakeRepo, under: str) -> None:
    repo = make_repo()
    done = set_up(repo, preset="web", under=under)
    assert all(path.startswith(f"{under}/") for path in done.written)
    config = load(repo / under / "config/orchestrate.yaml")
    assert (
        config.contracts["orders-api"].path == f"{under}/verification/contracts/orders.openapi.json"
    )
    assert f"{under}/**" in config.instances["coordinator"].file_patterns
    assert (
        f'plugins: ["{under}/plugins/example.py"]'
        in (repo / under / "plugins/example.py").read_text()
    )


def test_a_second_set_up_finds_the_folder_of_the_first(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo, under=".orchestrate")
    done = set_up(repo)
    assert done.written == () and done.config == ".orchestrate/config/orchestrate.yaml"
    assert not (repo / "config").exists()


@pytest.mark.parametrize("under", ["/tmp/x", "../x", "a/../b", ".git/x", "a\nb", "a*"])
def test_under_must_be_a_plain_folder_inside(make_repo: MakeRepo, under: str) -> None:
    repo = make_repo()
    with pytest.raises(BadPlace):
        set_up(repo, under=under)
    assert git(repo, "status", "--porcelain") == ""


def test_outside_a_repository_it_writes_and_says_what_is_needed(tmp_path: Path) -> None:
    done = set_up(tmp_path)
    assert (tmp_path / "config/orchestrate.yaml").is_file()
    assert any("git init" in note for note in done.notes)


def test_without_a_commit_it_writes_and_says_to_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    done = set_up(tmp_path)
    assert load(tmp_path / "config/orchestrate.yaml").coordinator.integration_branch == "trunk"
    assert any("no commit yet" in note for note in done.notes)


def test_in_a_bare_repository_it_refuses(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(BadPlace, match="bare repository"):
        set_up(tmp_path / "bare.git")


def test_a_linked_worktree_gets_the_files_and_the_main_branch(make_repo: MakeRepo) -> None:
    repo = make_repo(name="shop")
    linked = repo.parent / "shop-feature"
    git(repo, "worktree", "add", "-q", "-b", "feature", str(linked))
    (linked / "deep/er").mkdir(parents=True)
    set_up(linked / "deep/er")
    config = load(linked / "config/orchestrate.yaml")
    assert config.coordinator.integration_branch == "main"
    assert config.project == "shop"
    assert not (repo / "config").exists()


@pytest.mark.parametrize(
    ("branch", "folder"),
    [("release/1.x", "a b"), ("on", "yes"), ("a'b\"c", "ünï-#1"), ("1.0", "7")],
)
def test_odd_names_of_branches_and_folders_load(tmp_path: Path, branch: str, folder: str) -> None:
    repo = tmp_path / folder
    repo.mkdir()
    git(repo, "init", "-q", "-b", branch)
    commit(repo, {"README.md": "x"})
    set_up(repo)
    assert load(repo / "config/orchestrate.yaml").coordinator.integration_branch == branch


def test_a_detached_head_is_said(make_repo: MakeRepo) -> None:
    repo = make_repo()
    git(repo, "checkout", "-q", "--detach")
    done = set_up(repo)
    assert load(repo / "config/orchestrate.yaml").coordinator.integration_branch == "main"
    assert any("no branch is checked out" in note for note in done.notes)


def test_what_git_ignores_is_said(make_repo: MakeRepo) -> None:
    done = set_up(make_repo({".gitignore": "plugins/\n"}))
    assert any("plugins/example.py" in note for note in done.notes)


def test_nothing_is_written_through_a_link_out_of_the_repository(make_repo: MakeRepo) -> None:
    repo = make_repo()
    outside = repo.parent / "outside"
    outside.mkdir()
    (repo / "verification").symlink_to(outside)
    with pytest.raises(Cannot):
        set_up(repo)
    assert list(outside.iterdir()) == []
    assert not (repo / "config").exists()


def test_an_unknown_preset_is_answered_with_the_nearest(make_repo: MakeRepo) -> None:
    with pytest.raises(presets.UnknownPreset) as error:
        set_up(make_repo(), preset="wep")
    assert error.value.hint is not None and '"web"' in error.value.hint


def test_next_commands_name_an_unusual_place(make_repo: MakeRepo) -> None:
    done: SetUp = set_up(make_repo(), under="tools")
    assert done.next[0] == 'export ORCHESTRATE_CONFIG="$PWD"/tools/config/orchestrate.yaml'


def test_next_commands_can_be_pasted_from_a_folder_below(make_repo: MakeRepo) -> None:
    repo = make_repo(name="my repo")
    (repo / "deep").mkdir()
    done = set_up(repo / "deep", under="o's")
    assert done.next[0] == f"cd '{repo}'"
    commands = "; ".join(line for line in done.next if not line.startswith("orchestrate"))
    subprocess.run(["sh", "-ec", commands + '; test -f "$ORCHESTRATE_CONFIG"'], check=True)
    assert git(repo, "log", "-1", "--format=%s") == "Coordinate with orchestrate"


def test_a_second_configuration_is_said(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo)
    assert any("found first" in note for note in set_up(repo, under=".orchestrate").notes)
