"""Whoever wrote to an instance that has left hears of it; one that comes back finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config.model import Config
from orchestrator.coordination import cleaning, messages
from orchestrator.coordination.messages import Draft
from orchestrator.coordination.sessions import Client, register
from orchestrator.coordination.undelivered import give_up, restore
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

CONFIG = Config("shop", {}, instances={})
MADE = "claude-20260101-000000-deadbeef"


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    memory = request.param == "memory"
    made: Store = MemoryStore(ManualClock()) if memory else open_store(tmp_path / "state")
    made.write(_instances)
    yield made
    made.close()


def _instances(tx: Transaction) -> None:
    for name in ("ada", "bob", MADE):
        tx.insert("instances", {"id": name, "role": "R", "state": "STANDBY", "version": 1})


def send(store: Store, sender: str, to: str, kind: str = "info") -> str:
    draft = Draft(f"from {sender}", kind=kind)
    sent = store.write(lambda tx: messages.send(tx, CONFIG, sender, to, draft, actor=sender))
    return str(sent.message["id"])


def inbox(store: Store, name: str) -> list[Row]:
    return store.read(lambda reader: messages.inbox(reader, name))


def status(store: Store, name: str) -> str:
    return str(store.read(lambda reader: reader.get("messages", id=name))["status"])  # type: ignore[index]


def read(store: Store, instance: str, name: str) -> None:
    store.write(lambda tx: messages.mark_read(tx, instance, [name], actor=instance))


def leave(store: Store) -> None:
    """Its session ends in order, and the instance made on the spot with it."""

    def arrive(tx: Transaction) -> Row:
        row = tx.get("instances", id=MADE)
        assert row
        return register(tx, Client("S", None), row, None)

    session = store.write(arrive)
    store.write(lambda tx: cleaning.end_session(tx, session, reason="done", actor=MADE))


def test_each_sender_is_told_once_what_did_not_arrive(store: Store) -> None:
    first, second = send(store, "ada", MADE), send(store, "ada", MADE)
    other = send(store, "bob", MADE, "question")
    leave(store)
    (told,) = inbox(store, "ada")
    assert told["subject"] == f"{MADE} has left without what you wrote"
    assert [line.split()[0] for line in told["body"].splitlines()] == [first, second]
    assert [row["body"] for row in inbox(store, "bob")] == [f"{other}  from bob"]
    assert {status(store, name) for name in (first, second, other)} == {"undeliverable"}


def test_what_was_read_is_lost_only_where_an_answer_is_owed(store: Store) -> None:
    known, asked = send(store, "ada", MADE), send(store, "ada", MADE, "question")
    for name in (known, asked):
        read(store, MADE, name)
    assert store.write(lambda tx: give_up(tx, MADE, actor="cleanup")) == (asked,)
    assert (status(store, known), status(store, asked)) == ("open", "undeliverable")


def test_a_message_to_several_stays_open_for_the_others(store: Store) -> None:
    name = send(store, "ada", "all", "question")
    store.write(lambda tx: give_up(tx, MADE, actor="cleanup"))
    assert status(store, name) == "open"
    assert [row["id"] for row in inbox(store, "bob")] == [name]


def test_a_thread_that_has_ended_is_nobody_s_loss(store: Store) -> None:
    name = send(store, "ada", MADE, "question")
    store.write(lambda tx: messages.close(tx, "ada", name, actor="ada"))
    assert store.write(lambda tx: give_up(tx, MADE, actor="cleanup")) == ()
    assert inbox(store, "ada") == []


def test_whoever_comes_back_finds_them_again(store: Store) -> None:
    name = send(store, "ada", MADE, "question")
    store.write(lambda tx: give_up(tx, MADE, actor="cleanup"))
    assert inbox(store, MADE) == []
    assert store.write(lambda tx: restore(tx, MADE)) == 1
    assert [row["id"] for row in inbox(store, MADE)] == [name]
    assert status(store, name) == "open"


def test_a_sender_who_is_gone_too_is_not_written_to(store: Store) -> None:
    send(store, "ada", MADE)
    store.write(lambda tx: tx.delete("instances", {"id": "ada"}))
    store.write(lambda tx: give_up(tx, MADE, actor="cleanup"))
    assert store.read(lambda reader: reader.count("messages")) == 1
