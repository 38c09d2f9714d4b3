"""Tasks move the instances that do them, in the same transaction."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.coordination import messages
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.deliverables import DeliverablesMissing
from orchestrator.coordination.tasks import Draft, ImpossibleStep
from orchestrator.engine import tasking
from orchestrator.engine.handoff import release
from orchestrator.engine.project import Project
from orchestrator.lifecycle.machine import GuardRefused, ImpossibleEvent
from orchestrator.store.port import Row
from tests.conftest import commit
from tests.engine.conftest import NOTES, Shop

ADA = Caller("human:ada", human=True)


def add(shop: Shop, title: str = "an API", *, assign: str | None = None, **draft: object) -> Row:
    made = Draft(title, **draft)  # type: ignore[arg-type]
    return tasking.add(shop.project, ADA, ADA.actor, made, assign=assign)


def claim(shop: Shop, name: str = "T-1", instance: str = "backend") -> Row:
    return tasking.claim(shop.project, shop.caller(instance), instance, name)


def test_claiming_a_task_assigns_the_instance(shop: Shop) -> None:
    add(shop)
    claim(shop)
    assert shop.state() == "ACTIVE"
    assert shop.row("instances", "backend")["task"] == "T-1"
    assert shop.moves() == ["assign"]
    claim(shop)
    assert shop.moves() == ["assign"]


def test_an_instance_at_work_is_refused_with_what_is_possible(shop: Shop) -> None:
    add(shop)
    add(shop)
    claim(shop)
    with pytest.raises(ImpossibleEvent) as caught:
        claim(shop, "T-2")
    assert caught.value.hint == "from ACTIVE you can: ready, release"
    assert shop.row("tasks", "T-2")["status"] == "ready"


def test_a_dead_instance_takes_nothing(shop: Shop) -> None:
    add(shop)
    beat = {"heartbeat_at": 1}
    shop.project.store.write(lambda tx: tx.update("instances", {"id": "backend"}, beat))
    with pytest.raises(GuardRefused, match="no longer running"):
        claim(shop)
    assert shop.row("tasks", "T-1")["status"] == "ready"


def test_accepting_a_proposal_assigns_the_instance(shop: Shop) -> None:
    add(shop)
    tasking.propose(shop.project, shop.caller("frontend"), "frontend", "T-1", "backend")
    assert shop.state() == "STANDBY"
    tasking.accept(shop.project, shop.caller("backend"), "backend", "T-1")
    assert shop.state() == "ACTIVE"


def test_a_human_assigns_and_an_instance_asks(shop: Shop) -> None:
    assert add(shop, assign="backend")["status"] == "assigned"
    assert shop.state() == "ACTIVE"
    who = shop.caller("backend")
    row = tasking.add(shop.project, who, "backend", Draft("x"), assign="frontend")
    assert (row["status"], row["proposed_to"]) == ("proposed", "frontend")
    waits = add(shop, assign="frontend", dependencies=("T-1",))
    assert (waits["status"], waits["suggested"]) == ("open", "frontend")


def test_a_task_with_nothing_to_hand_off_is_done_and_its_holder_stands_by(shop: Shop) -> None:
    add(shop, deliverables=("docs/api.md",))
    claim(shop)
    who = shop.caller("backend")
    with pytest.raises(DeliverablesMissing, match=r"docs/api\.md"):
        tasking.complete(shop.project, who, "backend", "T-1")
    (shop.worktree("backend") / "docs").mkdir()
    (shop.worktree("backend") / "docs" / "api.md").write_text("x")
    assert tasking.complete(shop.project, who, "backend", "T-1").task["status"] == "done"
    assert shop.state() == "STANDBY"
    assert shop.row("instances", "backend")["task"] is None
    assert tasking.complete(shop.project, who, "backend", "T-1").task["status"] == "done"


def completed(shop: Shop, name: str = "T-1") -> tasking.Completed:
    project = shop.at("backend")
    try:
        who = shop.caller("backend")
        return tasking.complete(project, who, "backend", name, notes=NOTES)
    finally:
        project.store.close()


def test_work_that_is_handed_off_is_done_when_it_has_landed(shop: Shop) -> None:
    add(shop, deliverables=("src/new.txt",))
    waits = add(shop, "the page", dependencies=("T-1",))
    claim(shop)
    with pytest.raises(DeliverablesMissing):
        completed(shop)
    commit(shop.worktree("backend"), {"src/new.txt": "new\n"})
    done = completed(shop)
    assert done.handoff is not None
    assert (done.task["status"], done.task["handoff"]) == ("in_progress", "H-1")
    assert shop.state() == "HANDOFF_READY"
    again = completed(shop).handoff
    assert again is not None
    assert again["id"] == "H-1"
    with pytest.raises(ImpossibleStep, match="H-1 is on its way"):
        tasking.complete(shop.project, shop.caller("backend"), "backend", "T-1")
    shop.watch()
    assert shop.row("tasks", "T-1")["status"] == "done"
    assert shop.row("tasks", waits["id"])["status"] == "ready"
    assert shop.state() == "STANDBY"


def test_a_handoff_carries_the_task_its_instance_is_at_work_on(shop: Shop) -> None:
    add(shop, assign="backend")
    add(shop)
    other = {"status": "assigned", "assigned_to": "backend"}
    shop.project.store.write(lambda tx: tx.update("tasks", {"id": "T-2"}, dict(other)))
    with pytest.raises(ImpossibleStep, match="at work on T-1, not on T-2"):
        completed(shop, "T-2")
    assert shop.state() == "ACTIVE"


def test_rejected_work_does_not_count_as_done(shop: Shop) -> None:
    add(shop)
    claim(shop)
    commit(shop.worktree("backend"), {"src/app.txt": "broken\n"})
    completed(shop)
    shop.watch()
    assert shop.row("tasks", "T-1")["status"] == "in_progress"
    commit(shop.worktree("backend"), {"src/app.txt": "mended\n"})
    assert completed(shop).handoff is not None
    shop.watch()
    assert shop.row("tasks", "T-1")["status"] == "done"


def test_the_target_gets_the_task_to_go_on_and_the_notes(shop: Shop) -> None:
    add(shop, priority="high")
    claim(shop)
    commit(shop.worktree("backend"), {"src/new.txt": "new\n"})
    completed(shop)
    shop.watch()
    (task,) = shop.rows("tasks", origin="handoff:H-1")
    assert task["title"] == "go on with H-1: an API"
    assert (task["status"], task["proposed_to"], task["priority"]) == (
        "proposed", "frontend", "high",
    )  # fmt: skip
    (message,) = shop.project.store.read(lambda r: messages.inbox(r, "frontend"))
    assert (message["sender"], message["kind"]) == ("backend", "handoff")
    assert message["subject"] == "H-1 has landed: an API"
    assert all(text in message["body"] for text in NOTES.values())
    assert message["task"] == task["id"]
    tasking.accept(shop.project, shop.caller("frontend"), "frontend", task["id"])
    assert shop.state("frontend") == "ACTIVE"


def test_handing_over_again_adds_no_second_task(shop: Shop) -> None:
    shop.hand_off({"src/new.txt": "new\n"})
    shop.watch()
    handoff = shop.row("handoffs", "H-1")
    shop.project.store.write(lambda tx: tasking.hand_over(tx, shop.project, handoff))
    assert len(shop.rows("tasks")) == 1


def test_the_verifier_as_a_stand_in_gets_a_message_and_no_task(shop: Shop) -> None:
    shop.hand_off({"ui/page.txt": "new page\n"}, "frontend")
    shop.watch()
    assert shop.rows("tasks") == []
    (message,) = shop.project.store.read(lambda r: messages.inbox(r, "coordinator"))
    assert message["subject"] == "H-1 has landed: add a thing"


def test_a_cancelled_task_frees_its_holder(shop: Shop) -> None:
    add(shop, assign="backend")
    tasking.cancel(shop.project, ADA, ADA.actor, "T-1", "not needed")
    assert shop.state() == "STANDBY"


CLAIMANT = """
import sys
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.tasks import TaskTaken
from orchestrator.engine.handoff import release
from orchestrator.engine.project import Project
from orchestrator.engine.tasking import claim
project, name = Project.open(), sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
try:
    claim(project, Caller(name, human=False), name, "T-1")
    print("won")
