"""The commands of a handoff's whole way, as their users see them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.engine.notes import FIELDS
from tests.cli.shops import Call, call
from tests.conftest import commit, git
from tests.engine.conftest import CONFIG, Shop, shop

__all__ = ["call", "shop"]


@pytest.fixture
def notes(tmp_path: Path) -> str:
    path = tmp_path / "notes.md"
    path.write_text("".join(f"## {field}\n\nSomething.\n\n" for field in FIELDS))
    return str(path)


def handed_off(shop: Shop, call: Call, notes: str, content: str = "better\n") -> None:
    assert call("assign", "backend", "--task", "add a thing")[0] == 0
    shop.work({"src/app.txt": content})
    assert call("ready", "--notes", notes, at="backend")[0] == 0


def test_from_task_to_ready_each_command_prints_the_change_of_state(
    shop: Shop, call: Call, notes: str
) -> None:
    assert call("assign", "backend", "--task", "add a thing") == (
        0,
        "backend  STANDBY → ACTIVE  add a thing\n",
        "",
    )
    head = shop.work({"src/app.txt": "better\n"})
    status, printed, _ = call("ready", "--notes", notes, at="backend")
    assert (status, printed) == (
        0,
        f"backend  ACTIVE → HANDOFF_READY  H-1 {head[:12]} for frontend\n",
    )
    status, printed, _ = call("withdraw", at="backend")
    assert (status, printed) == (0, "backend  HANDOFF_READY → ACTIVE\n")


def test_missing_notes_are_named_and_nothing_changes(
    shop: Shop, call: Call, tmp_path: Path
) -> None:
    call("assign", "backend", "--task", "t")
    shop.work({"src/app.txt": "better\n"})
    thin = tmp_path / "thin.md"
    thin.write_text("## What changed\nall\n")
    status, _, said = call("ready", "--notes", str(thin), at="backend")
    assert status == 2
    assert "lack: Why, How to verify, Known risks, What the target must do" in said
    status, _, said = call("ready", at="backend")
    assert status == 1 and "E302 ready is refused: the notes lack: What changed" in said
    assert shop.state() == "ACTIVE"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe", "not UTF-8"), (b"x" * 70_000, "larger than 64 KiB"), (None, "cannot read")],
)
def test_notes_that_are_no_text_are_refused(
    shop: Shop, call: Call, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "notes.md"
    if content is not None:
        path.write_bytes(content)
    status, _, error = call("ready", "--notes", str(path), at="backend")
    assert status == 2 and said in error


def test_the_template_is_printed_without_any_repository(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, printed, _ = call("ready", "--template")
    assert status == 0 and [f for f in FIELDS if f"## {f}\n" in printed] == list(FIELDS)


def test_outside_a_worktree_the_instance_has_to_be_named(call: Call, notes: str) -> None:
    status, _, said = call("ready", "--notes", notes)
    assert status == 2
    assert said.endswith("hint: name it: --instance ID, one of: backend, coordinator, frontend\n")


def test_list_show_and_explain_say_where_a_handoff_stands(
    shop: Shop, call: Call, notes: str
) -> None:
    handed_off(shop, call, notes, "broken\n")
    assert call("explain", "H-1")[1] == "H-1 has not been judged yet (attempt 1)\n"
    shop.watch()
    assert "REMEDIATION" in call("handoff", "list")[1]
    shown = call("handoff", "show", "H-1")[1]
    assert "code/sound" in shown and "What the target must do" in shown
    told = call("explain", "H-1")[1]
    assert told.startswith("rejected by reject_when\n") and "report.failed = 1" in told
    value = json.loads(call("handoff", "show", "H-1", "--json")[1])
    assert value["state"] == "REMEDIATION" and value["runs"][0]["verdict"] == "failed"


def test_an_unknown_handoff_lists_the_known_ones(shop: Shop, call: Call, notes: str) -> None:
    handed_off(shop, call, notes)
    status, _, said = call("handoff", "show", "H-9\x1b[31m")
    assert status == 2
    assert said == "E304 there is no handoff 'H-9\\x1b[31m'\nhint: known: H-1\n"


def escalated(shop: Shop, call: Call, notes: str) -> None:
    commit(shop.main, {"config/orchestrate.yaml": CONFIG + "approval: {auto: false}\n"})
    shop.reopen()
    git(shop.worktree("backend"), "merge", "-q", "main")
    handed_off(shop, call, notes)
    shop.watch()


def test_an_escalation_is_listed_shown_and_answered_by_the_command_it_names(
    shop: Shop, call: Call, notes: str
) -> None:
    escalated(shop, call, notes)
    assert call("escalation", "list")[1].startswith(
        "ESC-1  open  authorisation  May H-1 of backend land?\n"
    )
    shown = call("escalation", "show", "ESC-1")[1]
    command = next(line for line in shown.splitlines() if "escalation approve" in line)
    assert command == 'orchestrate escalation approve ESC-1 --reason "…"'
    assert Path(shown.splitlines()[-1].removeprefix("the same as a page: ")).is_file()
    answer = ("escalation", "approve", "ESC-1", "--reason", "fine", "--yes")
    status, printed, _ = call(*answer)
    assert status == 0 and printed.startswith("ESC-1 answered: approve by human:")
    status, _, said = call(*answer)
    assert (status, said) == (13, "E331 ESC-1 is answered\nhint: orchestrate escalation list\n")


def test_without_a_terminal_an_answer_needs_yes(shop: Shop, call: Call, notes: str) -> None:
    escalated(shop, call, notes)
    status, _, said = call("escalation", "approve", "ESC-1", "--reason", "fine")
    assert status == 2 and "hint: say it: --yes --reason TEXT" in said
    assert shop.state() == "VERIFICATION"


def test_explain_says_what_a_human_answered(shop: Shop, call: Call, notes: str) -> None:
    commit(shop.main, {"config/orchestrate.yaml": CONFIG + "approval: {auto: false}\n"})
    shop.reopen()
    handed_off(shop, call, notes)
    shop.watch()
    call("escalation", "reject", "ESC-1", "--reason", "not now", "--yes")
    assert "ESC-1 answered: reject by human:" in call("explain", "H-1")[1]
    answered = json.loads(call("explain", "H-1", "--json")[1])["answered"]
    assert (answered["answer"], answered["reason"]) == ("reject", "not now")


def test_a_reader_that_went_away_is_no_failure(
    shop: Shop, call: Call, notes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return os.open(os.devnull, os.O_WRONLY)

    handed_off(shop, call, notes)
    monkeypatch.setattr("sys.stdout", Gone())
    assert run(["-C", str(shop.main), "handoff", "list"]) == 141


def test_a_blank_reason_is_none(shop: Shop, call: Call) -> None:
    status, _, said = call("escalation", "approve", "ESC-1", "--reason", " ", "--yes")
    assert (status, said.splitlines()[0]) == (2, "E001 --reason is empty")


def test_thawing_what_is_not_frozen_says_so_and_records_nothing(shop: Shop, call: Call) -> None:
    assert call("handoff", "thaw", "--reason", "r", "--yes")[:2] == (0, "nothing is frozen\n")
    assert list(shop.project.store.events()) == []


def test_undoing_says_how_the_work_is_brought_back(shop: Shop, call: Call, notes: str) -> None:
    handed_off(shop, call, notes)
    shop.watch()
    status, _, said = call("handoff", "rollback", "H-1", "--reason", "r", "--yes")
    undone = shop.row("handoffs", "H-1")["rollback"][:12]
    assert status == 0 and f"git merge main && git revert {undone}" in said


def test_a_client_may_not_answer_for_its_human(
    shop: Shop, call: Call, notes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    escalated(shop, call, notes)
    monkeypatch.setenv("CLAUDECODE", "1")
    status, _, said = call("escalation", "approve", "ESC-1", "--reason", "mine", "--yes")
    assert status == 1 and said.startswith("E332 ")
    assert call("handoff", "thaw", "--reason", "x", "--yes")[0] == 2


def test_release_is_the_way_out_for_a_dead_instance(shop: Shop, call: Call, notes: str) -> None:
    handed_off(shop, call, notes)
    assert call("release", "backend", "--reason", "client died")[1] == (
        "backend  HANDOFF_READY → STANDBY\n"
    )
    status, _, said = call("release", "backend")
    assert status == 2 and "hint: from STANDBY you can: assign, rollback" in said


def test_instances_are_listed_and_shown_with_what_is_possible(shop: Shop, call: Call) -> None:
    listed = call("instance", "list")[1]
    assert all(name in listed for name in ("backend", "frontend", "coordinator", "STANDBY"))
    value = json.loads(call("instance", "show", "backend", "--json")[1])
    assert value["possible"] == ["assign", "rollback"]
    assert value["file_patterns"] == ["src/**"]


def test_doctor_says_what_is_active_and_what_is_not(shop: Shop, call: Call) -> None:
    status, printed, _ = call("doctor")
    assert status == 0
    assert "off    watch" in printed and "ok     store" in printed
    git(shop.main, "checkout", "-q", "--detach")
    git(shop.main, "branch", "-q", "-D", "main")
    status, printed, _ = call("doctor")
    assert status == 1 and "main does not exist" in printed


def test_doctor_mends_a_corrupt_store_and_says_what_was_lost(shop: Shop, call: Call) -> None:
    shop.assign()
    shop.project.store.close()
    database = next(shop.project.repository.state.glob("state.db"))
    database.write_bytes(b"not a database, by any means" * 400)
    status, printed, _ = call("doctor")
    assert status == 1 and "E203" in printed and "orchestrate doctor --fix" in printed
    status, printed, _ = call("doctor", "--fix")
    assert status == 0, printed
    assert "STANDBY" in call("instance", "list")[1] or "ACTIVE" in call("instance", "list")[1]
    shop.reopen()


def test_watch_once_lands_what_is_ready_and_prints_every_change_of_state(
    shop: Shop, call: Call, notes: str
) -> None:
    handed_off(shop, call, notes)
    status, printed, _ = call("watch", "--once")
    assert status == 0
    for change in (
        "HANDOFF_READY → VERIFICATION",
        "VERIFICATION → APPROVED",
        "APPROVED → HANDOFF_COMPLETE",
        "HANDOFF_COMPLETE → STANDBY",
    ):
        assert change in printed
    assert shop.landed("src/app.txt") == "better"


def test_an_unknown_command_is_met_with_the_nearest_one(call: Call) -> None:
    status, _, said = call("hand-off")
    assert status == 2 and 'Did you mean "handoff"?' in said
