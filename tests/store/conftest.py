"""Both stores, on a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.port import Store
from orchestrator.store.sqlite import SqliteStore, open_store
from orchestrator.testing import ManualClock, MemoryStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sqlite(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    store = open_store(tmp_path / "state", clock=clock)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Store:
    if request.param == "memory":
        return MemoryStore(clock)
    found: Store = request.getfixturevalue("sqlite")
    return found
