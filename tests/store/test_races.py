"""Real processes at the same store: one winner, nothing lost, whoever is killed."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

OPEN = """
import sys
from pathlib import Path
from orchestrator.store.port import NewEvent
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import open_store
store = open_store(Path(sys.argv[1]))
name = sys.argv[2]
"""

#: Waits for the word to go; every round one compare-and-set that only one can win.
CONTENDER = (
    OPEN
    + """
print("ready", flush=True)
sys.stdin.readline()
won = 0
for round in range(5):
    def body(tx):
        mine = tx.update("instances", {"id": f"i{round}"}, {"state": "ACTIVE", "session": name},
                         expect={"state": "STANDBY", "version": 1})
        if mine:
            tx.record(NewEvent("instance.assign", name, f"i{round}"))
        row = tx.get("instances", id="count")
        tx.update("instances", {"id": "count"}, {"attempt": row["attempt"] + 1})
        return mine
    won += store.write(body)
print(won, flush=True)
store.close()
"""
)

#: Writes until it is killed; says what was committed.
WRITER = (
    OPEN
    + """
done = 0
while True:
    key = f"{name}-{done}"
    def body(tx):
        tx.insert("handoffs", {"id": key, "producer": name})
        tx.record(NewEvent("handoff.made", name, handoff=key))
        row = tx.get("instances", id="count")
        tx.update("instances", {"id": "count"}, {"attempt": row["attempt"] + 1})
        return tx.number("handoff")
    store.write(body, key=key)
    done += 1
    print(done, flush=True)
"""
)


@contextmanager
def processes(script: str, state: Path, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(state), f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def stream(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def seed(store: SqliteStore) -> None:
    rows = [{"id": f"i{n}", "state": "STANDBY", "version": 1} for n in range(5)]
    rows.append({"id": "count", "attempt": 0})

    def body(tx: Transaction) -> None:
        for row in rows:
            tx.insert("instances", row)

    store.write(body)


def counted(store: SqliteStore) -> int:
    row = store.read(lambda reader: reader.get("instances", id="count"))
    assert row is not None
    return int(row["attempt"])


@pytest.mark.slow
def test_of_twenty_processes_exactly_one_wins_each_round(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    seed(store)
    with processes(CONTENDER, tmp_path / "state", 20) as contenders:
        for process in contenders:
            assert stream(process).readline() == "ready\n"
        for process in contenders:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        won = [int(stream(process).readline()) for process in contenders]
        assert [process.wait(30) for process in contenders] == [0] * 20
    assert sum(won) == 5
    assert counted(store) == 100
    assert store.verify_events() == 5
    winners = store.read(lambda r: [r.get("instances", id=f"i{n}") for n in range(5)])
    told = {event["instance"]: event["actor"] for event in store.events()}
    assert told == {row["id"]: row["session"] for row in winners if row}
    store.close()


def test_many_processes_make_one_store_together(tmp_path: Path) -> None:
    script = OPEN + "print(store.write(lambda tx: tx.number('handoff')), flush=True)\nstore.close()"
    with processes(script, tmp_path / "state", 8) as makers:
        numbers = sorted(int(stream(process).readline()) for process in makers)
    assert numbers == list(range(1, 9))


@pytest.mark.parametrize("seed_", range(4))
def test_a_killed_writer_loses_nothing_it_was_told_and_breaks_nothing(
    tmp_path: Path, seed_: int
) -> None:
    dice = random.Random(seed_)
    state = tmp_path / "state"
    store = open_store(state)
    seed(store)
    told: dict[str, int] = {}
    with processes(WRITER, state, 3) as writers:
        for number, process in enumerate(writers):
            # Killed at some moment after so many answers, in the middle of something.
            for _ in range(dice.randrange(1, 25)):
                told[f"p{number}"] = int(stream(process).readline())
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            rest = stream(process).read().split("\n")
            told[f"p{number}"] = max([told[f"p{number}"], *map(int, filter(str.isdigit, rest))])
    for name, acknowledged in told.items():
        committed = store.read(lambda r, n=name: r.count("handoffs", {"producer": n}))  # type: ignore[misc]
        # The very last write may be committed though nobody was told.
        assert acknowledged <= committed <= acknowledged + 1
        last = {"key": f"{name}-{committed - 1}"}
        again = store.write(lambda tx: tx.number("handoff"), key=last["key"])
        assert again <= counted(store)
    total = store.read(lambda reader: reader.count("handoffs"))
    assert counted(store) == total == store.verify_events()
    assert store.write(lambda tx: tx.number("handoff")) == total + 1
    store.close()


def test_a_writer_killed_inside_its_transaction_frees_the_store(tmp_path: Path) -> None:
    script = (
        OPEN
        + """
def body(tx):
    tx.insert("instances", {"id": "half"})
    print("inside", flush=True)
    sys.stdin.readline()
store.write(body)
"""
    )
    state = tmp_path / "state"
    store = open_store(state)
    with processes(script, state, 1) as (process,):
        assert stream(process).readline() == "inside\n"
        os.kill(process.pid, signal.SIGKILL)
        store.write(lambda tx: tx.insert("instances", {"id": "next"}))
    assert store.read(lambda r: [row["id"] for row in r.find("instances")]) == ["next"]
    store.close()


def test_another_process_is_noticed_by_the_version(tmp_path: Path) -> None:
    state = tmp_path / "state"
    store = open_store(state)
    before = store.version()
    script = OPEN + "store.write(lambda tx: tx.number('x'))\nprint('done', flush=True)\n"
    with processes(script, state, 1) as (process,):
        assert select.select([stream(process)], [], [], 30)[0]
        assert stream(process).readline() == "done\n"
        assert store.version() > before
    store.close()
