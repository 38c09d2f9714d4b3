"""Leases: one holder, or several readers; all or none; ended by time, by death, by a human."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.coordination import leases
from orchestrator.coordination.leases import (
    LONGEST_MS,
    TTL_MS,
    Acquired,
    BadLease,
    CannotSteal,
    Held,
)
from orchestrator.coordination.liveness import started
from orchestrator.coordination.paths import Target, file_target, overlaps, with_lines
from orchestrator.store.port import Store, Transaction
from orchestrator.store.sqlite import SqliteStore, open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.coordination.leasing import acquired, at, check, event_kinds, session, take


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made: Store = (
        MemoryStore(clock) if request.param == "memory" else open_store(tmp_path / "s", clock=clock)
    )
    yield made
    made.close()


@pytest.fixture
def dead() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert started(process.pid) is None
    return process.pid


def test_what_one_holds_nobody_else_gets(store: Store) -> None:
    (row,) = acquired(store, "ada", "src/app.py", intent="rename")
    got = take(store, "ben", "src/app.py")
    assert isinstance(got, Held)
    assert [c.holder for c in got.conflicts] == ["ada"]
    assert got.conflicts[0].lease == row
    assert event_kinds(store) == ["lease.acquire"]


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("src/", "src/new/file.py"),
        ("src/new/file.py", "src/"),
        ("src/", "src/deep/"),
        ("src/deep/", "src/"),
        (".", "a.py"),
        ("a.py", "."),
        ("a*", "*b"),
        ("src/*.py", "src/a.py"),
        ("src/a.py", "src/*.py"),
        ("src/a.py", "**/*.py"),
        ("**/a.py", "src/deep/"),
        ("src/deep/", "**/a.py"),
        ("src/deep/*", "src/**"),
        ("src/**", "src/deep/*"),
        ("*/deep/x*", "src/*/*y"),
    ],
)
def test_overlapping_targets_exclude_each_other(store: Store, held: str, wanted: str) -> None:
    acquired(store, "ada", held)
    assert isinstance(take(store, "ben", wanted), Held)
    assert check(store, "ben", wanted).state == "held"


@pytest.mark.parametrize(
    ("held", "wanted"),
    [("src/", "srcs/a.py"), ("a*c", "*b"), ("src/*.py", "src/deep/a.py"), ("src/a.py", "src/b.py"),
     ("src/a*", "src/b/"), ("lib/", "src/**")],
)  # fmt: skip
def test_other_targets_do_not(store: Store, held: str, wanted: str) -> None:
    acquired(store, "ada", held)
    acquired(store, "ben", wanted)


def test_several_paths_are_taken_all_or_none(store: Store) -> None:
    acquired(store, "ada", "b.py")
    got = take(store, "ben", "a.py", "b.py", "c.py")
    assert isinstance(got, Held)
    assert check(store, "cyd", "a.py").state == check(store, "cyd", "c.py").state == "free"
    assert len(acquired(store, "cyd", "a.py", "c.py", "a.py")) == 2


def test_readers_share_and_a_writer_does_not(store: Store) -> None:
    acquired(store, "ada", "a.py", mode="shared")
    acquired(store, "ben", "a.py", mode="shared")
    assert isinstance(take(store, "cyd", "a.py"), Held)
    assert isinstance(take(store, "ada", "a.py"), Held), "an upgrade has to wait for the readers"
    store.write(lambda tx: leases.release(tx, [at("a.py")], instance="ben"))
    (upgraded,) = acquired(store, "ada", "a.py")
    assert upgraded["mode"] == "exclusive"
    assert isinstance(take(store, "ben", "a.py", mode="shared"), Held)


def grab(store: Store, who: str, want: Target) -> Acquired | Held:
    return store.write(lambda tx: leases.acquire(tx, [want], instance=who))


def test_parts_of_one_file_can_have_different_holders(store: Store) -> None:
    one, two = (with_lines(file_target("a.py"), *lines) for lines in ((1, 10), (11, 20)))
    for who, part in (("ada", one), ("ben", two)):
        assert isinstance(grab(store, who, part), Acquired)
    assert isinstance(take(store, "cyd", "a.py"), Held)


def test_own_leases_are_renewed_and_keep_their_fence(store: Store, clock: ManualClock) -> None:
    (first,) = acquired(store, "ada", "a.py")
    clock.advance(1000)
    (again,) = acquired(store, "ada", "a.py")
    assert (again["id"], again["fence"]) == (first["id"], first["fence"])
    assert again["expires_at"] == first["expires_at"] + 1000
    assert event_kinds(store) == ["lease.acquire"], "a renewal is no event"
    (shorter,) = acquired(store, "ada", "a.py", ttl_ms=1000)
    assert shorter["expires_at"] == again["expires_at"], "a renewal never shortens"


def test_the_fence_grows_with_every_holder(store: Store, clock: ManualClock) -> None:
    fences = []
    for who in ("ada", "ben", "ada"):
        fences += [row["fence"] for row in acquired(store, who, "a.py")]
        clock.advance(TTL_MS)
    assert fences == sorted(set(fences))


def test_a_lease_that_ran_out_is_taken_over_and_that_is_said(
    store: Store, clock: ManualClock
) -> None:
    (old,) = acquired(store, "ada", "a.py")
    clock.advance(TTL_MS)
    assert check(store, "ada", "a.py").state == "expired"
    assert check(store, "ben", "a.py").state == "free"
    got = take(store, "ben", "a.py")
    assert isinstance(got, Acquired)
    assert [row["id"] for row in got.taken_over] == [old["id"]]
    assert check(store, "ada", "a.py").state == "held"
    store.write(lambda tx: leases.release(tx, [at("a.py")], instance="ben"))
    assert check(store, "ada", "a.py").state == "expired", "ada never heard of its end"
    assert event_kinds(store)[1:3] == ["lease.expire", "lease.acquire"]


def test_own_lease_that_ran_out_comes_back_with_a_new_fence(
    store: Store, clock: ManualClock
) -> None:
    (old,) = acquired(store, "ada", "a.py")
    clock.advance(TTL_MS)
    (new,) = acquired(store, "ada", "a.py")
    assert new["fence"] > old["fence"]


def test_a_killed_holder_frees_what_it_held(store: Store, dead: int) -> None:
    session(store, "s1", "ada", dead)
    acquired(store, "ada", "a.py", session="s1")
    assert check(store, "ben", "a.py").state == "free"
    got = take(store, "ben", "a.py")
    assert isinstance(got, Acquired) and len(got.taken_over) == 1


def test_a_living_or_unknown_holder_keeps_it(store: Store, clock: ManualClock) -> None:
    session(store, "s1", "ada")
    session(store, "s2", "ben", 0, heartbeat_at=clock())
    acquired(store, "ada", "a.py", session="s1")
    acquired(store, "ben", "b.py", session="s2")
    assert isinstance(take(store, "cyd", "a.py"), Held)
    assert isinstance(take(store, "cyd", "b.py"), Held)


@pytest.mark.parametrize("ttl", [-1, 0, 999, LONGEST_MS + 1, 2**62])
def test_an_impossible_length_is_refused(store: Store, ttl: int) -> None:
    with pytest.raises(BadLease):
        take(store, "ada", "a.py", ttl_ms=ttl)
    with pytest.raises(BadLease):
        store.write(lambda tx: leases.renew_on(tx, [at("a.py")], instance="ada", ttl_ms=ttl))


def test_an_impossible_request_is_refused(store: Store) -> None:
    for options in ({"mode": "write"}, {"intent": "x" * 501}):
        with pytest.raises(BadLease):
            take(store, "ada", "a.py", **options)
    with pytest.raises(BadLease):
        take(store, "ada")


def test_changed_content_is_a_conflict_until_the_holder_says_it_wrote(store: Store) -> None:
    acquired(store, "ada", "a.py", hashes={"a.py": "1" * 40})
    assert check(store, "ada", "a.py", digest="1" * 40).state == "mine"
    assert check(store, "ada", "a.py", digest="2" * 40).state == "changed"
    store.write(lambda tx: leases.wrote(tx, at("a.py"), instance="ada", digest="2" * 40))
    assert check(store, "ada", "a.py", digest="2" * 40).state == "mine"


def test_a_file_in_a_leased_folder_is_mine(store: Store) -> None:
    acquired(store, "ada", "src/")
    assert check(store, "ada", "src/new.py").state == "mine"


def states(store: Store, verb: str, who: str, *paths: str) -> list[str]:
    """What ``renew_on`` or ``release`` answers for each path."""
    use = getattr(leases, verb)
    found = store.write(lambda tx: use(tx, [at(path) for path in paths], instance=who))
    return [standing.state for standing in found]


@pytest.mark.parametrize("verb", ["renew_on", "release"])
def test_only_ones_own_leases_are_renewed_or_released(
    store: Store, clock: ManualClock, verb: str
) -> None:
    acquired(store, "ada", "old.py")
    clock.advance(TTL_MS)
    acquired(store, "ada", "a.py")
    acquired(store, "ben", "b.py")
    said = states(store, verb, "ada", "a.py", "b.py", "none.py", "old.py")
    assert said == ["mine", "held", "free", "expired"]
    assert check(store, "cyd", "b.py").state == "held"


def test_release_all_leaves_what_belongs_to_a_handoff(store: Store) -> None:
    acquired(store, "ada", "a.py", "b.py")
    passed = store.write(lambda tx: leases.pass_to(tx, {"id": "H-1"}, "ada", [at("a.py")]))
    store.write(lambda tx: leases.release(tx, None, instance="ada"))
    assert passed == 1
    assert [row["path"] for row in store.read(leases.held)] == ["a.py"]


def test_a_heartbeat_renews_what_the_session_holds(store: Store, clock: ManualClock) -> None:
    session(store, "s1", "ada")
    acquired(store, "ada", "a.py", "b.py", session="s1")
    acquired(store, "ada", "c.py")
    clock.advance(TTL_MS - 1)
    assert store.write(lambda tx: leases.renew(tx, session="s1")) == 2
    clock.advance(1)
    assert check(store, "ben", "a.py").state == "held"
    assert check(store, "ben", "c.py").state == "free"


def test_an_ended_session_loses_its_leases_but_not_its_handoffs(
    store: Store, clock: ManualClock
) -> None:
    session(store, "s1", "ada")
    acquired(store, "ada", "a.py", "b.py", session="s1")
    store.write(lambda tx: leases.pass_to(tx, {"id": "H-1"}, "ada", [at("a.py")]))
    assert store.write(lambda tx: leases.release_session(tx, "s1", "checked out")) == 1
    clock.advance(LONGEST_MS)
    assert isinstance(take(store, "ben", "a.py"), Held)
    assert store.write(lambda tx: leases.free_handoff(tx, "H-1", "landed")) == 1
    acquired(store, "ben", "a.py", "b.py")


def test_stealing_is_for_humans_with_a_reason_or_from_the_dead(store: Store, dead: int) -> None:
    def steal(path: str, human: bool, reason: str) -> Acquired:
        return store.write(
            lambda tx: leases.steal(
                tx, at(path), instance="cyd", actor="cyd", human=human, reason=reason
            )
        )

    session(store, "s1", "ada", dead)
    acquired(store, "ada", "dead.py", session="s1")
    acquired(store, "ben", "alive.py")
    for human, reason in ((False, "I want it"), (True, " ")):
        with pytest.raises(CannotSteal):
            steal("alive.py", human, reason)
    assert steal("dead.py", False, "").leases[0]["instance"] == "cyd"
    assert steal("alive.py", True, "it hangs").leases[0]["instance"] == "cyd"
    stolen = [e for e in store.events() if e["kind"] == "lease.steal"]
    assert [(e["instance"], e["actor"]) for e in stolen] == [("ada", "cyd"), ("ben", "cyd")]
    assert stolen[1]["reason"] == "taken by cyd: it hangs"


def test_cleanup_ends_what_is_over_and_nothing_else(
    store: Store, clock: ManualClock, dead: int
) -> None:
    session(store, "s1", "ada", dead)
    acquired(store, "ben", "old.py")
    clock.advance(TTL_MS)
    acquired(store, "ada", "dead.py", session="s1")
    acquired(store, "ben", "live.py")
    ended = store.write(leases.cleanup)
    assert sorted(row["path"] for row in ended) == ["dead.py", "old.py"]
    assert [row["path"] for row in store.read(leases.held)] == ["live.py"]
    clock.advance(31 * LONGEST_MS)
    store.write(leases.cleanup)
    assert {row["path"] for row in store.read(lambda r: r.find("leases"))} == {"live.py"}


def test_a_rename_is_followed_and_the_old_name_stays(store: Store) -> None:
    acquired(store, "ada", "old.py")
    acquired(store, "ben", "taken.py")

    def follow(tx: Transaction, new: str) -> int:
        return len(leases.renamed(tx, [(at("old.py"), at(new))], instance="ada"))

    assert store.write(lambda tx: follow(tx, "new.py")) == 0
    assert check(store, "ben", "new.py").state == check(store, "ben", "old.py").state == "held"
    assert store.write(lambda tx: follow(tx, "taken.py")) == 1


def test_odd_names_are_kept_exactly(store: Store) -> None:
    odd = "a\"b'c\\d $(x) é.py"
    acquired(store, "ada", odd, intent='say "hi"')
    assert isinstance(take(store, "ben", odd), Held)
    (event,) = store.events()
    assert json.loads(event["data"])["leases"][0]["path"] == odd


def test_a_clock_that_jumps_back_gives_nobody_two_holders(store: Store, clock: ManualClock) -> None:
    acquired(store, "ada", "a.py")
    clock.advance(-3_600_000)
    assert isinstance(take(store, "ben", "a.py"), Held)


def test_where_a_file_lies_on_disk_makes_no_other_lease(store: Store) -> None:
    placed = replace(at("a.py"), place="/somewhere/a.py")
    store.write(lambda tx: leases.acquire(tx, [placed], instance="ada"))
    assert len(acquired(store, "ada", "a.py")) == 1
    assert len(store.read(leases.held)) == 1


RACER = """\
import sys
from pathlib import Path
from orchestrator.coordination import leases
from orchestrator.coordination.paths import file_target
from orchestrator.store.sqlite import open_store
store = open_store(Path(sys.argv[1]))
sys.stdin.readline()
won = []
for number in range(int(sys.argv[3])):
    want = [file_target(f"contested/{number}.py")]
    got = store.write(lambda tx: leases.acquire(tx, want, instance=sys.argv[2]))
    won.append(int(isinstance(got, leases.Acquired)))
