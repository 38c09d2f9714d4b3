"""What git commit meets, with the hooks really run by git."""

from __future__ import annotations

import sqlite3

import pytest

from orchestrator.coordination import unchecked
from orchestrator.engine.git_hooks.install import remove
from tests.githooks.conftest import LINES, Shop, change, git, run


def test_a_file_somebody_else_holds_is_refused_and_the_rest_can_be_committed(shop: Shop) -> None:
    shop.lease("backend", "src/a.py")
    there = shop.at("frontend")
    change(there, {"src/a.py": "mine\n", "ui/b.js": "better\n"})
    said = run(there, "commit", "-qm", "both", who="frontend")
    assert (said.status, git(there, "log", "--format=%s")) == (1, "first")
    assert "src/a.py is leased by backend (L-1)" in said.text
    assert "hint: orchestrate lease list" in said.text
    assert run(there, "commit", "-qm", "mine alone", "ui/b.js", who="frontend").status == 0
    shop.release("backend")
    assert run(there, "commit", "-qm", "free now", who="frontend").status == 0
    assert shop.unchecked() == []


@pytest.mark.parametrize("files", [{"src/a.py": None}, {"src/a.py": None, "ui/moved.py": LINES}])
def test_deleting_and_renaming_count_as_changes(shop: Shop, files: dict[str, str | None]) -> None:
    shop.lease("backend", "src/a.py")
    change(shop.at("frontend"), files)
    said = run(shop.at("frontend"), "commit", "-qm", "away", who="frontend")
    assert (said.status, "src/a.py is leased by backend" in said.text) == (1, True)


def test_a_fence_is_refused_after_the_other_has_let_go(shop: Shop) -> None:
    shop.lease("frontend", "src/a.py")
    shop.release("frontend")
    shop.lease("backend", "src/a.py")
    shop.release("backend")
    change(shop.at("frontend"), {"src/a.py": "late\n"})
    said = run(shop.at("frontend"), "commit", "-qm", "late", who="frontend")
    assert said.status == 1
    assert "backend took src/a.py after frontend" in said.text


@pytest.mark.parametrize(("policy", "status"), [("warn", 0), ("ask", 1), ("deny", 1)])
def test_ownership_is_said_or_refused_by_policy(shop: Shop, policy: str, status: int) -> None:
    shop.policy(f"approval: {{ownership: {policy}}}")
    change(shop.at("frontend"), {"src/a.py": "foreign\n"})
    said = run(shop.at("frontend"), "commit", "-qm", "foreign", who="frontend")
    assert said.status == status
    assert "src/a.py belongs to backend" in said.text


def test_a_human_is_warned_and_goes_on_unless_the_configuration_refuses(shop: Shop) -> None:
    shop.lease("backend", "src/a.py")
    change(shop.at("frontend"), {"src/a.py": "by hand\n"})
    said = run(shop.at("frontend"), "commit", "-qm", "by hand")
    assert (said.status, "src/a.py is leased by backend" in said.text) == (0, True)
    assert "you are a human, so it goes on" in said.text
    shop.policy("git_hooks: {humans: refuse}")
    change(shop.at("frontend"), {"src/a.py": "again\n"})
    assert run(shop.at("frontend"), "commit", "-qm", "again").status == 1


def test_the_integration_branch_takes_no_direct_commit_of_an_instance(shop: Shop) -> None:
    change(shop.main, {"src/new.py": "new\n"})
    said = run(shop.main, "commit", "-qm", "direct", who="backend")
    assert said.status == 1
    assert "git switch -c NAME" in said.text
    said = run(shop.main, "commit", "-qm", "by hand")
    assert (said.status, "lands unverified" in said.text) == (0, True)


def test_an_initial_commit_amending_and_rebasing_work(shop: Shop) -> None:
    there = shop.at("backend")
    git(there, "switch", "-q", "--orphan", "other")
    change(there, {"src/x.py": "x\n"})
    assert run(there, "commit", "-qm", "initial", who="backend").status == 0
    change(there, {"src/x.py": "y\n"})
    assert run(there, "commit", "-q", "--amend", "-m", "amended", who="backend").status == 0
    git(there, "switch", "-q", "backend")
    change(there, {"src/y.py": "y\n"})
    assert run(there, "commit", "-qm", "y", who="backend").status == 0
    change(shop.main, {"ui/c.js": "c\n"})
    assert run(shop.main, "commit", "-qm", "c").status == 0
    assert run(there, "rebase", "-q", "main", who="backend").status == 0
    assert git(there, "log", "--format=%s") == "y\nc\nfirst"
    assert shop.unchecked() == []


