"""A project in a store, on a clock that is turned by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.config.model import Approval, Config, Coordinator, Instance, Layer
from orchestrator.store.port import NewEvent, Store
from orchestrator.testing import ManualClock, MemoryStore

CONFIG = Config(
    project="shop",
    layers={"service": Layer("service", ("src/**",))},
    coordinator=Coordinator(instance="lead", monitoring_interval=30.0),
    instances={
        "backend": Instance(
            "backend",
            "BACKEND_DEVELOPMENT",
            specializations=("APIs",),
            file_patterns=("src/**",),
            requires=("integrity", "contracts"),
            hands_off_to="frontend",
        ),
        "frontend": Instance("frontend", "FRONTEND_DEVELOPMENT", file_patterns=("ui/**",)),
    },
    approval=Approval(auto=True),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Store:
    found = MemoryStore(clock)
    insert(found, "meta", {"name": "config", "value": json.dumps(CONFIG.to_json())})
    return found


def insert(store: Store, table: str, row: dict[str, Any]) -> None:
    store.write(lambda tx: tx.insert(table, row))


def update(store: Store, table: str, name: str, **changes: Any) -> None:
    assert store.write(lambda tx: tx.update(table, {"id": name}, changes))


def record(store: Store, kind: str = "instance.ready") -> None:
    store.write(lambda tx: tx.record(NewEvent(kind, "backend", "backend")))


def at_work(store: Store, name: str, state: str, handoff: str | None = None) -> None:
    """An instance in ``state`` with an open handoff."""
    insert(store, "instances", {"id": name, "state": state, "version": 1, "handoff": handoff})
    if handoff is not None:
        row = {"id": handoff, "producer": name, "status": "open", "version": 1, "attempt": 1}
        insert(store, "handoffs", {**row, "created_at": 0, "updated_at": 0})
