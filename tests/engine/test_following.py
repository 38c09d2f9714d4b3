"""A lease follows its file to a new name at the next heartbeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.coordination import leases
from orchestrator.engine import following
from orchestrator.engine.attendance import Wish, beat, check_in
from orchestrator.engine.leasing import Wish as LeaseWish
from orchestrator.engine.leasing import acquire
from orchestrator.git import Git
from orchestrator.store.port import Row
from tests.conftest import commit, git
from tests.coordination.leasing import acquired, check
from tests.engine.conftest import Shop


class Backend:
    """The instance ``backend`` at work in its worktree, which leases ``src/app.txt``."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.folder = shop, shop.worktree("backend")
        self.project = shop.at("backend")
        check_in(self.project, Wish(instance="backend"))
        acquire(self.project, LeaseWish(("src/app.txt",)))

    def beat(self) -> Row:
        return beat(self.project)

    def held(self) -> list[str]:
        rows = self.shop.project.store.read(lambda r: leases.held(r, instance="backend"))
        return sorted(row["path"] for row in rows)


@pytest.fixture
def backend(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("ORCHESTRATE_SESSION", "s-backend")
    monkeypatch.chdir(shop.worktree("backend"))
    return Backend(shop)


BOTH = ["src/app.txt", "src/program.txt"]


def test_a_staged_rename_is_followed_also_where_the_file_was_edited(backend: Backend) -> None:
    commit(backend.folder, {"src/app.txt": "line\n" * 20}, "longer")
    git(backend.folder, "mv", "src/app.txt", "src/program.txt")
    (backend.folder / "src/program.txt").write_text("line\n" * 20 + "and one\n")
    assert backend.beat()["followed"] == (("src/app.txt", "src/program.txt"),)
    assert backend.held() == BOTH
    assert check(backend.shop.project.store, "frontend", "src/program.txt").state == "held"


def test_a_committed_rename_is_followed(backend: Backend) -> None:
    git(backend.folder, "mv", "src/app.txt", "src/program.txt")
    git(backend.folder, "commit", "-qm", "renamed")
    backend.beat()
    assert backend.held() == BOTH


def test_a_file_git_does_not_know_yet_is_recognised_by_its_content(backend: Backend) -> None:
    (backend.folder / "src/other.txt").write_text("other\n")
    (backend.folder / "src/app.txt").rename(backend.folder / "src/program.txt")
    backend.beat()
    assert backend.held() == BOTH
    (row,) = [r for r in backend.shop.rows("leases") if r["path"] == "src/program.txt"]
    assert row["hash"], "its content is compared from now on"


def test_a_new_name_somebody_else_holds_is_said_and_not_taken(backend: Backend) -> None:
    acquired(backend.shop.project.store, "frontend", "src/program.txt")
    git(backend.folder, "mv", "src/app.txt", "src/program.txt")
    said = backend.beat()
    assert said["followed"] == ()
    assert said["remarks"] == ("src/app.txt was renamed to src/program.txt, which frontend holds",)
    assert backend.held() == ["src/app.txt"]


def test_a_new_name_in_another_s_folder_is_not_taken_under_deny(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "config/orchestrate.yaml"
    text = (shop.main / path).read_text() + "approval: {ownership: deny}\n"
    commit(shop.main, {path: text}, "deny")
    monkeypatch.setenv("ORCHESTRATE_SESSION", "s-backend")
    monkeypatch.chdir(shop.worktree("backend"))
    backend = Backend(shop)
    git(backend.folder, "mv", "src/app.txt", "ui/program.txt")
    assert backend.beat()["remarks"] == (
        "src/app.txt was renamed to ui/program.txt, and ui/program.txt belongs to frontend",
    )
    assert backend.held() == ["src/app.txt"]


def test_git_is_asked_once_about_each_disappearance(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    run = Git.run

    def counted(self: Git, *arguments: str, **options: object) -> object:
        asked.append(arguments)
        return run(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "run", counted)
    backend.beat()
    assert asked == [], "everything is where it was"
    (backend.folder / "src/app.txt").unlink()
    backend.beat()
    first = len(asked)
    backend.beat()
    assert 0 < first == len(asked), "nothing has changed since"
    git(backend.folder, "add", "-A")
    backend.beat()
    assert len(asked) > first, "the index has"
    assert backend.held() == ["src/app.txt"], "a file that was deleted went nowhere"


def test_a_checkout_that_is_gone_is_no_error(backend: Backend, shop: Shop, tmp_path: Path) -> None:
    (backend.folder / "src/app.txt").unlink()
    (backend.folder / ".git").rename(tmp_path / "away")
    session = shop.row("sessions", "s-backend")
    assert following.follow(backend.project, session) == following.Followed()