print(*won)
store.close()
"""


@pytest.mark.parametrize(
    ("count", "rounds"), [(20, 100), pytest.param(50, 10, marks=pytest.mark.slow)]
)
def test_of_all_processes_exactly_one_wins_each_lease(
    tmp_path: Path, count: int, rounds: int
) -> None:
    open_store(tmp_path / "s").close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / "s"), f"i{n}", str(rounds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for n in range(count)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=120) for racer in racers]
    assert [err for _, err in answers if err] == []
    wins = [
        sum(column) for column in zip(*(map(int, out.split()) for out, _ in answers), strict=True)
    ]
    assert wins == [1] * rounds


def test_the_answer_is_the_same_whatever_else_is_leased(tmp_path: Path) -> None:
    """Candidates are narrowed by equality: narrowing must lose none."""
    store: SqliteStore = open_store(tmp_path / "s")
    paths = ["a.py", "x/a.py", "x/y/a.py", "x/y/z/a.py", "x/", "x/y/", "x/y/z/", "w/",
             "*.py", "x/*.py", "x/y/*", "x/*/a*", "x/y/z/**", "**/a.py", "w*/**", "."]  # fmt: skip
    for one in paths:
        acquired(store, "ada", one)
        for other in paths:
            state = check(store, "ben", other).state
            assert (state == "held") == overlaps(at(one), at(other)), (one, other)
        states(store, "release", "ada", one)
    store.close()
