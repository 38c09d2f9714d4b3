"""What every store promises. A new adapter is done when it passes this."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.store.errors import Duplicate
from orchestrator.store.port import NewEvent, Reader, Row, Store, Transaction
from orchestrator.testing import ManualClock

DAY = 24 * 3600 * 1000


class Stop(Exception):
    """Raised by a body to end its transaction."""


def insert(store: Store, table: str, *rows: Row) -> None:
    def body(tx: Transaction) -> None:
        for row in rows:
            tx.insert(table, row)

    store.write(body)


def instance(name: str, **more: Any) -> Row:
    return {"id": name, "version": 1, "state": "STANDBY", **more}


def get(store: Store, name: str) -> Row | None:
    return store.read(lambda reader: reader.get("instances", id=name))


def ids(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]


def test_missing_columns_are_none(store: Store) -> None:
    insert(store, "waivers", {"id": "w", "uses": 3})
    row = store.read(lambda reader: reader.get("waivers", id="w"))
    assert row is not None
    assert (row["uses"], row["reason"]) == (3, None)


def test_a_taken_key_is_a_duplicate_and_the_first_row_stays(store: Store) -> None:
    insert(store, "instances", instance("a", role="first"))
    with pytest.raises(Duplicate):
        insert(store, "instances", instance("b"), instance("a", role="second"))
    assert get(store, "b") is None
    row = get(store, "a")
    assert row is not None
    assert row["role"] == "first"


def test_a_transaction_survives_a_duplicate_it_handles(store: Store) -> None:
    insert(store, "instances", instance("a"))

    def body(tx: Transaction) -> None:
        with pytest.raises(Duplicate):
            tx.insert("instances", instance("a"))
        tx.insert("instances", instance("b"))

    store.write(body)
    assert get(store, "b") is not None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"role": "x"}, ["a"]),
        ({"role": None}, ["c"]),
        ({"role": ["x", "y"]}, ["a", "b"]),
        ({"role": ("y", None)}, ["b", "c"]),
        ({"role": []}, []),
        ({"role": "x", "version": 2}, []),
        ({"version": 1}, ["a", "b", "c"]),
    ],
)
def test_find_matches_equality_any_of_and_nothing(
    store: Store, where: dict[str, Any], expected: list[str]
) -> None:
    rows = [instance("c"), instance("b", role="y"), instance("a", role="x")]
    insert(store, "instances", *rows)
    assert ids(store.read(lambda reader: reader.find("instances", where))) == expected
    assert store.read(lambda reader: reader.count("instances", where)) == len(expected)


def test_order_is_definite_and_nothing_comes_first(store: Store) -> None:
    for name, pid in (("d", 2), ("b", 2), ("a", None), ("c", 1)):
        insert(store, "instances", instance(name, pid=pid))

    def find(**how: Any) -> list[str]:
        return ids(store.read(lambda reader: reader.find("instances", **how)))

    assert find(order="pid") == ["a", "c", "b", "d"]
    assert find(order="-pid") == ["b", "d", "c", "a"]
    assert find(order="-id", limit=2) == ["d", "c"]
    assert find(after=("pid", 1)) == ["b", "d"]
    assert find(limit=0) == []


def test_under_finds_what_begins_with_a_text(store: Store) -> None:
    tasks = ("a", "a/", "a/b", "a/é", "a/\U0010ffff", "a0", "A/b", None)
    rows = [instance(str(number), task=task) for number, task in enumerate(tasks)]
    insert(store, "instances", *rows)

    def under(start: str, **how: Any) -> list[str | None]:
        found = store.read(lambda r: r.find("instances", under=("task", start), **how))
        return [row["task"] for row in found]

    assert under("a/") == ["a/", "a/b", "a/é", "a/\U0010ffff"]
    assert under("a/", where={"id": ["2", "5"]}) == ["a/b"]
    assert under("a/", order="-task", limit=2) == ["a/\U0010ffff", "a/é"]
    assert under("a/\ud7ff") == under("%") == []


def test_columns_leave_out_the_others(store: Store) -> None:
    insert(store, "instances", instance("a"))
    rows = store.read(lambda reader: reader.find("instances", columns=("state", "id")))
    assert rows == [{"state": "STANDBY", "id": "a"}]


def test_compare_and_set_changes_only_what_is_as_expected(store: Store) -> None:
    insert(store, "instances", instance("a"))

    def cas(expect: Row | None, name: str = "a") -> bool:
        return store.write(
            lambda tx: tx.update("instances", {"id": name}, {"version": 2}, expect=expect)
        )

    assert not cas({"version": 7})
    assert not cas({"version": 1, "task": "t"})
    assert not cas({}, name="nobody")
    assert cas({"version": 1, "task": None})
    assert not cas({"version": 1})
    assert cas(None)


def test_an_empty_change_only_compares(store: Store) -> None:
    insert(store, "instances", instance("a"))

    def holds(expect: Row) -> bool:
        return store.write(lambda tx: tx.update("instances", {"id": "a"}, {}, expect=expect))

    assert holds({"version": 1})
    assert not holds({"version": 2})


def test_delete_says_how_many(store: Store) -> None:
    insert(store, "instances", instance("a"), instance("b"), instance("c", role="x"))
    assert store.write(lambda tx: tx.delete("instances", {"role": None})) == 2
    assert ids(store.read(lambda reader: reader.find("instances"))) == ["c"]


BAD: list[Callable[[Transaction], Any]] = [
    lambda tx: tx.find("nowhere"),
    lambda tx: tx.find("instances", {"nothing": 1}),
    lambda tx: tx.find("instances", {'id" = 1 --': 1}),
    lambda tx: tx.find("instances", order="nothing"),
    lambda tx: tx.find("instances", after=("nothing", 1)),
    lambda tx: tx.find("instances", under=("nothing", "a")),
    lambda tx: tx.find("instances", under=("version", "1")),
    lambda tx: tx.find("instances", under=("role", "")),
    lambda tx: tx.find("instances", under=("role", "\U0010ffff")),
    lambda tx: tx.find("instances", columns=("nothing",)),
    lambda tx: tx.find("instances", {"version": "1"}),
    lambda tx: tx.insert("instances", {"id": "a", "nothing": 1}),
    lambda tx: tx.insert("instances", {"state": "STANDBY"}),
    lambda tx: tx.insert("instances", {"id": 1}),
    lambda tx: tx.insert("instances", {"id": "a", "version": 2**63}),
    lambda tx: tx.insert("instances", {"id": "a", "version": 1.5}),
    lambda tx: tx.insert("instances", {"id": "a", "role": "\udcff"}),
    lambda tx: tx.insert("events", {"seq": 1}),
    lambda tx: tx.update("instances", {"state": "STANDBY"}, {"version": 2}),
    lambda tx: tx.update("instances", {"id": "a"}, {"id": "b"}),
    lambda tx: tx.delete("instances", {}),
    lambda tx: tx.delete("events", {"seq": 1}),
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_our_own_mistakes_are_value_errors_and_change_nothing(
    store: Store, body: Callable[[Transaction], Any]
) -> None:
    def both(tx: Transaction) -> None:
        tx.insert("instances", instance("z"))
        body(tx)

    with pytest.raises(ValueError, match=r"\w"):
        store.write(both)
    assert get(store, "z") is None


def test_text_comes_back_as_it_went_in(store: Store) -> None:
    for number, text in enumerate(
        ["'; DROP TABLE instances; --", "a\x00b", "🙂 ü", "", "7", "%s ?"]
    ):
        insert(store, "instances", instance(str(number), task=text))
        row = get(store, str(number))
        assert row is not None
        assert row["task"] == text


def test_a_body_that_raises_leaves_nothing(store: Store) -> None:
    def body(tx: Transaction) -> None:
        tx.insert("instances", instance("a"))
        assert tx.number("handoff") == 1
        assert tx.record(NewEvent("instance.made", "a")) == 1
        raise Stop

    with pytest.raises(Stop):
        store.write(body, key="once")
    assert get(store, "a") is None
    assert list(store.events()) == []
    assert store.verify_events() == 0
    assert store.write(lambda tx: tx.number("handoff"), key="once") == 1


def test_a_transaction_sees_its_own_changes_and_others_do_not(store: Store) -> None:
    def body(tx: Transaction) -> tuple[bool, bool]:
        tx.insert("instances", instance("a"))
        return tx.get("instances", id="a") is not None, get(store, "a") is None

    assert store.write(body) == (True, True)


def test_a_view_is_of_no_use_after_its_transaction(store: Store) -> None:
    reader: Reader = store.read(lambda r: r)
    tx: Transaction = store.write(lambda t: t)
    with pytest.raises(RuntimeError, match="after its transaction ended"):
        reader.find("instances")
    with pytest.raises(RuntimeError, match="after its transaction ended"):
        tx.insert("instances", instance("a"))


def test_a_transaction_inside_a_transaction_is_refused_at_once(store: Store) -> None:
    with pytest.raises(RuntimeError, match="a write inside"):
        store.write(lambda tx: store.write(lambda t: None))
    with pytest.raises(RuntimeError, match="a write inside"):
        store.read(lambda reader: store.write(lambda t: None))
    assert store.read(lambda reader: store.read(lambda r: r is reader))


def test_changing_a_row_in_hand_changes_nothing_in_the_store(store: Store) -> None:
    given = instance("a")
    insert(store, "instances", given)
    given["state"] = "ACTIVE"
    row = get(store, "a")
    assert row is not None
    row["state"] = "FAILED"
    assert get(store, "a") == {**row, "state": "STANDBY"}


def test_counters_count_from_one_without_gaps(store: Store) -> None:
    numbers = [store.write(lambda tx: (tx.number("a"), tx.number("b"))) for _ in range(3)]
    assert numbers == [(1, 1), (2, 2), (3, 3)]


def test_a_key_makes_it_happen_once(store: Store) -> None:
    def body(tx: Transaction) -> dict[str, Any]:
        return {"number": tx.number("handoff"), "seq": tx.record(NewEvent("a.b", "x"))}

    first = store.write(body, key="k")
    assert first == store.write(body, key="k") == {"number": 1, "seq": 1}
    assert store.write(body, key="other") == {"number": 2, "seq": 2}


def test_a_key_is_forgotten_after_a_week(store: Store, clock: ManualClock) -> None:
    assert store.write(lambda tx: tx.number("n"), key="k") == 1
    clock.advance(6 * DAY)
    assert store.write(lambda tx: tx.number("n"), key="k") == 1
    clock.advance(DAY + 1)
    store.write(lambda tx: None, key="another")
    assert store.write(lambda tx: tx.number("n"), key="k") == 2


def test_a_keyed_result_that_is_not_json_undoes_the_write(store: Store) -> None:
    def body(tx: Transaction) -> set[int]:
        tx.insert("instances", instance("a"))
        return {1, 2}

    with pytest.raises(TypeError):
        store.write(body, key="k")
    assert get(store, "a") is None


def test_the_clock_stands_still_within_a_transaction(store: Store, clock: ManualClock) -> None:
    def body(tx: Transaction) -> int:
        before = tx.now
        clock.advance(5)
        return tx.now - before

    assert store.write(body) == 0


def test_now_never_goes_back_behind_the_last_event(store: Store, clock: ManualClock) -> None:
    start = clock.time
    store.write(lambda tx: tx.record(NewEvent("a.b", "x")))
    clock.advance(-60_000)
    store.write(lambda tx: tx.record(NewEvent("a.b", "x")))
    assert store.read(lambda reader: reader.now) == start
    assert [event["at"] for event in store.events()] == [start, start]
    clock.advance(60_007)
    assert store.read(lambda reader: reader.now) == start + 7


def test_an_event_comes_back_whole(store: Store, clock: ManualClock) -> None:
    event = NewEvent(
        "instance.ready", "human:ada", "a", "H-1", "because 🙂", 1, 2, {"to": "X", "from": "Y"}
    )
    assert store.write(lambda tx: tx.record(event)) == 1
    (row,) = store.events()
    assert len(row.pop("hash")) == 64
    assert row == {
        "seq": 1,
        "at": clock.time,
        "kind": "instance.ready",
        "actor": "human:ada",
        "instance": "a",
        "handoff": "H-1",
        "reason": "because 🙂",
        "before": 1,
        "after": 2,
        "data": '{"from":"Y","to":"X"}',
        "prev": "0" * 64,
    }


def test_an_event_about_a_file_name_that_is_no_text_is_recorded(store: Store) -> None:
    event = NewEvent("a.b", "x", reason="caf\udce9", data={"path": "caf\udce9"})
    store.write(lambda tx: tx.record(event))
    assert next(iter(store.events()))["reason"] == "caf\\udce9"
    assert store.verify_events() == 1


def test_events_are_selected_by_number_and_value(store: Store) -> None:
    for number in range(5):
        name = "ab"[number % 2]
        store.write(lambda tx, n=name: tx.record(NewEvent("k.v", n, instance=n)))  # type: ignore[misc]

    def numbers(**how: Any) -> list[int]:
        return [event["seq"] for event in store.events(**how)]

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers(after=3) == [4, 5]
    assert numbers(limit=2) == [1, 2]
    assert numbers(after=1, limit=1, where={"instance": "a"}) == [3]
    assert numbers(where={"instance": "nobody"}) == []
    found = store.read(lambda r: r.find("events", {"instance": "b"}, order="-seq", limit=1))
    assert found[0]["seq"] == 4


def test_the_version_grows_with_every_commit_and_only_then(store: Store) -> None:
    first = store.version()
    assert store.version() == first
    insert(store, "instances", instance("a"))
    second = store.version()
    assert second > first
    with pytest.raises(Stop):
        store.write(lambda tx: (_ for _ in ()).throw(Stop))
    assert store.version() == second
    get(store, "a")
    assert store.version() == second


def test_threads_lose_no_update(store: Store) -> None:
    insert(store, "instances", instance("a", attempt=0))

    def bump(tx: Transaction) -> None:
        row = tx.get("instances", id="a")
        assert row is not None
        tx.update("instances", {"id": "a"}, {"attempt": row["attempt"] + 1})
        tx.record(NewEvent("a.b", "x"))

    def work() -> None:
        for _ in range(10):
            store.write(bump)
            get(store, "a")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = get(store, "a")
    assert row is not None
    assert row["attempt"] == 80
    assert store.verify_events() == 80


def test_close_is_harmless_twice(store: Store) -> None:
    store.close()
    store.close()
