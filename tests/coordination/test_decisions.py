"""Decisions: recorded, found, decided, settled; ids unique whoever writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from orchestrator.coordination import deciding
from orchestrator.coordination.deciding import NeedsHuman, NotPossible
from orchestrator.coordination.decisions import (
    Draft,
    NoSuchDecision,
    Option,
    UnusableDecision,
    add,
    bring,
    find,
    listed,
    propose,
    to_json,
)
from orchestrator.coordination.texts import BadText
from orchestrator.coordination.vocabulary import UnknownWord
from orchestrator.store.port import Row, Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore

T = TypeVar("T")
DAY = 24 * 3600 * 1000
HOUR = 3600 * 1000

JWT = Draft("Use JWT", "15 min expiry", "security", "service", affects=("all",))
REST = Draft(
    "REST or GraphQL",
    "how agents talk",
    "api-design",
    options=(Option("REST", ("simple",), ("overfetching",)), Option("GraphQL", ("one endpoint",))),
    inputs_needed=("backend", "frontend"),
    affects=("backend", "frontend"),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    made: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else open_store(tmp_path / "state", clock=clock)
    )
    yield made
    made.close()


def log(store: Store, draft: Draft = JWT, actor: str = "backend") -> Row:
    return store.write(lambda tx: add(tx, draft, actor=actor))


def put(store: Store, draft: Draft = REST, actor: str = "lead") -> Row:
    return store.write(lambda tx: propose(tx, draft, actor=actor))


def step(store: Store, body: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    return store.write(lambda tx: body(tx, *args, **kwargs))


def kinds(store: Store) -> list[str]:
    return [event["kind"] for event in store.events()]


def test_ids_count_from_one_each_utc_day(store: Store, clock: ManualClock) -> None:
    first = [log(store)["id"], log(store)["id"]]
    clock.advance(DAY)
    assert [*first, log(store)["id"]] == [
        "DEC-20260101-0001", "DEC-20260101-0002", "DEC-20260102-0001",
    ]  # fmt: skip


def test_a_decision_and_its_event_are_one_change(store: Store) -> None:
    row = log(store)
    (event,) = store.events()
    assert (event["kind"], event["actor"], event["instance"]) == (
        "decision.add", "backend", "backend",
    )  # fmt: skip
    assert json.loads(event["data"])["decision"] == row["id"]
    with pytest.raises(RuntimeError):
        step(store, _add_and_fail)
    assert kinds(store) == ["decision.add"]
    assert log(store)["id"].endswith("-0002")


def _add_and_fail(tx: Transaction) -> None:
    add(tx, JWT, actor="backend")
    raise RuntimeError


def test_an_added_decision_is_accepted_by_its_author_unless_others_are_named(store: Store) -> None:
    row = log(store)
    assert (row["status"], json.loads(row["decided_by"])) == ("accepted", ["backend"])
    named = log(store, Draft("t", "d", decided_by=("ada", "bob")))
    assert json.loads(named["decided_by"]) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("draft", "error", "said"),
    [
        (Draft(" ", "d"), UnusableDecision, "title is empty"),
        (Draft("t", "x" * 65537), BadText, "65537 bytes"),
        (Draft("t", "\ud800"), BadText, "not text"),
        (Draft("t", "d", "securty"), UnknownWord, "no category"),
        (Draft("t", "d", scope="galaxy"), UnknownWord, "no scope"),
        (Draft("t", "d", dependencies=("DEC-1",)), NoSuchDecision, "DEC-1"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_takes_no_id(
    store: Store, draft: Draft, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        log(store, draft)
    assert log(store)["id"].endswith("-0001")


def test_an_unknown_word_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownWord) as caught:
        log(store, Draft("t", "d", "securty"))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith('did you mean "security"? one of: architecture')


@pytest.mark.parametrize("title", ['"quoted"', "two\nlines", "\x1b[2J", "-n", "ü" * 5000])
def test_any_text_comes_back_as_it_was_written(store: Store, title: str) -> None:
    row = log(store, Draft(title, title))
    assert store.read(lambda r: find(r, row["id"]))["title"] == title


def test_a_list_is_filtered_and_newest_first(store: Store, clock: ManualClock) -> None:
    one = log(store)["id"]
    clock.advance(HOUR)
    two = log(store, Draft("t", "d", "testing", "local", files=("src/**",)))["id"]
    three = put(store)["id"]

    def ids(**filters: Any) -> list[str]:
        return [row["id"] for row in store.read(lambda r: listed(r, **filters))]

    assert ids() == [three, two, one]
    assert ids(limit=1) == [three]
    assert ids(category="testing") == ids(scope="local") == [two]
    assert ids(statuses=["proposed"]) == [three]
    assert ids(path="src/a/b.py") == ids(path="src/a.py", limit=5) == [two]
    assert ids(path="docs/x") == []
    assert ids(since=clock()) == [three, two]
    with pytest.raises(UnknownWord):
        ids(category="nope")


def test_json_has_lists_and_opinions(store: Store) -> None:
    row = put(store)
    step(store, deciding.give_input, row["id"], "REST scales", actor="backend")
    found, said = store.read(lambda r: (find(r, row["id"]), r.find("opinions")))
    value = to_json(found, said)
    assert value["options"][0] == {"option": "REST", "pros": ["simple"], "cons": ["overfetching"]}
    assert value["inputs_needed"] == ["backend", "frontend"]
    assert value["opinions"][0]["body"] == "REST scales"
    assert value["archived"] is False


def test_a_proposal_waits_for_the_inputs_it_asked_for(store: Store) -> None:
    name = put(store)["id"]
    step(store, deciding.give_input, name, "REST scales", actor="backend")
    choose = {"option": "REST", "rationale": "simple", "actor": "lead", "human": False}
    with pytest.raises(NotPossible, match="waits for the input of frontend"):
        step(store, deciding.decide, name, **choose)
    step(store, deciding.give_input, name, "fine", actor="human:ada", instance="frontend")
    row = step(store, deciding.decide, name, **choose)
    assert (row["status"], row["decision"], row["rationale"]) == ("accepted", "REST", "simple")
    assert json.loads(row["decided_by"]) == ["lead"]


@pytest.mark.parametrize("way", [{"human": True}, {"human": False, "anyway": True}])
def test_a_human_or_anyway_decides_without_them(store: Store, way: dict[str, bool]) -> None:
    name = put(store)["id"]
    step(store, deciding.decide, name, option="REST", rationale="", actor="x", **way)
    event = [*store.events()][-1]
    assert json.loads(event["data"])["missing_inputs"] == ["backend", "frontend"]


def test_an_option_that_is_not_there_is_refused_with_those_that_are(store: Store) -> None:
    name = put(store)["id"]
    with pytest.raises(UnusableDecision) as caught:
        step(store, deciding.decide, name, option="SOAP", rationale="", actor="x", human=True)
    assert caught.value.hint == "options: REST, GraphQL"
    with pytest.raises(UnusableDecision, match="not said"):
        step(store, deciding.decide, name, rationale="", actor="x", human=True)


def test_an_objection_is_documented_and_only_a_human_decides_then(store: Store) -> None:
    name = log(store)["id"]
    step(store, deciding.object_to, name, "15 min is too short", actor="frontend")
    row, said = store.read(lambda r: (find(r, name), r.find("opinions", {"decision": name})))
    assert row["status"] == "objected"
    assert (said[0]["kind"], said[0]["body"]) == ("objection", "15 min is too short")
    decide = {"decision": "30 min", "rationale": "both can live with it", "actor": "lead"}
    with pytest.raises(NeedsHuman):
        step(store, deciding.decide, name, human=False, **decide)
    with pytest.raises(NeedsHuman):
        step(store, deciding.deprecate, name, human=False, actor="lead", reason="dodge")
    assert step(store, deciding.decide, name, human=True, **decide)["status"] == "accepted"


@pytest.mark.parametrize(("stands", "status"), [(True, "proposed"), (False, "deprecated")])
def test_a_human_upholds_a_decision_or_sets_it_aside(
    store: Store, stands: bool, status: str
) -> None:
    name = put(store)["id"]
    step(store, deciding.object_to, name, "neither", actor="frontend")
    step(store, deciding.object_to, name, "nor", actor="backend")
    row = step(store, deciding.uphold, name, actor="human:ada", reason="r", stands=stands)
    assert row["status"] == status


def test_the_default_holds_once_the_deadline_has_passed(store: Store, clock: ManualClock) -> None:
    from dataclasses import replace

    late = clock() + 4 * HOUR
    name = put(store, replace(REST, deadline_at=late, fallback="REST"))["id"]
    no_default = put(store, replace(REST, deadline_at=late))["id"]
    objected = put(store, replace(REST, deadline_at=late, fallback="REST"))["id"]
    step(store, deciding.object_to, objected, "no", actor="frontend")

    def settled() -> list[str]:
        rows = store.write(lambda tx: deciding.settle(tx, tx.now, actor="coordinator"))
        return [row["id"] for row in rows]

    assert settled() == []
    clock.advance(4 * HOUR)
    assert settled() == [name]
    assert settled() == []
    row = store.read(lambda r: find(r, name))
    assert (row["status"], row["decision"], row["decided_by"]) == (
        "accepted", "REST", '["default"]',
    )  # fmt: skip
    assert store.read(lambda r: [row["id"] for row in deciding.due(r, r.now)]) == [no_default]


@pytest.mark.parametrize(
    ("deadline", "fallback", "said"), [(1, "SOAP", "no option"), (None, "REST", "needs a deadline")]
)
def test_a_default_is_an_option_and_has_a_deadline(
    store: Store, deadline: int | None, fallback: str, said: str
) -> None:
    from dataclasses import replace

    with pytest.raises(UnusableDecision, match=said):
        put(store, replace(REST, deadline_at=deadline, fallback=fallback))


def test_superseding_links_to_the_later_one_and_never_in_a_circle(store: Store) -> None:
    one, two = log(store)["id"], log(store)["id"]
    row = step(store, deciding.supersede, one, two, actor="lead", human=False)
    assert (row["status"], row["superseded_by"]) == ("superseded", two)
    for old, new in ((two, one), (two, two)):
        with pytest.raises(NotPossible):
            step(store, deciding.supersede, old, new, actor="lead", human=False)


def test_a_step_from_the_wrong_status_says_what_is_possible(store: Store) -> None:
    name = put(store)["id"]
    with pytest.raises(NotPossible) as caught:
        step(store, deciding.implement, name, actor="lead")
    assert caught.value.message == f"{name} is proposed"
    assert caught.value.hint == "from there: input, object, decide, supersede, deprecate"
    assert caught.value.exit_status == 13


def test_an_accepted_decision_is_implemented_and_later_deprecated(store: Store) -> None:
    name = log(store)["id"]
    assert step(store, deciding.implement, name, actor="b")["status"] == "implemented"
    row = step(store, deciding.deprecate, name, actor="b", human=False, reason="gone")
    assert (row["status"], row["version"]) == ("deprecated", 3)
    assert kinds(store)[1:] == ["decision.implement", "decision.deprecate"]


def test_archiving_keeps_the_newest_and_all_that_is_open_and_ids_stay_taken(store: Store) -> None:
    names = [log(store)["id"] for _ in range(5)]
    waiting = put(store)["id"]
    assert step(store, deciding.archive, 2, actor="human:ada") == names[:3]
    assert step(store, deciding.archive, 2, actor="human:ada") == []
    shown = [row["id"] for row in store.read(listed)]
    assert sorted(shown) == [*names[3:], waiting]
    assert store.read(lambda r: find(r, names[0]))["archived"] == 1
    assert log(store)["id"].endswith("-0007")
    with pytest.raises(UnusableDecision):
        step(store, deciding.archive, -1, actor="human:ada")


def test_what_another_system_logged_is_brought_once_and_found_by_its_name(store: Store) -> None:
    def fetch(source: str, title: str = "Protocol") -> Row | None:
        return store.write(
            lambda tx: bring(tx, Draft(title, "d"), source=source, at=1_705_317_300_000,
                             status="accepted", actor="human:ada")
        )  # fmt: skip

    row = fetch("dec_001")
    assert row and row["id"] == "DEC-20240115-0001"
    assert fetch("dec_001") is None
    kept = fetch("DEC-20240115-0077")
    assert kept and kept["id"] == "DEC-20240115-0077"
    other = fetch("dec_001", "Another file's first")
    assert other
    with pytest.raises(NoSuchDecision) as caught:
        store.read(lambda r: find(r, "dec_001"))
    assert row["id"] in (caught.value.hint or "") and other["id"] in (caught.value.hint or "")
    assert store.read(lambda r: find(r, "dec-20240115-0077"))["id"] == kept["id"]


WRITER = """
import sys
from pathlib import Path
from orchestrator.coordination.decisions import Draft, add
from orchestrator.store.sqlite import open_store
store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    row = store.write(lambda tx: add(tx, Draft(f"t{number}", "d"), actor=sys.argv[2]), durable=True)
    print(row["id"], flush=True)
store.close()
"""


@contextmanager
def writers(state: Path, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that wait for the word to go."""
    command = [sys.executable, "-c", WRITER, str(state)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [
        subprocess.Popen([*command, f"w{number}"], text=True, **pipes) for number in range(count)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


@pytest.mark.slow
def test_twenty_writers_log_ten_each_and_all_survive_with_an_id_of_their_own(
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path / "state")
    with writers(tmp_path / "state", 20) as crowd:
        for process in crowd:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [name for process in crowd for name in process.communicate()[0].split()]
    rows = store.read(lambda r: r.find("decisions", columns=("id",)))
    assert len(told) == len(set(told)) == len(rows) == store.verify_events() == 200
    assert {row["id"] for row in rows} == set(told)
    assert all(re.fullmatch(r"DEC-[0-9]{8}-[0-9]{4}", name) for name in told)
    store.close()