except TaskTaken as error:
    print(error.message)
"""


@pytest.mark.slow
def test_of_twenty_processes_exactly_one_claims_a_task(shop: Shop) -> None:
    names = [f"i{number}" for number in range(20)]
    for name in names:
        row = {"id": name, "role": "X", "state": "STANDBY", "version": 1, "registered_at": 1}
        shop.project.store.write(lambda tx, row=row: tx.insert("instances", row))  # type: ignore[misc]
    add(shop)
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT, name],
            cwd=shop.main, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate()[0].strip() for process in _all_at_once(racing)]
    winner = shop.row("tasks", "T-1")["assigned_to"]
    assert sorted(said) == sorted(["won"] + [f"T-1 is {winner}'s"] * 19)
    active = [name for name in names if shop.state(name) == "ACTIVE"]
    assert active == [winner]


def _all_at_once(racing: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Give every process the word to go before any is waited for."""
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return racing


def test_a_human_who_acts_for_an_instance_stays_one(shop: Shop) -> None:
    project = Project.open(shop.main)
    add(shop)
    tasking.claim(project, ADA, "backend", "T-1")
    event = list(project.store.events())[-1]
    assert (event["kind"], event["actor"]) == ("instance.assign", "human:ada")
    project.store.close()


def test_assigning_and_releasing_by_a_tasks_id_moves_the_task_too(shop: Shop) -> None:
    add(shop)
    shop.assign(task="T-1")
    assert shop.row("tasks", "T-1")["assigned_to"] == "backend"
    release(shop.project, ADA, "backend", reason="no time")
    assert shop.row("tasks", "T-1")["status"] == "ready"
    tasking.claim(shop.project, shop.caller("frontend"), "frontend", "T-1")
    assert shop.state("frontend") == "ACTIVE"
