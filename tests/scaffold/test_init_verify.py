"""A repository that ``init`` set up passes ``orchestrate verify``, and fails on planted trouble."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import presets
from orchestrator.scaffold.init import set_up
from tests.conftest import MakeRepo, commit


def verify(repo: Path) -> tuple[int, dict[str, Any]]:
    """``orchestrate verify --all --json`` as it is typed: its status and its report."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "verify", "--all", "--json"],
        cwd=repo,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets.NAMES)
def test_an_empty_repository_with_a_preset_is_verified(make_repo: MakeRepo, preset: str) -> None:
    repo = make_repo()
    set_up(repo, preset=preset)
    commit(repo, {}, "set up")
    status, report = verify(repo)
    assert (status, report["verdict"]) == (0, "passed")
    assert report["results"]["layerIntegrity"]["outcome"] == "passed"


@pytest.mark.slow
def test_planted_trouble_fails_the_verification(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo, preset="web")
    commit(repo, {"src/frontend/a.html": "<img src=gone.png>", "Dockerfile": "FROM x\n"}, "set up")
    status, report = verify(repo)
    checks = report["results"]["layerIntegrity"]["checks"]
    failed = {check["id"] for check in checks if check["result"]["outcome"] == "failed"}
    assert status == 1
    assert failed == {
        "presentation/components",
        "presentation/accessibility",
        "delivery/deployment",
    }
