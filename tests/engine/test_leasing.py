"""Leases in the life of a handoff: checked at ready, passed on, freed when it ends."""

from __future__ import annotations

import pytest

from orchestrator.coordination import leases
from orchestrator.coordination.callers import Caller
from orchestrator.engine.fencing import land_problems
from orchestrator.engine.handoff import release, withdraw
from orchestrator.errors import OrchestrateError
from orchestrator.store.port import Row
from tests.conftest import git
from tests.coordination.leasing import acquired, check
from tests.engine.conftest import Shop


def held(shop: Shop) -> list[tuple[str, str | None]]:
    rows: list[Row] = shop.project.store.read(leases.held)
    return [(row["path"], row["handoff"]) for row in rows]


def test_at_ready_the_leases_on_the_changed_files_pass_to_the_handoff(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt", "src/other.txt")
    handoff = shop.hand_off({"src/app.txt": "sound and new\n"})
    assert held(shop) == [("src/app.txt", handoff), ("src/other.txt", None)]
    assert check(shop.project.store, "frontend", "src/app.txt").state == "held"


def test_a_rename_takes_its_lease_along(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt")
    git(shop.worktree("backend"), "mv", "src/app.txt", "src/program.txt")
    handoff = shop.hand_off({})
    assert sorted(held(shop)) == [("src/app.txt", handoff), ("src/program.txt", handoff)]


def test_what_somebody_else_leases_cannot_be_marked_ready(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "frontend", "src/")
    with pytest.raises(OrchestrateError, match="leased by frontend"):
        shop.hand_off({"src/app.txt": "sound and new\n"})
    assert shop.state() == "ACTIVE"


def test_landing_frees_the_leases(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt")
    shop.hand_off({"src/app.txt": "sound and new\n"})
    shop.watch()
    assert shop.landed("src/app.txt") == "sound and new"
    assert held(shop) == []
    acquired(shop.project.store, "frontend", "src/app.txt")


def test_withdrawing_frees_the_leases_of_the_handoff(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt", "src/other.txt")
    shop.hand_off({"src/app.txt": "sound and new\n"})
    withdraw(shop.project, shop.caller("backend"), "backend")
    assert held(shop) == [("src/other.txt", None)]


def test_giving_up_frees_everything(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt", "src/other.txt")
    shop.hand_off({"src/app.txt": "sound and new\n"})
    release(shop.project, Caller("human:ada", human=True), "backend", reason="not needed")
    assert held(shop) == []


def test_an_approved_handoff_waits_while_somebody_took_its_file(shop: Shop) -> None:
    shop.assign()
    handoff = shop.hand_off({"src/app.txt": "sound and new\n"})
    before = shop.head()
    acquired(shop.project.store, "frontend", "src/app.txt")
    shop.watch()
    assert (shop.state(), shop.head()) == ("APPROVED", before)
    row = shop.row("handoffs", handoff)
    assert land_problems(shop.project, row) == [
        "src/app.txt is leased by frontend (L-1): wait until it is free"
    ]
    waits = [e["reason"] for e in shop.project.store.events() if e["kind"] == "handoff.waiting"]
    assert waits == land_problems(shop.project, row)
    shop.project.store.write(lambda tx: leases.release(tx, None, instance="frontend"))
    shop.watch()
    assert shop.landed("src/app.txt") == "sound and new"


def test_a_failed_handoff_keeps_its_leases_and_its_producer_may_use_them(shop: Shop) -> None:
    shop.assign()
    acquired(shop.project.store, "backend", "src/app.txt")
    handoff = shop.hand_off({"src/app.txt": "broken\n"})
    shop.watch()
    assert shop.state() == "REMEDIATION"
    assert held(shop) == [("src/app.txt", handoff)]
    assert len(acquired(shop.project.store, "backend", "src/app.txt")) == 1
