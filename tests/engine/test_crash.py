"""A watch that dies between any two steps: the next one goes on, nothing lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from orchestrator.engine import coordinator as coordinator_module
from orchestrator.engine.project import Project
from orchestrator.engine.transfer import Landing, fast_forward
from orchestrator.engine.watch import watch
from orchestrator.store.port import Transaction
from orchestrator.verification.progress import Silent
from tests.conftest import git
from tests.engine.conftest import Shop

T = TypeVar("T")


class Killed(BaseException):
    """Stands for the process being gone: nothing may handle it."""


class Mortal:
    """A store that dies at its n-th write, just before or just after the commit.

    Once dead nothing is written any more, as after ``kill -9``: clean-up that
    only a living process would do does not happen either.
    """

    def __init__(self, store: Any, at: int, after: bool) -> None:
        self._store, self._left, self._after, self.dead = store, at, after, False

    def write(self, body: Callable[[Transaction], T], **options: Any) -> T:
        if self.dead:
            raise Killed
        self._left -= 1
        if self._left == 0 and not self._after:
            self.dead = True
            raise Killed
        result: T = self._store.write(body, **options)
        if self._left == 0:
            self.dead = True
            raise Killed
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def forget_the_dead_watch(shop: Shop) -> None:
    """The dead process's lease names this very process: make it one that is gone."""
    gone = {"pid": 999_999_999, "pid_started": "1"}
    shop.project.store.write(lambda tx: tx.update("coordinators", {"name": "coordinator"}, gone))


def dies_at(shop: Shop, at: int, after: bool) -> bool:
    """Run a watch that dies at its n-th write; False when it got through alive."""
    mortal = Mortal(shop.project.store, at, after)
    project = Project(shop.project.repository, shop.project.config, mortal, shop.project.read_at)
    try:
        watch(project, Silent(), once=True)
    except Killed:
        return True
    return mortal.dead


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before-commit", "after-commit"])
def test_killed_at_any_write_the_next_watch_finishes_once(shop: Shop, after: bool) -> None:
    shop.watch()
    shop.hand_off({"src/app.txt": "version 0\n"})
    at = 0
    while True:
        at += 1
        died = dies_at(shop, at, after)
        forget_the_dead_watch(shop)
        shop.watch()
        assert shop.landed("src/app.txt") == f"version {at - 1}"
        assert shop.state() == "STANDBY"
        assert shop.row("handoffs", f"H-{at}")["status"] == "landed"
        if not died:
            break
        git(shop.worktree("backend"), "merge", "-q", "main")
        shop.hand_off({"src/app.txt": f"version {at}\n"})
    assert at > 8, "the walk has to pass every write of a whole handoff"
    moves = shop.moves()
    assert moves.count("approve") == moves.count("complete") == at
    unverified = [e for e in shop.project.store.events() if e["kind"] == "integration.unverified"]
    assert not unverified
    shop.project.store.verify_events()


def test_killed_between_the_branch_and_its_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def land_and_die(project: Project, old: str, new: str) -> Landing:
        assert fast_forward(project, old, new).landed
        raise Killed

    shop.hand_off({"src/app.txt": "better\n"})
    with monkeypatch.context() as patch:
        patch.setattr(coordinator_module, "fast_forward", land_and_die)
        with pytest.raises(Killed):
            shop.watch()
    assert (shop.state(), shop.landed("src/app.txt")) == ("APPROVED", "better")
    head = shop.head()
    shop.watch()
    assert (shop.state(), shop.head()) == ("STANDBY", head)
    assert shop.moves().count("complete") == 1


@pytest.mark.slow
def test_kill_9_of_the_real_watch_at_different_moments(shop: Shop) -> None:
    for number, delay in enumerate((0.3, 0.6, 0.9, 1.3), start=1):
        git(shop.worktree("backend"), "merge", "-q", "main")
        shop.hand_off({"src/app.txt": f"version {number}\n"})
        command = [sys.executable, "-m", "orchestrator", "-C", str(shop.main), "watch", "--plain"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(delay)  # not a synchronisation: the moment of the kill is what varies
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        shop.watch()
        assert shop.landed("src/app.txt") == f"version {number}"
        assert shop.row("handoffs", f"H-{number}")["status"] == "landed"
    shop.project.store.verify_events()


def test_sigterm_leaves_cleanly_and_ends_every_child(shop: Shop) -> None:
    command = [sys.executable, "-m", "orchestrator", "-C", str(shop.main), "watch", "--plain"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "coordinating shop" in process.stdout.readline()
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output.rstrip().endswith("stopped")
    row = shop.project.store.read(lambda reader: reader.get("coordinators", name="coordinator"))
    assert row is None or row["holder"] is None
