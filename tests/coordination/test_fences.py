"""A change cannot land where somebody else took the file after its author."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.coordination import fences, leases
from orchestrator.coordination.fences import LANDED
from orchestrator.coordination.leases import TTL_MS
from orchestrator.store.port import Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.leasing import acquired, at


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Store:
    if request.param == "memory":
        return MemoryStore(clock)
    return open_store(tmp_path / "s", clock=clock)


def problems(store: Store, who: str, *paths: str) -> list[str]:
    return store.read(lambda reader: fences.problems(reader, who, [at(path) for path in paths]))


def test_what_nobody_ever_leased_is_free(store: Store) -> None:
    assert problems(store, "ada", "a.py", "b.py") == []


def test_ones_own_lease_is_no_obstacle(store: Store) -> None:
    acquired(store, "ada", "src/")
    acquired(store, "ada", "src/a.py")
    assert problems(store, "ada", "src/a.py") == []


@pytest.mark.parametrize("held", ["src/a.py", "src/", "src/*.py", "**/a.py", "."])
def test_what_somebody_else_holds_now_cannot_land(store: Store, held: str) -> None:
    acquired(store, "ben", held)
    (said,) = problems(store, "ada", "src/a.py", "README.md" if held != "." else "src/a.py")[:1]
    assert said == "src/a.py is leased by ben (L-1): wait until it is free"


def test_reading_stops_nobody(store: Store) -> None:
    acquired(store, "ben", "a.py", mode="shared")
    assert problems(store, "ada", "a.py") == []


@pytest.mark.parametrize("later", ["src/a.py", "src/", "src/*"])
def test_who_lost_a_file_meanwhile_cannot_land_it(
    store: Store, clock: ManualClock, later: str
) -> None:
    acquired(store, "ada", "src/a.py")
    clock.advance(TTL_MS)
    acquired(store, "ben", later)
    store.write(lambda tx: leases.release(tx, None, instance="ben"))
    (said,) = problems(store, "ada", "src/a.py")
    assert said == (
        "ben took src/a.py after ada (L-2): look at what became of it, then acquire it again"
    )
    acquired(store, "ada", "src/a.py")
    assert problems(store, "ada", "src/a.py") == []


def test_an_earlier_lease_of_somebody_else_is_no_obstacle(store: Store) -> None:
    acquired(store, "ben", "a.py")
    store.write(lambda tx: leases.release(tx, None, instance="ben"))
    acquired(store, "ada", "a.py")
    assert problems(store, "ada", "a.py") == []


def test_an_expired_lease_that_nobody_took_is_no_obstacle(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    clock.advance(TTL_MS)
    assert problems(store, "ada", "a.py") == []


def test_leases_of_work_that_landed_do_not_count(store: Store) -> None:
    acquired(store, "ada", "a.py")
    store.write(lambda tx: leases.pass_to(tx, {"id": "H-1"}, "ada", [at("a.py")]))
    store.write(lambda tx: leases.free_handoff(tx, "H-1", LANDED))
    acquired(store, "ben", "a.py")
    store.write(lambda tx: leases.release(tx, None, instance="ben"))
    assert problems(store, "ada", "a.py") == []
