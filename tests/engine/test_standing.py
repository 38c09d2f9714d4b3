"""An approval is bound to what was verified with what: when one of it moves, it is void."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from orchestrator.engine.standing import Standing
from tests.conftest import git
from tests.engine.conftest import Shop
from tests.environments import environment
from tests.plugins.test_manager import GOOD

VOIDED = ["verify", "approve", "void", "verify", "approve", "complete", "standby"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site-packages of an environment of its own, in which workers then run."""
    python, packages = environment(tmp_path / "environment")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    return packages


def install(packages: Path, version: str) -> None:
    """Install or upgrade the plugin, as pip would leave it."""
    (packages / "shop_checks.py").write_text(GOOD.replace('"2.1"', f'"{version}"'))
    for old in packages.glob("shop_checks-*.dist-info"):
        shutil.rmtree(old)
    info = packages / f"shop_checks-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shop\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[orchestrator]\nshop = shop_checks\n")


def approved_and_waiting(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    (shop.main / "src/app.txt").write_text("somebody is typing\n")
    shop.watch()
    assert shop.state() == "APPROVED"


def test_a_plugin_upgraded_while_landing_waits_voids_the_approval(
    shop: Shop, elsewhere: Path
) -> None:
    install(elsewhere, "2.1")
    approved_and_waiting(shop)
    install(elsewhere, "2.2")
    git(shop.main, "checkout", "-q", "src/app.txt")
    shop.watch()
    assert shop.moves()[2:] == VOIDED
    void = next(e for e in shop.project.store.events() if e["kind"] == "instance.void")
    assert void["reason"] == 'the plugin "licences" was 2.1, is 2.2'
    report = json.loads(shop.row("runs", "R-2")["report"])
    assert report["plugins"]["licences"] == "2.2"
    assert shop.landed("src/app.txt") == "better"


def test_a_removed_plugin_voids_the_approval(shop: Shop, elsewhere: Path) -> None:
    install(elsewhere, "2.1")
    approved_and_waiting(shop)
    shutil.rmtree(elsewhere / "shop_checks-2.1.dist-info")
    git(shop.main, "checkout", "-q", "src/app.txt")
    shop.watch()
    assert shop.moves()[2:] == VOIDED


def test_the_same_plugins_leave_an_approval_standing(shop: Shop) -> None:
    approved_and_waiting(shop)
    git(shop.main, "checkout", "-q", "src/app.txt")
    shop.watch()
    assert "void" not in shop.moves()
    assert shop.landed("src/app.txt") == "better"


def test_a_later_run_that_failed_voids_the_approval(shop: Shop) -> None:
    approved_and_waiting(shop)
    run = shop.row("runs", "R-1")
    later = {**run, "id": "R-7", "verdict": "failed", "started_at": run["started_at"] + 1}
    shop.project.store.write(lambda tx: tx.insert("runs", later))
    assert Standing().moved(shop.project, shop.row("handoffs", "H-1")) == (
        "a later run, R-7, failed",
    )


def test_an_inspection_nobody_needs_any_more_does_not_keep_the_watch(shop: Shop) -> None:
    approved_and_waiting(shop)
    asked = Standing()
    assert asked.moved(shop.project, shop.row("handoffs", "H-1")) is None
    assert asked.pending
    asked.close()
    assert not asked.pending and not asked.collect()
