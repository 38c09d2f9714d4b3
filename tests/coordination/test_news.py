"""News is told once, whoever tells it, and only to those it is for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config.model import Config
from orchestrator.coordination import messages
from orchestrator.coordination.briefing import briefing
from orchestrator.coordination.messages import Draft
from orchestrator.coordination.news import LIMIT, lines, tell, waiting
from orchestrator.coordination.sessions import add_agent
from orchestrator.store.port import NewEvent, Reader, Row, Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import MemoryStore
from tests.coordination.acting import add_instance, begin

CONFIG = Config("shop", {})


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else open_store(tmp_path / "state")
    for name in ("backend", "frontend"):
        add_instance(made, name)
        begin(made, f"s-{name}", name)
    yield made
    made.close()


def send(store: Store, subject: str = "API", body: str = "", kind: str = "info") -> str:
    made = Draft(subject, body, kind)
    done = store.write(
        lambda tx: messages.send(tx, CONFIG, "frontend", "backend", made, actor="frontend")
    )
    return str(done.message["id"])


def happened(store: Store, kind: str, actor: str = "coordinator", **data: str) -> None:
    event = NewEvent(kind, actor, "backend", "H-1", "because", data=data)
    store.write(lambda tx: tx.record(event))


def told(store: Store, session: str = "s-backend") -> list[Row]:
    expected = store.read(lambda reader: waiting(reader, session))
    found = store.write(lambda tx: tell(tx, session))
    assert bool(found) == expected
    return found


def said(store: Store, session: str = "s-backend") -> list[str]:
    return lines(told(store, session))


def test_messages_and_verdicts_are_told_once_in_order(store: Store) -> None:
    send(store, "Which port?", body="We need\n it today.", kind="question")
    happened(store, "instance.reject")
    happened(store, "instance.assign", actor="human:ada", task="T-1 the API")
    assert said(store) == [
        (
            "M-1 from frontend (question): Which port? – We need it today."
            " [answer it: orchestrate message reply M-1 --body TEXT]"
        ),
        "H-1 was rejected by coordinator: because [orchestrate explain H-1]",
        "human:ada gave you a task: T-1 the API: because",
    ]
    assert told(store) == []
    happened(store, "instance.complete")
    assert said(store) == ["H-1 has landed: because"]


def test_what_i_did_myself_and_what_others_are_told_is_no_news(store: Store) -> None:
    happened(store, "instance.assign", actor="backend")
    happened(store, "lease.acquire")
    assert told(store) == []
    send(store)
    assert told(store, "s-frontend") == []


def test_only_a_session_that_lives_is_told(store: Store) -> None:
    store.write(lambda tx: add_agent(tx, "s-backend", "a1"))
    send(store)
    assert told(store, "s-backend/a1") == []
    assert told(store, "nobody") == []
    store.write(lambda tx: tx.update("sessions", {"id": "s-backend"}, {"ended_at": 1}))
    assert told(store) == []


def test_read_closed_and_undeliverable_messages_are_no_news(store: Store) -> None:
    read, closed = send(store), send(store)
    store.write(lambda tx: messages.mark_read(tx, "backend", [read], actor="backend"))
    store.write(lambda tx: messages.close(tx, "frontend", closed, actor="frontend"))
    assert store.write(lambda tx: tell(tx, "s-backend")) == []
    assert told(store) == []


def test_a_briefing_does_not_repeat_a_verdict_that_was_told(store: Store) -> None:
    happened(store, "instance.reject")
    happened(store, "handoff.waiting")

    def events() -> list[str]:
        def body(reader: Reader) -> list[str]:
            row = reader.get("sessions", id="s-backend") or {}
            made = briefing(reader, CONFIG, "backend", 0, row["told"] or 0)
            return [item["kind"] for item in made.events.items if item["handoff"]]

        return store.read(body)

    assert events() == ["handoff.waiting", "instance.reject"]
    told(store)
    assert events() == ["handoff.waiting"]


def test_a_new_session_hears_what_came_since_the_last_one(store: Store) -> None:
    happened(store, "instance.reject")
    told(store)
    store.write(lambda tx: tx.update("sessions", {"id": "s-backend"}, {"ended_at": 1}))
    happened(store, "instance.rollback")
    begin(store, "s-later", "backend")
    assert said(store, "s-later") == ["H-1 was undone by coordinator; mend it: because"]


def test_much_news_is_counted_and_nothing_in_it_steers_a_terminal(store: Store) -> None:
    for _ in range(LIMIT + 3):
        send(store, "x", body="\x1b[2J" + "y" * 5000)
    found = said(store)
    assert found[-1] == "… and 3 more: orchestrate check-in"
    assert len(found) == LIMIT + 1
    assert "\x1b" not in "".join(found)
    assert max(map(len, found)) < 1000


def test_of_many_who_tell_at_once_each_piece_is_told_by_one(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    for name in ("backend", "frontend"):
        add_instance(store, name)
    begin(store, "s", "backend")
    sent = {send(store) for _ in range(10)}
    heard: list[str] = []

    def listen() -> None:
        own = open_store(tmp_path / "state")
        heard.extend(row["id"] for row in own.write(lambda tx: tell(tx, "s")))
        own.close()

    threads = [threading.Thread(target=listen) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    store.close()
    assert sorted(heard) == sorted(sent)
