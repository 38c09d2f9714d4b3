"""Logs of decisions kept apart become one: no loss, no id twice, whatever the order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.coordination import deciding
from orchestrator.coordination.copies import UnreadableCopy, copy_of, parse, take_in
from orchestrator.coordination.decisions import Draft, add, find
from orchestrator.coordination.merging import ID, key, merge
from orchestrator.coordination.vocabulary import STATUSES
from orchestrator.store.port import Store
from orchestrator.store.sqlite import SqliteStore, open_store
from orchestrator.testing import ManualClock, MemoryStore

Json = dict[str, Any]
Copy = list[Json]

#: Few origins, so that copies share some; few days and numbers, so that ids clash.
_BIRTHS = st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.sampled_from("12"))
_OPINIONS = st.lists(
    st.fixed_dictionaries(
        {
            "instance": st.sampled_from(["backend", "frontend"]),
            "kind": st.sampled_from(["input", "objection"]),
            "body": st.sampled_from(["yes", "no"]),
            "at": st.integers(0, 3),
        }
    ),
    max_size=2,
    unique_by=lambda o: str(o["instance"]),
)


@st.composite
def copies(draw: st.DrawFn) -> Copy:
    """A copy: what happened to be logged there, references among its own decisions."""
    births = draw(st.lists(_BIRTHS, max_size=6, unique_by=lambda b: b[0]))
    written: Copy = [
        {
            "id": f"DEC-2026010{day}-000{number}",
            "origin": f"{token}{number}{day}:DEC-2026010{day}-000{number}",
            "created_at": ord(token) * 7 % 5,
            "title": token,
            "version": draw(st.integers(1, 3)),
            "status": draw(st.sampled_from(list(STATUSES))),
            "decided_at": draw(st.none() | st.integers(0, 2)),
            "archived": draw(st.booleans()),
            "opinions": draw(_OPINIONS),
            "superseded_by": None,
            "dependencies": [],
        }
        for token, number, day in births
    ]
    # As a copy really is: its own ids are unique, which merging makes them.
    whole = merge(*([one] for one in written))
    names = [record["id"] for record in whole]
    for record in whole:
        refers: bool = draw(st.booleans())
        if names and refers:
            record["superseded_by"] = draw(st.sampled_from(names))
            record["dependencies"] = draw(st.lists(st.sampled_from(names), max_size=2))
    return whole


@given(copies(), copies())
def test_merging_is_commutative(a: Copy, b: Copy) -> None:
    assert merge(a, b) == merge(b, a)


@given(copies(), copies(), copies())
def test_merging_is_associative(a: Copy, b: Copy, c: Copy) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == merge(a, b, c)


@given(copies(), copies())
def test_merging_is_idempotent(a: Copy, b: Copy) -> None:
    both = merge(a, b)
    assert merge(both, b) == merge(both, a) == merge(both, both) == both


@given(copies(), copies())
def test_nothing_is_lost_and_no_id_is_there_twice(a: Copy, b: Copy) -> None:
    both = merge(a, b)
    assert {key(r["origin"]) for r in both} == {key(r["origin"]) for r in [*a, *b]}
    assert len({r["id"] for r in both}) == len(both)
    assert all(ID.fullmatch(r["id"]) for r in both)
    said = {(key(r["origin"]), o["instance"]) for r in [*a, *b] for o in r["opinions"]}
    assert said == {(key(r["origin"]), o["instance"]) for r in both for o in r["opinions"]}


@given(copies(), copies())
def test_references_follow_what_they_referred_to(a: Copy, b: Copy) -> None:
    both = merge(a, b)
    origins = {r["id"]: key(r["origin"]) for r in both}
    winners = {key(r["origin"]): r for r in both}
    for copy in (a, b):
        mine = {r["id"]: key(r["origin"]) for r in copy}
        for record in copy:
            merged = winners[key(record["origin"])]
            only_here = all(
                key(r["origin"]) != key(record["origin"])
                for o in (a, b)
                if o is not copy
                for r in o
            )
            if only_here and record["superseded_by"]:
                assert origins[merged["superseded_by"]] == mine[record["superseded_by"]]


@given(copies(), copies())
def test_the_earliest_keeps_its_id(a: Copy, b: Copy) -> None:
    both = merge(a, b)
    for name in {r["origin"].rpartition(":")[2] for r in both}:
        born = [r for r in both if r["origin"].endswith(name)]
        first = min(born, key=lambda r: (r["created_at"], r["origin"]))
        assert first["id"] == name


def test_a_reference_to_nothing_stays_nothing_whatever_is_merged_later() -> None:
    lone = record("a", "0001", dependencies=["DEC-20260101-0009"])
    later = record("b", "0009")
    (kept, _) = merge([lone], [later])
    assert kept["dependencies"] == ["unknown:DEC-20260101-0009"]
    assert merge(merge([lone], [later]), [later]) == merge([later], [lone])


def record(token: str, number: str, **changes: Any) -> Json:
    name = f"DEC-20260101-{number}"
    plain = {"version": 1, "status": "accepted", "created_at": 1, "title": token, "archived": False}
    links: Json = {"superseded_by": None, "dependencies": [], "opinions": []}
    return {"id": name, "origin": f"{token}:{name}", **plain, **links, **changes}


# -- in stores --------------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def pair(
    request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path
) -> Iterator[tuple[Store, Store]]:
    def make(name: str) -> Store:
        if request.param == "memory":
            return MemoryStore(clock)
        return open_store(tmp_path / name, clock=clock)

    stores = make("one"), make("other")
    yield stores
    for store in stores:
        store.close()


def log(store: Store, title: str, **more: Any) -> str:
    return str(store.write(lambda tx: add(tx, Draft(title, "d", **more), actor="backend"))["id"])


def exchanged(store: Store) -> Copy:
    """What the other copy reads: through the text of the file."""
    return parse(json.dumps(store.read(copy_of)), "copy.json")


def test_two_stores_that_exchange_their_logs_end_up_the_same(
    pair: tuple[Store, Store], clock: ManualClock
) -> None:
    one, other = pair
    log(one, "a1")
    clock.advance(1)
    first = log(other, "b1")
    log(other, "b2", dependencies=(first,))
    log(one, "a2")
    mine, theirs = exchanged(one), exchanged(other)
    taken = one.write(lambda tx: take_in(tx, theirs, actor="human:ada"))
    other.write(lambda tx: take_in(tx, mine, actor="human:bob"))
    assert exchanged(one) == exchanged(other)
    assert len(taken.added) == 2
    names = {row["title"]: row for row in exchanged(one)}
    assert names["b2"]["dependencies"] == [names["b1"]["id"]]
    assert names["b1"]["id"] != first == names["a1"]["id"]
    (event,) = [e for e in one.events() if e["kind"] == "decision.merge"]
    assert json.loads(event["data"])["added"] == list(taken.added)


def test_merging_again_changes_nothing_and_records_nothing(pair: tuple[Store, Store]) -> None:
    one, other = pair
    log(one, "a1")
    log(other, "b1")
    theirs = exchanged(other)
    one.write(lambda tx: take_in(tx, theirs, actor="human:ada"))
    count = one.verify_events()
    again = one.write(lambda tx: take_in(tx, theirs, actor="human:ada"))
    assert (again.added, again.changed, dict(again.renumbered)) == ((), (), {})
    assert one.verify_events() == count


def test_a_local_decision_that_moves_takes_its_opinions_and_its_old_name_along(
    pair: tuple[Store, Store], clock: ManualClock
) -> None:
    one, other = pair
    old = log(other, "earlier")
    clock.advance(1)
    name = log(one, "later")
    one.write(lambda tx: deciding.object_to(tx, name, "no", actor="frontend"))
    theirs = exchanged(other)
    taken = one.write(lambda tx: take_in(tx, theirs, actor="human:ada"))
    new = taken.renumbered[name]
    assert one.read(lambda r: find(r, old))["title"] == "earlier"
    row = one.read(lambda r: find(r, new))
    assert row["origin"].endswith(name)
    assert one.read(lambda r: [o["decision"] for o in r.find("opinions")]) == [new]


def test_what_a_merge_replaced_is_in_its_event(pair: tuple[Store, Store]) -> None:
    one, other = pair
    name = log(one, "a")
    copied = exchanged(one)
    other.write(lambda tx: take_in(tx, copied, actor="human:bob"))
    one.write(lambda tx: deciding.implement(tx, name, actor="backend"))
    for _ in range(2):
        other.write(lambda tx: deciding.object_to(tx, name, "no", actor="frontend"))
    theirs = exchanged(other)
    taken = one.write(lambda tx: take_in(tx, theirs, actor="human:ada"))
    assert taken.changed == (name,)
    assert one.read(lambda r: find(r, name))["status"] == "objected"
    event = [*one.events()][-1]
    assert json.loads(event["data"])["before"][0]["status"] == "implemented"


def test_new_ids_go_round_those_a_merge_brought(tmp_path: Path, clock: ManualClock) -> None:
    one, other = (open_store(tmp_path / name, clock=clock) for name in ("one", "other"))
    try:
        for number in range(4):
            log(other, f"b{number}")
        assert _merged_then_logged(one, exchanged(other)).endswith("-0005")
    finally:
        one.close()
        other.close()


def _merged_then_logged(store: SqliteStore, copy: Copy) -> str:
    store.write(lambda tx: take_in(tx, copy, actor="human:ada"))
    return log(store, "mine")


GOOD = record("a", "0001")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("[1,", "c.json:1:4", "not JSON"),
        ("{}", "c.json", "no list"),
        ("[3]", "c.json[0]", "no object"),
        ('[{"id": "DEC-20260101-0001"}]', "c.json[0]", "lacks title"),
        (json.dumps([GOOD, GOOD]), "c.json", "id twice"),
        (json.dumps([{**GOOD, "id": "../x"}]), "c.json[0]", "no id"),
        (json.dumps([{**GOOD, "origin": "x:../y"}]), "c.json[0]", "no id"),
        (json.dumps([{**GOOD, "version": "1"}]), "c.json[0]", "version cannot be"),
        (json.dumps([{**GOOD, "status": "gone"}]), "c.json[0]", "no status"),
        (json.dumps([{**GOOD, "affects": "all"}]), "c.json[0]", "affects cannot be"),
        (json.dumps([{**GOOD, "opinions": [{"kind": "x"}]}]), "c.json[0]", "opinion cannot be"),
        (json.dumps([{**GOOD, "created_at": 2**63}]), "c.json[0]", "created_at cannot be"),
        ("[" * 100_000, "c.json", "deeply"),
    ],
)
def test_a_file_that_is_no_copy_is_refused_at_its_place(text: str, where: str, said: str) -> None:
    with pytest.raises(UnreadableCopy, match=said) as caught:
        parse(text, "c.json")
    assert caught.value.where == where
