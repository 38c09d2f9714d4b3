"""Assign, ready, withdraw, release: what an instance does with its work."""

from __future__ import annotations

import os
import threading

import pytest

from orchestrator.coordination.callers import Caller, NotYou
from orchestrator.coordination.liveness import TTL_MS
from orchestrator.engine.handoff import RefNotFound, ready, release, withdraw
from orchestrator.engine.notes import FIELDS, TEMPLATE, missing, parse
from orchestrator.engine.transition import Moved, NoSuchRow
from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.machine import GuardRefused, ImpossibleEvent
from tests.conftest import commit, git
from tests.engine.conftest import CONFIG, NOTES, Shop


def test_ready_pins_the_commit_and_names_the_target(shop: Shop) -> None:
    shop.assign()
    head = shop.work({"src/app.txt": "better\n"})
    handoff = shop.ready().handoff
    assert (handoff["id"], handoff["head"], handoff["target"]) == ("H-1", head, "frontend")
    assert shop.state() == "HANDOFF_READY"
    git(shop.worktree("backend"), "checkout", "-q", "--detach", "main")
    git(shop.main, "branch", "-D", "backend")
    assert git(shop.main, "rev-parse", "refs/orchestrate/handoffs/H-1") == head


def test_ready_twice_with_the_same_commit_is_harmless(shop: Shop) -> None:
    shop.assign()
    shop.work({"src/app.txt": "better\n"})
    first, second = shop.ready(), shop.ready()
    assert second.again and second.handoff["id"] == first.handoff["id"]
    assert shop.moves() == ["assign", "ready"]


