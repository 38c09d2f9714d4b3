"""The document as people read it."""

from __future__ import annotations

from typing import Any

from orchestrator.status.document import build
from orchestrator.status.views import screen
from orchestrator.store.port import Store
from orchestrator.testing import ManualClock, MemoryStore
from tests.status.conftest import CONFIG, at_work, update


def document(store: Store) -> dict[str, Any]:
    return store.read(lambda reader: build(reader, CONFIG.to_json()))


def test_those_with_work_come_first_and_long_lines_are_cut() -> None:
    store = MemoryStore(ManualClock())
    at_work(store, "zoe", "ACTIVE")
    update(store, "instances", "zoe", task="x" * 200)
    lines = screen(document(store), 60)
    assert lines[2].split() == ["instance", "state", "handoff", "client", "task"]
    assert lines[3].startswith("zoe ")
    assert lines[3].endswith("x…")
    assert len(lines[3]) == 60


def test_wide_characters_keep_the_columns_straight() -> None:
    store = MemoryStore(ManualClock())
    at_work(store, "日本", "ACTIVE")
    update(store, "instances", "日本", task="検索" * 30)
    lines = screen(document(store), 60)
    assert lines[3].startswith("日本      ACTIVE ")
    assert lines[3].endswith("…")


def test_a_coordinator_that_runs_is_named() -> None:
    store = MemoryStore(ManualClock())
    row = {"name": "coordinator", "holder": "lead", "fence": 1, "expires_at": 2**60}
    store.write(lambda tx: tx.insert("coordinators", row))
    assert screen(document(store))[0].endswith("autonomous coordination ready  lead coordinates")
