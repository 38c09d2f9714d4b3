"""What a verdict says about a commit, it says about what is in the commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.plugins.spec import Outcome
from orchestrator.verification.outcome import Verdict, overall
from tests.conftest import git
from tests.verification.world import World, layer, outcomes


def link(world: World, name: str, target: str | Path) -> None:
    """Commit a symbolic link beside what there is."""
    path = world.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    world.commit({})


@pytest.mark.parametrize("way", ["absolute", "relative", "by way of another"])
def test_a_new_link_out_of_the_repository_is_never_passed(
    world: World, tmp_path: Path, way: str
) -> None:
    (tmp_path / "elsewhere").write_text("good")
    outside: dict[str, str | Path] = {
        "absolute": tmp_path / "elsewhere",
        "relative": "../../../../../etc/hostname",
    }
    if way in outside:
        link(world, "data/link", outside[way])
    else:
        (world.folder / "first").symlink_to(tmp_path / "elsewhere")
        link(world, "data/link", "../first")
    report = world.report(world.config(layer("data", read="cat data/link || true")))
    assert outcomes(report)["tree"] == "inconclusive"
    assert overall(report) == Verdict.UNKNOWN
    [check] = [check for check in report.checks if check.id == "tree"]
    assert "data/link" in [finding.file for finding in check.result.findings]
    assert all(finding.remedy for finding in check.result.findings)


def test_links_that_stay_inside_or_lead_to_nothing_are_no_trouble(world: World) -> None:
    link(world, "data/inside", "../README.md")
    link(world, "data/nothing", "/dev/null")
    report = world.report(world.config(layer("data", a="true")))
    assert outcomes(report) == {"data/a": "passed"} and not report.warnings


def test_a_link_that_was_there_is_told_and_nothing_is_replayed(
    world: World, tmp_path: Path
) -> None:
    outside = tmp_path / "answer"
    link(world, "data/link", outside)
    world.commit({"data/a": "1"})
    config = world.config(layer("data", a="cat data/link"))
    outside.write_text("one")
    first = world.report(config)
    outside.write_text("two")
    second = world.report(config, run_id="run-2")
    assert [r.checks[0].result.output for r in (first, second)] == ["one", "two"]
    assert second.checks[0].cached_from is None
    assert [text for text in second.warnings if "data/link" in text and "replayed" in text]


def test_a_submodule_nobody_fetched_is_told(world: World) -> None:
    head = git(world.folder, "rev-parse", "HEAD")
    git(world.folder, "update-index", "--add", "--cacheinfo", f"160000,{head},vendor/sub")
    git(world.folder, "commit", "-qm", "a submodule")
    world.candidate = type(world.candidate).of(world.repository.git, "HEAD", "HEAD~1")
    report = world.report(world.config(layer("data", a="true")))
    assert [text for text in report.warnings if "submodule" in text and "vendor/sub" in text]


def test_changed_files_of_no_layer_are_told_and_not_called_verified(world: World) -> None:
    world.commit({"data/a": "1", "conftest.py": "x", "plugins/mine.py": "y"})
    config = world.config(layer("data", a="true"))
    report = world.report(config, everything=False)
    assert report.warnings == ("in no layer, so no layer was checked for it: conftest.py",)
    assert report.checks[0].outcome is Outcome.PASSED
    assert not world.report(config, everything=True).warnings
