"""The example plugin that ``init`` writes is a real one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.scaffold.init import set_up
from orchestrator.testing import plugins as harness
from tests.conftest import MakeRepo, commit


def example(repo: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("example", repo / "plugins/example.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judged(repo: Path, tmp_path: Path, changed: tuple[str, ...] | None) -> CheckResult:
    plugin = example(repo)
    (check,) = harness.plan(plugin, harness.config(), checkout=repo, changed=changed)
    return harness.execute(plugin, check, harness.context(repo, tmp_path / "scratch"))


def test_the_example_plugin_passes_and_fails(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo()
    set_up(repo)
    (tmp_path / "scratch").mkdir()
    commit(repo, {}, "set up")
    assert judged(repo, tmp_path, None).outcome == Outcome.PASSED
    commit(repo, {"large file.bin": "x" * 5_000_001})
    found = judged(repo, tmp_path, None)
    assert found.outcome == Outcome.FAILED
    assert [finding.file for finding in found.findings] == ["large file.bin"]
    assert judged(repo, tmp_path, ("README.md",)).outcome == Outcome.PASSED


def test_the_example_plugin_stays_out_of_single_layers(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo)
    assert harness.plan(example(repo), harness.config(), project_wide=False) == []