def test_a_commit_past_the_check_is_in_the_log_at_once(shop: Shop) -> None:
    there = shop.at("backend")
    change(there, {"src/a.py": "x\n"})
    said = run(there, "commit", "-q", "--no-verify", "-m", "past", who="backend")
    assert (said.status, "without our check" in said.text) == (0, True)
    [event] = shop.unchecked()
    assert (event["actor"], event["instance"]) == ("backend", "backend")
    assert git(there, "rev-parse", "HEAD") in event["data"]


def test_a_commit_with_the_hooks_switched_off_is_in_the_log_at_the_next_one(shop: Shop) -> None:
    there = shop.at("backend")
    change(there, {"src/a.py": "x\n"})
    off = run(there, "-c", "core.hooksPath=/dev/null", "commit", "-qm", "off", who="backend")
    assert (off.status, shop.unchecked()) == (0, [])
    past = git(there, "rev-parse", "HEAD")
    change(there, {"src/a.py": "y\n"})
    assert run(there, "commit", "-qm", "checked", who="backend").status == 0
    [event] = shop.unchecked()
    assert (event["actor"], past in event["data"]) == ("unknown", True), "who it was is not known"
    assert git(there, "rev-parse", "HEAD") not in event["data"]


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_where_nobody_can_tell_an_instance_is_refused_and_a_human_is_not(
    shop: Shop, damage: str
) -> None:
    shop.project.store.close()
    database = shop.project.repository.state / "state.db"
    for path in database.parent.glob("state.db*"):
        path.unlink()
    if damage == "corrupt":
        database.write_bytes(b"no database at all" * 500)
        with pytest.raises(sqlite3.DatabaseError):
            sqlite3.connect(database).execute("SELECT * FROM sqlite_master")
    change(shop.at("backend"), {"src/a.py": "x\n"})
    said = run(shop.at("backend"), "commit", "-qm", "x", who="backend")
    assert (said.status, "cannot decide, so this is refused" in said.text) == (1, True)
    said = run(shop.at("backend"), "commit", "-qm", "x")
    assert (said.status, "so nothing was checked" in said.text) == (0, True)


def test_where_our_program_has_gone_an_instance_is_refused_and_a_human_is_not(shop: Shop) -> None:
    for file in (shop.main / ".git/hooks").glob("p*-*"):
        if "orchestrate" in file.read_text():
            file.write_text(file.read_text().replace("python=", "python=/gone", 1))
    change(shop.at("backend"), {"src/a.py": "x\n"})
    said = run(shop.at("backend"), "commit", "-qm", "x", who="backend")
    assert (said.status, "orchestrate githooks install" in said.text) == (1, True)
    assert run(shop.at("backend"), "commit", "-qm", "x").status == 0


def test_file_names_cannot_write_to_the_terminal(shop: Shop) -> None:
    shop.policy("approval: {ownership: deny}")
    change(shop.at("frontend"), {"src/\x1b[31mred.py": "x\n"})
    said = run(shop.at("frontend"), "commit", "-qm", "x", who="frontend")
    assert (said.status, "\x1b" in said.text, "\\x1b[31mred.py" in said.text) == (1, False, True)


def test_a_commit_past_the_hooks_is_told_by_others_once_it_is_a_minute_old(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, store, common = shop.at("backend"), shop.project.store, shop.main / ".git"
    change(there, {"src/a.py": "x\n"})
    run(there, "-c", "core.hooksPath=/dev/null", "commit", "-qm", "off", who="backend")
    assert unchecked.notice(store, common) == [], "its own hook may still be running"
    monkeypatch.setattr(unchecked, "SETTLED", -60)
    assert unchecked.notice(store, common) == [git(there, "rev-parse", "HEAD")]
    assert unchecked.notice(store, common) == [], "once"
    log = common / "logs/refs/heads/backend"
    log.write_text(log.read_text().splitlines(keepends=True)[-1])  # as git expires old lines
    assert unchecked.notice(store, common) == [], "nor again when git shortens its log"
    remove(shop.project)
    change(there, {"src/a.py": "y\n"})
    git(there, "commit", "-qm", "free")
    assert unchecked.notice(store, common) == [], "taken out: nobody promised a check"


def test_of_a_merge_of_many_sides_it_is_said_that_nobody_looked(shop: Shop) -> None:
    there = shop.at("backend")
    for name in ("one", "two"):
        git(there, "switch", "-qc", name, "backend")
        change(there, {f"src/{name}.py": f"{name}\n"})
        git(there, "commit", "-qm", name)
    git(there, "switch", "-q", "backend")
    said = run(there, "merge", "-m", "both", "one", "two", who="backend")
    assert (said.status, "a merge of 3 sides: what it loses is not looked at" in said.text) == (
        0,
        True,
    )
