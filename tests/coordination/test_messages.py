"""Messages: addressed when sent, answered in threads, never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Config, Instance
from orchestrator.coordination import messages
from orchestrator.coordination.lookup import NoSuchName
from orchestrator.coordination.messages import Draft, NotInThread, Sent, ThreadEnded
from orchestrator.coordination.texts import BODY_BYTES, BadText
from orchestrator.errors import UsageError
from orchestrator.store.port import NewEvent, Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

HOUR = 3600 * 1000
CONFIG = Config(
    "shop",
    {},
    instances={
        "ada": Instance("ada", "BACKEND", expertise=("api-design", "SQL")),
        "bob": Instance("bob", "BACKEND", specializations=("api-design",)),
        "cat": Instance("cat", "FRONTEND", expertise=("react",)),
    },
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    found: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else open_store(tmp_path / "state", clock=clock)
    )
    found.write(_instances)
    yield found
    found.close()


def _instances(tx: Transaction) -> None:
    for name, known in CONFIG.instances.items():
        row = {"id": name, "role": known.role, "state": "STANDBY", "version": 1}
        tx.insert("instances", row)


def send(store: Store, to: str, sender: str = "ada", **draft: Any) -> Sent:
    made = Draft(**{"subject": "API", **draft})
    return store.write(lambda tx: messages.send(tx, CONFIG, sender, to, made, actor=sender))


def reply(store: Store, sender: str, name: str, text: str = "yes") -> Sent:
    return store.write(lambda tx: messages.reply(tx, sender, name, text, actor=sender))


def names(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]


def unread(store: Store, who: str) -> list[str]:
    rows = store.read(lambda r: messages.inbox(r, who, everything=True))
    return names([row for row in rows if row["read_at"] is None])


def wanted(store: Store, who: str) -> list[str]:
    return names(
        [row for row in store.read(lambda r: messages.inbox(r, who)) if row["wants_answer"]]
    )


def status(store: Store, name: str) -> str:
    row = store.read(lambda r: r.get("messages", id=name))
    assert row is not None
    return str(row["status"])


def test_a_message_reaches_an_instance_a_role_or_everybody_else(store: Store) -> None:
    assert send(store, "bob").to.reached == ("bob",)
    assert send(store, "role:backend", sender="cat").to.reached == ("ada", "bob")
    assert send(store, "role:BACKEND").to.reached == ("bob",)
    assert send(store, "all").to.reached == ("bob", "cat")
    assert unread(store, "bob") == ["M-1", "M-2", "M-3", "M-4"]
    assert unread(store, "cat") == ["M-4"]


def test_ids_are_numbers_of_a_counter_and_sort_as_such(store: Store) -> None:
    for _ in range(11):
        send(store, "bob")
    assert unread(store, "bob") == [f"M-{n}" for n in range(1, 12)]


def test_who_joins_later_is_not_meant(store: Store) -> None:
    send(store, "all")
    store.write(lambda tx: tx.insert("instances", {"id": "dan", "role": "X", "state": "STANDBY"}))
    assert unread(store, "dan") == []


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("bobb", "there is no instance 'bobb'; did you mean bob?"),
        ("role:DEVOPS", "nobody else has the role 'DEVOPS'; roles: BACKEND, FRONTEND"),
        ("expertise:rust", "nobody knows 'rust'; known: api-design, react"),
        ("role:", "there is no instance 'role:'"),
    ],
)
def test_what_reaches_nobody_is_kept_and_its_sender_learns_why(
    store: Store, to: str, why: str
) -> None:
    done = send(store, to)
    assert done.to.reached == ()
    assert dict(done.to.unreachable)[to].startswith(why)
    assert status(store, "M-1") == "undeliverable"
    (row,) = store.read(lambda r: messages.sent(r, "ada"))
    assert row["receipts"][0]["undeliverable"].startswith(why)
    assert row["overdue"] == []


def test_a_retired_instance_gets_neither_message_nor_answer(store: Store) -> None:
    send(store, "bob", kind="question")

    def retire(tx: Transaction) -> None:
        tx.delete("instances", {"id": "ada"})
        tx.record(NewEvent("instance.retire", "human:ada", "ada"))

    store.write(retire)
    why = (("ada", "ada was retired"),)
    assert send(store, "ada", sender="cat").to.unreachable == why
    assert reply(store, "bob", "M-1").to.unreachable == why
    assert wanted(store, "bob") == []


def test_a_consultation_goes_to_the_least_loaded_who_knows_it(store: Store) -> None:
    assert send(store, "expertise:API-Design", sender="cat").to.reached == ("ada",)
    send(store, "ada", sender="cat", kind="question")
    assert send(store, "expertise:api-design", sender="cat").to.reached == ("bob",)
    task = {"id": "T-1", "status": "in_progress", "assigned_to": "bob"}
    store.write(lambda tx: tx.insert("tasks", task))
    store.write(lambda tx: tx.insert("tasks", {**task, "id": "T-2"}))
    assert send(store, "expertise:api-design", sender="cat").to.reached == ("ada",)


def test_nobody_is_consulted_who_is_dead_or_takes_no_consultations(store: Store) -> None:
    def body(tx: Transaction) -> None:
        tx.insert("profiles", {"instance": "ada", "expertise": '["rust"]', "consultation": 0})
        tx.update("instances", {"id": "bob"}, {"heartbeat_at": tx.now - HOUR})

    store.write(body)
    done = send(store, "expertise:api-design", sender="cat")
    said = done.to.unreachable[0][1]
    assert "ada takes no consultations" in said
    assert "bob is no longer running" in said


def test_a_profile_adds_to_what_the_configuration_says(store: Store) -> None:
    profile = {"instance": "cat", "expertise": '["Rust"]', "consultation": 1}
    store.write(lambda tx: tx.insert("profiles", profile))
    assert send(store, "expertise:rust").to.reached == ("cat",)
    assert send(store, "expertise:react").to.reached == ("cat",)


def test_a_question_waits_until_it_is_answered(store: Store) -> None:
    send(store, "bob", kind="question")
    assert wanted(store, "bob") == ["M-1"]
    done = reply(store, "bob", "M-1", "REST")
    assert done.to.reached == ("ada",)
    assert (done.message["thread"], done.message["reply_to"]) == ("M-1", "M-1")
    assert done.message["subject"] == "Re: API"
    assert wanted(store, "bob") == []
    assert status(store, "M-1") == "answered"
    assert unread(store, "ada") == ["M-2"]


@pytest.mark.parametrize(
    ("draft", "asks"),
    [
        ({"kind": "info"}, False),
        ({"kind": "consultation_request"}, True),
        ({"kind": "review_request", "requires_response": False}, False),
        ({"kind": "info", "due_at": 5}, True),
    ],
)
def test_the_type_says_whether_an_answer_is_wanted_unless_the_sender_does(
    store: Store, draft: dict[str, Any], asks: bool
) -> None:
    send(store, "bob", **draft)
    assert bool(wanted(store, "bob")) is asks


def test_a_thread_with_several_is_answered_when_everyone_has(store: Store) -> None:
    send(store, "all", kind="question")
    reply(store, "bob", "M-1")
    assert status(store, "M-1") == "open"
    assert wanted(store, "cat") == ["M-1"]
    reply(store, "cat", "M-1")
    assert status(store, "M-1") == "answered"


def test_the_asker_goes_on_with_everyone_it_had_reached(store: Store) -> None:
    send(store, "all", kind="question")
    reply(store, "bob", "M-1")
    assert reply(store, "ada", "M-1", "more?").to.reached == ("bob", "cat")
    assert reply(store, "ada", "M-2", "why?").to.reached == ("bob",)
    thread = store.read(lambda r: messages.thread_of(r, "M-3"))
    assert names(thread) == ["M-1", "M-2", "M-3", "M-4"]


def test_only_the_asker_acknowledges_and_closes(store: Store) -> None:
    send(store, "bob", kind="question")
    reply(store, "bob", "M-1")
    for verb in (messages.acknowledge, messages.close):
        with pytest.raises(NotInThread, match="opened by ada, not bob"):
            store.write(lambda tx, v=verb: v(tx, "bob", "M-2", actor="bob"))  # type: ignore[misc]
    with pytest.raises(NotInThread, match="cat is not in thread M-1"):
        reply(store, "cat", "M-1")
    assert status(store, "M-1") == "answered"
    store.write(lambda tx: messages.acknowledge(tx, "ada", "M-2", actor="ada"))
    assert status(store, "M-1") == "acknowledged"
    store.write(lambda tx: messages.close(tx, "ada", "M-1", actor="ada"))
    store.write(lambda tx: messages.close(tx, "ada", "M-1", actor="ada"))
    assert status(store, "M-1") == "closed"
    kinds = [event["kind"] for event in store.events()]
    assert kinds == ["message.send", "message.reply", "message.acknowledge", "message.close"]


def test_what_has_no_answer_is_not_acknowledged_and_what_is_closed_takes_no_reply(
    store: Store,
) -> None:
    send(store, "bob", kind="question")
    with pytest.raises(ThreadEnded, match="not answered"):
        store.write(lambda tx: messages.acknowledge(tx, "ada", "M-1", actor="ada"))
    store.write(lambda tx: messages.close(tx, "ada", "M-1", actor="ada"))
    assert wanted(store, "bob") == []
    with pytest.raises(ThreadEnded, match="M-1 is closed"):
        reply(store, "bob", "M-1")


def test_receipts_tell_delivered_read_and_answered(store: Store, clock: ManualClock) -> None:
    send(store, "bob", kind="question")
    assert receipt(store) == (None, None, None)
    at = clock.advance(1000)
    store.write(lambda tx: messages.mark_read(tx, "bob", ["M-1"], actor="bob"))
    clock.advance(1000)
    store.write(lambda tx: messages.mark_read(tx, "bob", ["M-1"], actor="bob"))
    assert receipt(store) == (at, at, None)
    answered = clock.advance(1000)
    reply(store, "bob", "M-1")
    clock.advance(1000)
    reply(store, "bob", "M-1", "and one more thing")
    assert receipt(store) == (at, at, answered)
    reads = [event for event in store.events() if event["kind"] == "message.read"]
    assert len(reads) == 1


def receipt(store: Store) -> tuple[int | None, ...]:
    row = store.read(lambda r: r.get("receipts", message="M-1", instance="bob"))
    assert row is not None
    return (row["delivered_at"], row["read_at"], row["answered_at"])


def test_the_inbox_holds_what_is_unread_or_wants_an_answer(store: Store) -> None:
    send(store, "bob")
    send(store, "bob", kind="question")
    store.write(lambda tx: messages.mark_read(tx, "bob", ["M-1", "M-2"], actor="bob"))
    assert store.read(lambda r: names(messages.inbox(r, "bob"))) == ["M-2"]
    everything = store.read(lambda r: names(messages.inbox(r, "bob", everything=True)))
    assert everything == ["M-1", "M-2"]


def test_an_answer_is_overdue_after_its_due_time_or_four_hours(
    store: Store, clock: ManualClock
) -> None:
    send(store, "all", kind="question")
    send(store, "bob", kind="question", due_at=clock() + HOUR)
    reply(store, "cat", "M-1")
    assert overdue(store) == {"M-1": [], "M-2": []}
    clock.advance(HOUR + 1)
    assert overdue(store) == {"M-1": [], "M-2": ["bob"]}
    clock.advance(3 * HOUR)
    assert overdue(store) == {"M-1": ["bob"], "M-2": ["bob"]}
    store.write(lambda tx: messages.close(tx, "ada", "M-2", actor="ada"))
    assert overdue(store) == {"M-1": ["bob"], "M-2": []}


def overdue(store: Store) -> dict[str, list[str]]:
    rows = store.read(lambda r: messages.sent(r, "ada"))
    return {row["id"]: row["overdue"] for row in rows}


def test_a_human_writes_and_is_answered(store: Store) -> None:
    send(store, "bob", sender="human:ada", kind="question")
    assert reply(store, "bob", "M-1").to.reached == ("human:ada",)
    assert unread(store, "human:ada") == ["M-2"]


def test_text_is_kept_as_it_is_and_bounded(store: Store) -> None:
    wild = 'quote " newline\n escape \x1b[2J é 𝄞'
    assert send(store, "bob", body=wild).message["body"] == wild
    assert send(store, "bob", body="x" * BODY_BYTES).to.reached == ("bob",)
    with pytest.raises(BadText, match="65537 bytes"):
        send(store, "bob", body="x" * (BODY_BYTES + 1))
    for subject, said in [("", "empty"), ("a\nb", "one line"), ("x" * 201, "201"), ("\0", "NUL")]:
        with pytest.raises(BadText, match=said):
            send(store, "bob", subject=subject)
    with pytest.raises(BadText, match="not text"):
        send(store, "bob", body="\udc80")
    with pytest.raises(UsageError, match="'rant' is none of"):
        send(store, "bob", kind="rant")
    assert unread(store, "bob") == ["M-1", "M-2"]


def test_a_message_that_does_not_exist_is_said(store: Store) -> None:
    with pytest.raises(NoSuchName, match="no message 'M-9'"):
        reply(store, "bob", "M-9")


def test_an_imported_message_is_found_by_its_old_name(store: Store) -> None:
    send(store, "bob", kind="question")
    store.write(lambda tx: tx.update("messages", {"id": "M-1"}, {"origin": "msg_001"}))
    assert reply(store, "bob", "msg_001").message["thread"] == "M-1"


def test_the_event_says_where_a_message_went(store: Store) -> None:
    send(store, "role:BACKEND", sender="cat")
    (event,) = store.events()
    assert (event["kind"], event["actor"], event["instance"]) == ("message.send", "cat", "cat")
    told = json.loads(event["data"])
    assert told["reached"] == ["ada", "bob"]
