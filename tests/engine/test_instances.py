"""Instances are made with their worktree or not at all, and retired when nothing needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.coordination.callers import Caller
from orchestrator.coordination.sessions import Client, register
from orchestrator.engine import creating
from orchestrator.engine.creating import CannotCreate, Created, create
from orchestrator.engine.instances import NotRetired, retire
from orchestrator.engine.transition import NoSuchRow, row_of
from orchestrator.errors import OrchestrateError
from orchestrator.store.port import Transaction
from tests.conftest import commit, git
from tests.engine.conftest import Shop

ADA = Caller("human:ada", human=True)


def make(shop: Shop, name: str = "api", branch: str = "api", folder: str | None = None) -> Created:
    place = shop.main.parent / (folder or name)
    return create(shop.project, ADA, name, worktree=place, branch=branch, role="API")


def worktrees(shop: Shop) -> set[str]:
    return {Path(one["path"]).name for one in shop.project.git.worktrees()}


def branches(shop: Shop) -> set[str]:
    return set(git(shop.main, "branch", "--format", "%(refname:short)").split())


def live_in(shop: Shop, name: str, session: str = "s-1") -> None:
    def body(tx: Transaction) -> None:
        register(tx, Client(session, os.getpid()), row_of(tx, "instances", name), None)

    shop.project.store.write(body)


def test_an_instance_comes_with_its_worktree_and_branch(shop: Shop) -> None:
    made = make(shop)
    assert (made.worktree_made, made.branch_made) == (True, True)
    assert git(shop.main.parent / "api", "branch", "--show-current") == "api"
    row = shop.row("instances", "api")
    assert (row["role"], row["state"], row["branch"]) == ("API", "STANDBY", "api")
    assert row["worktree"] == str((shop.main.parent / "api").resolve())


def test_making_it_again_changes_nothing(shop: Shop) -> None:
    make(shop)
    events = len(list(shop.project.store.events()))
    again = make(shop)
    assert (again.worktree_made, again.branch_made) == (False, False)
    assert len(list(shop.project.store.events())) == events


def test_a_branch_that_exists_is_checked_out_as_it_is(shop: Shop) -> None:
    git(shop.main, "branch", "api")
    assert not make(shop).branch_made


def test_what_is_configured_is_the_default(shop: Shop) -> None:
    git(shop.main, "worktree", "remove", "--force", "../backend")
    made = create(shop.project, ADA, "backend")
    assert (made.worktree_made, made.branch_made) == (True, False)
    assert shop.row("instances", "backend")["role"] == "BACKEND_DEVELOPMENT"


@pytest.mark.parametrize(
    ("name", "branch", "folder", "said"),
    [
        ("api", "api", "main", "has main checked out"),
        ("api", "backend", "api", "backend is checked out in"),
        ("api", "api", "full", "exists and is no worktree"),
        ("api", "a..b", "api", "cannot be a branch"),
        ("api", "-f", "api", "cannot be a branch"),
        ("backend", "backend", "elsewhere", "works in"),
        ("a/b", "api", "api", "cannot be the name"),
        ("-n", "api", "api", "cannot be the name"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing_behind(
    shop: Shop, name: str, branch: str, folder: str, said: str
) -> None:
    (shop.main.parent / "full").mkdir()
    (shop.main.parent / "full" / "file").touch()
    before = worktrees(shop), branches(shop)
    with pytest.raises(OrchestrateError, match=said):
        make(shop, name, branch, folder)
    assert (worktrees(shop), branches(shop)) == before
    assert (shop.main.parent / "full" / "file").exists()


def test_a_place_has_to_be_said(shop: Shop) -> None:
    with pytest.raises(CannotCreate, match="not said where api works"):
        create(shop.project, ADA, "api")


def test_a_failure_half_way_removes_what_was_made(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(creating, "_register", fail)
    before = worktrees(shop), branches(shop)
    with pytest.raises(OSError, match="disk full"):
        make(shop)
    assert (worktrees(shop), branches(shop)) == before
    assert not (shop.main.parent / "api").exists()


def test_a_failure_never_removes_a_branch_that_was_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    git(shop.main, "branch", "api")
    monkeypatch.setattr(creating, "_register", fail)
    with pytest.raises(OSError, match="disk full"):
        make(shop)
    assert "api" in branches(shop)


def test_what_a_kill_left_behind_is_finished(shop: Shop) -> None:
    git(shop.main, "worktree", "add", "-q", "-b", "api", str(shop.main.parent / "api"))
    assert not make(shop).worktree_made
    assert shop.row("instances", "api")["state"] == "STANDBY"
    git(shop.main, "worktree", "add", "-q", "-b", "web", str(shop.main.parent / "web"))
    subprocess.run(["rm", "-r", str(shop.main.parent / "web")], check=True)
    assert make(shop, "web", "web").worktree_made


@pytest.mark.slow
def test_of_many_who_make_it_at_once_all_get_the_same(shop: Shop) -> None:
    command = [sys.executable, "-m", "orchestrator", "instance", "create", "api"]
    more = ["--worktree", "../api", "--branch", "api"]
    racing = [
        subprocess.Popen([*command, *more], cwd=shop.main, stdout=-3, stderr=-3) for _ in range(6)
    ]
    assert [one.wait() for one in racing] == [0] * 6
    kinds = [event["kind"] for event in shop.project.store.events(where={"instance": "api"})]
    assert kinds == ["instance.create"]
    assert git(shop.main.parent / "api", "branch", "--show-current") == "api"


def test_a_human_retires_an_instance_and_its_events_stay(shop: Shop) -> None:
    make(shop)
    commit(shop.main.parent / "api", {"src/app.txt": "x\n"})
    retire(shop.project, ADA, "api", reason="done")
    assert shop.rows("instances", id="api") == []
    kinds = [event["kind"] for event in shop.project.store.events(where={"instance": "api"})]
    assert kinds == ["instance.create", "instance.retire"]
    assert (shop.main.parent / "api" / "src" / "app.txt").exists()
    with pytest.raises(NoSuchRow):
        retire(shop.project, ADA, "api")


def test_an_instance_retires_itself_and_nobody_else(shop: Shop) -> None:
    make(shop)
    live_in(shop, "api")
    with pytest.raises(NotRetired, match="backend may not retire api"):
        retire(shop.project, Caller("backend", human=False, session="s-2"), "api")
    with pytest.raises(NotRetired, match="s-1 may live"):
        retire(shop.project, ADA, "api")
    retire(shop.project, Caller("api", human=False, session="s-1"), "api")
    assert shop.row("sessions", "s-1")["ended_at"] is not None


def test_an_open_handoff_or_the_configuration_keeps_an_instance(shop: Shop) -> None:
    with pytest.raises(NotRetired, match="the configuration names backend"):
        retire(shop.project, ADA, "backend")
    make(shop)
    shop.project.store.write(
        lambda tx: tx.update("instances", {"id": "api"}, {"handoff": "H-1", "state": "FAILED"})
    )
    with pytest.raises(NotRetired, match="open handoff H-1"):
        retire(shop.project, ADA, "api")