def test_two_ready_at_once_make_one_handoff(shop: Shop) -> None:
    shop.assign()
    shop.work({"src/app.txt": "better\n"})
    barrier, results = threading.Barrier(4), []

    def mark() -> None:
        barrier.wait()
        results.append(shop.ready().handoff["id"])

    threads = [threading.Thread(target=mark) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["H-1"] * 4
    assert shop.moves().count("ready") == 1


def test_ready_lists_every_reason_at_once(shop: Shop) -> None:
    shop.assign()
    with pytest.raises(GuardRefused) as refused:
        ready(shop.at("backend"), shop.caller("backend"), "backend", ref="HEAD", notes={"Why": "x"})
    assert "commit your work first" in refused.value.message
    assert "the notes lack: What changed, How to verify" in refused.value.message
    assert shop.state() == "ACTIVE"


def test_a_ref_that_names_nothing_is_said_and_changes_nothing(shop: Shop) -> None:
    shop.assign()
    for ref in ("gone", "--help", "HEAD~99", "a b\n", ""):
        with pytest.raises(RefNotFound):
            shop.ready(ref=ref)
    assert shop.state() == "ACTIVE"


def test_ready_from_standby_says_what_is_possible(shop: Shop) -> None:
    shop.work({"src/app.txt": "better\n"})
    with pytest.raises(ImpossibleEvent) as refused:
        shop.ready()
    assert refused.value.hint == "from STANDBY you can: assign, rollback"


def test_foreign_files_are_remarked_by_default_and_refused_on_deny(shop: Shop) -> None:
    shop.assign()
    shop.work({"src/app.txt": "better\n", "ui/page.txt": "mine now\n"})
    assert "ui/page.txt belongs to frontend" in shop.ready().remarks
    withdraw(shop.project, shop.caller("backend"), "backend")
    commit(shop.main, {"config/orchestrate.yaml": CONFIG + "approval: {ownership: deny}\n"})
    shop.reopen()
    with pytest.raises(GuardRefused, match=r"ui/page\.txt belongs to frontend"):
        shop.ready()


def test_uncommitted_changes_are_remarked(shop: Shop) -> None:
    shop.assign()
    shop.work({"src/app.txt": "better\n"})
    (shop.worktree("backend") / "src/app.txt").write_text("not committed\n")
    assert any("uncommitted" in remark for remark in shop.ready().remarks)


def test_a_human_withdraws_for_an_instance(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    withdraw(shop.project, Caller("human:ada", human=True), "backend")
    assert shop.state() == "ACTIVE"
    assert shop.row("handoffs", "H-1")["status"] == "withdrawn"


def test_another_session_cannot_act_as_an_occupied_instance(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    mine = Caller("backend", human=False, session="s-1", pid=os.getpid())
    withdraw(shop.project, mine, "backend")
    with pytest.raises(NotYou, match="another live session"):
        ready(shop.at("backend"), Caller("x", False, "s-2"), "backend", ref="HEAD", notes=NOTES)


def test_a_session_that_cannot_be_looked_at_is_gone_after_a_while(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    withdraw(shop.project, Caller("backend", False, "s-1"), "backend")
    with pytest.raises(NotYou, match="another live session"):
        ready(shop.at("backend"), Caller("x", False, "s-2"), "backend", ref="HEAD", notes=NOTES)
    long_ago = {"heartbeat_at": shop.row("instances", "backend")["heartbeat_at"] - TTL_MS - 1000}
    shop.project.store.write(lambda tx: tx.update("instances", {"id": "backend"}, long_ago))
    shop.project.store.write(lambda tx: tx.update("sessions", {"id": "s-1"}, long_ago))
    ready(shop.at("backend"), Caller("x", False, "s-2"), "backend", ref="HEAD", notes=NOTES)
    assert shop.row("instances", "backend")["session"] == "s-2"


def test_release_frees_the_instance_and_keeps_the_commits(shop: Shop) -> None:
    shop.hand_off({"src/app.txt": "better\n"})
    head = shop.row("handoffs", "H-1")["head"]
    release(shop.project, Caller("human:ada", human=True), "backend", reason="client died")
    assert (shop.state(), shop.row("instances", "backend")["task"]) == ("STANDBY", None)
    assert git(shop.main, "rev-parse", "refs/orchestrate/handoffs/H-1") == head


def test_the_verifying_instance_cannot_hand_off(shop: Shop) -> None:
    shop.assign("coordinator")
    commit(shop.main, {"docs/a.md": "a\n"})
    git(shop.main, "checkout", "-q", "-b", "docs")
    commit(shop.main, {"docs/a.md": "b\n"})
    with pytest.raises(GuardRefused, match="nobody verifies their own work"):
        ready(shop.project, shop.caller("coordinator"), "coordinator", ref="docs", notes=NOTES)


def test_an_unknown_instance_lists_the_known_ones(shop: Shop) -> None:
    with pytest.raises(NoSuchRow) as refused:
        shop.assign("backnd")
    assert "backend" in (refused.value.hint or "")


def test_names_with_quotes_newlines_and_escapes_are_data(shop: Shop) -> None:
    shop.assign(task='a "quoted"\nline \x1b[31mred')
    assert shop.row("instances", "backend")["task"] == 'a "quoted"\nline \x1b[31mred'
    shop.project.store.verify_events()


def test_an_unknown_target_is_refused(shop: Shop) -> None:
    shop.assign()
    shop.work({"src/app.txt": "better\n"})
    with pytest.raises(OrchestrateError, match="no instance 'nobody'"):
        ready(
            shop.at("backend"), shop.caller("backend"), "backend",
            ref="HEAD", notes=NOTES, target="nobody",
        )  # fmt: skip


def test_the_template_asks_for_every_field_and_is_itself_incomplete() -> None:
    assert all(f"## {field}" in TEMPLATE for field in FIELDS)
    assert missing(parse(TEMPLATE)) == list(FIELDS)


def test_notes_are_parsed_by_heading_whatever_its_level_or_case() -> None:
    text = "# what CHANGED:\nThis.\n\n### Why ###\nThat.\n## Other\nmore\n"
    assert parse(text) == {"What changed": "This.", "Why": "That.\n## Other\nmore"}


def test_moved_is_said_when_somebody_was_faster() -> None:
    assert Moved.code == "E303" and Moved.exit_status == 12
