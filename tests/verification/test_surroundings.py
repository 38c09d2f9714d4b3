"""Commands see the checkout's own tools, nothing that steers them, and always a Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.git import find
from orchestrator.verification.surroundings import environment, foreign_packages
from tests.conftest import MakeRepo, git


def path_of(world: dict[str, str]) -> list[str]:
    return world["PATH"].split(os.pathsep)


def test_the_checkouts_own_commands_come_first_and_the_interpreters_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / "node_modules/.bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    path = path_of(environment(tmp_path, tmp_path / "shims"))
    assert path[:4] == [
        str(tmp_path / ".venv/bin"), str(tmp_path / "node_modules/.bin"), "/usr/bin", "/bin",
    ]  # fmt: skip
    assert path[4] == str(Path(sys.executable).parent)


def test_nothing_that_steers_tools_gets_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIRTUAL_ENV", "GIT_DIR", "GIT_INDEX_FILE", "PYTHONPATH", "SECRET", "CLAUDECODE"):
        monkeypatch.setenv(name, "x")
    world = environment(tmp_path, tmp_path / "shims", ["SECRET"])
    assert world["SECRET"] == "x"
    steering = ("VIRTUAL", "GIT_", "PYTHON", "CLAUDE")
    assert [name for name in world if name.startswith(steering)] == []


def test_python_always_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the interpreter is installed under another name only."""
    bare = tmp_path / "only"
    bare.mkdir()
    (bare / "python9").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.setattr(sys, "executable", str(bare / "python9"))
    world = environment(tmp_path, tmp_path / "shims")
    for name in ("python", "python3"):
        done = subprocess.run(
            [name, "-c", "print(6*7)"], env=world, capture_output=True, text=True, check=True
        )
        assert done.stdout == "42\n"


def virtual_environment(folder: Path, links_to: Path) -> str:
    """A PATH with a Python whose packages include one linked to ``links_to``."""
    packages = folder / "lib/python3.11/site-packages"
    record = packages / "shop-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "direct_url.json").write_text(
        json.dumps({"url": links_to.as_uri(), "dir_info": {"editable": True}})
    )
    (packages / "_shop.pth").write_text(f"{links_to}/src\nimport odd\n")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return str(folder / "bin")


def test_a_package_linked_to_another_checkout_is_reported(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    shop = make_repo()
    side = tmp_path / "side dir"
    git(shop, "worktree", "add", "-q", "--detach", str(side))
    path = virtual_environment(tmp_path / "env", side)
    [warning] = foreign_packages(find(shop), shop, path)
    assert '"shop"' in warning and str(side) in warning
    assert foreign_packages(find(shop), side, path) == ()


def test_a_later_environment_counts_unless_the_checkout_has_its_own(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    shop = make_repo()
    side = tmp_path / "side"
    git(shop, "worktree", "add", "-q", "--detach", str(side))
    later = virtual_environment(tmp_path / "env", shop)
    first = virtual_environment(tmp_path / "plain", tmp_path)
    own = virtual_environment(side / ".venv", side)
    assert len(foreign_packages(find(shop), side, f"{first}{os.pathsep}{later}")) == 1
    assert foreign_packages(find(shop), side, f"{own}{os.pathsep}{later}") == ()


def test_packages_linked_to_other_projects_are_nobodys_business(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    path = virtual_environment(tmp_path / "env", tmp_path / "library")
    assert foreign_packages(find(make_repo()), tmp_path, path) == ()


def test_unreadable_records_are_passed_over(make_repo: MakeRepo, tmp_path: Path) -> None:
    path = virtual_environment(tmp_path / "env", tmp_path)
    for record in (tmp_path / "env").rglob("direct_url.json"):
        record.write_text("[1]")
    for file in (tmp_path / "env").rglob("*.pth"):
        file.write_bytes(b"\xff\xfe")
    assert foreign_packages(find(make_repo()), tmp_path, path) == ()
