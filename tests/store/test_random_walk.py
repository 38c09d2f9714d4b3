"""Random walks: whatever is done, in whatever order, SQLite and the twin agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orchestrator.errors import OrchestrateError
from orchestrator.store.port import NewEvent, Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.store.tables import TABLES
from orchestrator.testing import ManualClock, MemoryStore

names = st.sampled_from(["a", "b", "c", "ü"])
numbers = st.none() | st.integers(0, 2)
texts = st.none() | st.sampled_from(["x", "y", ""])
changes = st.fixed_dictionaries({}, optional={"role": texts, "version": numbers, "task": texts})
wanted = st.fixed_dictionaries(
    {},
    optional={
        "role": texts | st.lists(texts, max_size=3),
        "version": numbers | st.lists(numbers, max_size=3),
    },
)
orders = st.sampled_from([None, "role", "-role", "version", "-version", "-id"])

Outcome = tuple[str, Any]


class Walk(RuleBasedStateMachine):
    """Does everything to both stores and compares every answer."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.sqlite = open_store(Path(self.folder.name) / "state", clock=self.clock)
        self.stores: tuple[Store, Store] = (self.sqlite, MemoryStore(self.clock))

    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.sqlite.close()
            self.folder.cleanup()

    def both(self, body: Callable[[Transaction], Any], key: str | None = None) -> None:
        one, other = (self.outcome(store, body, key) for store in self.stores)
        assert one == other

    @staticmethod
    def outcome(store: Store, body: Callable[[Transaction], Any], key: str | None) -> Outcome:
        try:
            return "gave", store.write(body, key=key)
        except (OrchestrateError, ValueError, ZeroDivisionError) as error:
            return "raised", type(error)

    @rule(name=names, row=changes)
    def insert(self, name: str, row: Row) -> None:
        self.both(lambda tx: tx.insert("instances", {"id": name, **row}))

    @rule(name=names, row=changes, expect=st.none() | changes)
    def update(self, name: str, row: Row, expect: Row | None) -> None:
        self.both(lambda tx: tx.update("instances", {"id": name}, row, expect=expect))

    @rule(where=wanted)
    def delete(self, where: dict[str, Any]) -> None:
        self.both(lambda tx: tx.delete("instances", where))

    @rule(name=names, text=texts, ms=st.integers(-5, 5))
    def record(self, name: str, text: str | None, ms: int) -> None:
        self.clock.advance(ms)
        self.both(lambda tx: (tx.record(NewEvent("k.v", name, name, reason=text)), tx.now))

    @rule(name=names, key=st.sampled_from(["k1", "k2"]))
    def count_once(self, name: str, key: str) -> None:
        self.both(lambda tx: tx.number(name), key)

    @rule(name=names, row=changes)
    def undone(self, name: str, row: Row) -> None:
        def body(tx: Transaction) -> None:
            tx.delete("instances", {"id": name})
            tx.insert("instances", {"id": name, **row})
            tx.number("a")
            tx.record(NewEvent("k.v", name))
            raise ZeroDivisionError

        self.both(body)

    @rule(where=wanted, order=orders, limit=st.none() | st.integers(0, 3), after=numbers)
    def find(
        self, where: dict[str, Any], order: str | None, limit: int | None, after: int | None
    ) -> None:
        beyond = None if after is None else ("version", after)
        self.both(lambda tx: tx.find("instances", where, order=order, limit=limit, after=beyond))

    @rule(where=wanted, start=st.sampled_from(["x", "y", "ü", "z"]))
    def find_under(self, where: dict[str, Any], start: str) -> None:
        self.both(lambda tx: tx.find("instances", where, under=("role", start)))

    @invariant()
    def hold_the_same(self) -> None:
        if not hasattr(self, "stores"):
            return
        one, other = (self.contents(store) for store in self.stores)
        assert one == other

    @staticmethod
    def contents(store: Store) -> Any:
        tables = store.read(lambda reader: [reader.find(name) for name in TABLES])
        return tables, list(store.events()), store.verify_events()


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
