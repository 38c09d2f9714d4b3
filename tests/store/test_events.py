"""The chain: the written recipe holds, and every kind of tampering shows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.store.errors import Tampered
from orchestrator.store.port import NewEvent
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock


@pytest.fixture
def state(tmp_path: Path, clock: ManualClock) -> Iterator[Path]:
    """A closed store with five events."""
    folder = tmp_path / "state"
    store = open_store(folder, clock=clock)
    for number in range(5):
        event = NewEvent("instance.ready", "backend", reason=f"r{number}")
        store.write(lambda tx, e=event: tx.record(e))  # type: ignore[misc]
    store.close()
    yield folder


def verify(state: Path) -> int:
    store = open_store(state)
    try:
        return store.verify_events()
    finally:
        store.close()


def tamper(state: Path, *statements: str) -> None:
    with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def test_an_untouched_chain_is_intact(state: Path) -> None:
    assert verify(state) == 5


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET reason = 'r9' WHERE seq = 3", "event 3 is not as it was recorded"),
        ("UPDATE events SET at = at + 1 WHERE seq = 1", "event 1 is not as it was recorded"),
        ("UPDATE events SET actor = 'human:eve' WHERE seq = 5", "event 5 is not as it was"),
        ("UPDATE events SET prev = hash WHERE seq = 2", "event 2 is not as it was recorded"),
        ("DELETE FROM events WHERE seq = 3", "event 3 is missing: the next one there is 4"),
        ("DELETE FROM events WHERE seq = 1", "event 1 is missing"),
        ("DELETE FROM events WHERE seq > 3", "event 4 is missing: 5 were recorded, 3 are there"),
        ("DELETE FROM events", "event 1 is missing: 5 were recorded, 0 are there"),
        ("UPDATE meta SET value = 'x' WHERE name = 'chain'", "end of the chain .* unreadable"),
        ("DELETE FROM meta WHERE name = 'chain'", "event 1 was not recorded by this store"),
        (
            "UPDATE events SET seq = -1 WHERE seq = 1",
            "event 1 is missing: the next one there is -1",
        ),
    ],
)
def test_tampering_shows_and_names_the_first_event(state: Path, statement: str, said: str) -> None:
    tamper(state, statement)
    with pytest.raises(Tampered, match=said):
        verify(state)


def test_an_event_added_by_hand_shows_even_when_its_hash_fits(state: Path) -> None:
    tamper(
        state,
        "INSERT INTO events SELECT seq + 1, at, kind, actor, instance, handoff, reason, before, "
        "after, data, hash, hash FROM events WHERE seq = 5",
    )
    with pytest.raises(Tampered, match="event 6 is not as it was recorded"):
        verify(state)


def test_the_recipe_of_the_documentation_gives_the_recorded_hashes(state: Path) -> None:
    """Written out once more, from the text of docs/reference/events.md alone."""
    with closing(sqlite3.connect(state / "state.db")) as raw:
        raw.row_factory = sqlite3.Row
        prev = "0" * 64
        for row in raw.execute("SELECT * FROM events ORDER BY seq"):
            fields = {name: row[name] for name in row.keys() if name not in ("prev", "hash")}  # noqa: SIM118
            text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
            prev = hashlib.sha256((prev + "\n" + text).encode()).hexdigest()
            assert row["hash"] == prev
