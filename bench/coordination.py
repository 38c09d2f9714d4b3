"""Coordination under pressure: many processes race for leases, decisions and the store.

``ORCHESTRATE_BENCH_ROUNDS`` is how often twenty writers log ten decisions each
(default 3; the published figures are of 50).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.calibration import beside, budgeted
from bench.row import Row, median_of
from orchestrator.coordination import cleaning, leases
from orchestrator.coordination.paths import file_target
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_RACERS, _RACES = 20, 100
_WRITERS, _EACH = 20, 10
_CROWD, _SECONDS = 50, 3.0
_DEAD = 200
_BEGIN = """
import json, random, sys, time
from pathlib import Path
from orchestrator.coordination import decisions, leases
from orchestrator.coordination.paths import file_target
from orchestrator.store.sqlite import open_store
store, name = open_store(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
"""


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _races(Path(folder) / "races")
        yield from _decisions(Path(folder))
        yield from _hammered(Path(folder) / "crowd")
        yield from _cleaned(Path(folder) / "dead")


def _together(state: Path, script: str, count: int) -> list[Any]:
    """Run ``count`` processes that begin at one moment; what each printed, as JSON."""
    command = [sys.executable, "-c", _BEGIN + script, str(state)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    members = [subprocess.Popen([*command, f"i{n}"], **pipes) for n in range(count)]
    try:
        for member in members:
            assert member.stdout and member.stdout.readline() == "ready\n"
        for member in members:
            assert member.stdin
            member.stdin.write("go\n")
            member.stdin.flush()
        return [json.loads(member.communicate()[0]) for member in members]
    finally:
        for member in members:
            member.kill()
            member.communicate()


# -- one path, one winner ---------------------------------------------------------------

_RACE = f"""
def won(number):
    want = [file_target("contested/%d.py" % number)]
    got = store.write(lambda tx: leases.acquire(tx, want, instance=name))
    return isinstance(got, leases.Acquired)
print(json.dumps([won(number) for number in range({_RACES})]))
store.close()
"""


def _races(state: Path) -> Iterator[Row]:
    store = open_store(state)
    told = _together(state, _RACE, _RACERS)
    winners = [sum(race) for race in zip(*told, strict=True)]
    note = f"most wins of one process: {max(map(sum, told))} of {_RACES}"
    wrong = sum(count != 1 for count in winners)
    yield Row(f"{_RACERS} race for a path {_RACES} times: not one winner", wrong, "", 0, note)
    assert store.verify_events() == _RACES
    store.close()


# -- decisions, each with an id of its own -----------------------------------------------

_WRITE = f"""
draft = decisions.Draft("Use JWT", "it expires")
def log():
    return store.write(lambda tx: decisions.add(tx, draft, actor=name)["id"], durable=True)
print(json.dumps([log() for _ in range({_EACH})]))
store.close()
"""


def _decisions(folder: Path) -> Iterator[Row]:
    rounds = int(os.environ.get("ORCHESTRATE_BENCH_ROUNDS", "3"))
    start = time.perf_counter()
    lost = sum(_lost(folder / f"decisions{number}") for number in range(rounds))
    note = f"{rounds} rounds, {time.perf_counter() - start:.0f} s"
    yield Row(f"{_WRITERS} × {_EACH} decisions: lost or with another's id", lost, "", 0, note)


def _lost(state: Path) -> int:
    """How many of the decisions of one round are missing, or share an id."""
    store = open_store(state)
    told = [name for names in _together(state, _WRITE, _WRITERS) for name in names]
    kept = {row["id"] for row in store.read(lambda r: r.find("decisions", columns=("id",)))}
    assert store.verify_events() == _WRITERS * _EACH
    store.close()
    return _WRITERS * _EACH - len(set(told) & kept)


# -- fifty processes that acquire, renew and release --------------------------------------

_HAMMER = f"""
dice, waits, errors, got = random.Random(name), [], 0, 0
until = time.time() + {_SECONDS}
def body(tx):
    want = [file_target(f"src/shared{{dice.randrange(40)}}.py")]
    taken = isinstance(leases.acquire(tx, want, instance=name), leases.Acquired)
    if taken and dice.random() < 0.7:
        leases.release(tx, want, instance=name)
    return taken
while time.time() < until:
    start = time.perf_counter()
    try:
        got += store.write(body)
    except Exception:
        errors += 1
    waits.append(time.perf_counter() - start)
    time.sleep(dice.expovariate(1 / 0.2))
print(json.dumps([len(waits), max(waits), errors, got]))
store.close()
"""


def _hammered(state: Path) -> Iterator[Row]:
    store = open_store(state)
    told = _together(state, _HAMMER, _CROWD)
    counts = sorted(count for count, *_ in told)
    note = f"{sum(counts)} calls in {_SECONDS:g} s, {sum(t[3] for t in told)} got the lease"
    yield Row(f"{_CROWD} processes lease: errors", sum(t[2] for t in told), "", 0, note)
    yield Row(f"{_CROWD} processes lease: longest wait", max(t[1] for t in told), "s", 0.5)
    note = f"least {counts[0]}, most {counts[-1]} calls; chance alone gives 0.2 to 0.5"
    unfair = sum(counts) / len(counts) / max(counts[0], 1)
    yield Row(f"{_CROWD} processes lease: mean against slowest", unfair, "x", 5, note)
    held = store.read(leases.held)
    twice = [path for path, n in Counter(row["path"] for row in held).items() if n > 1]
    yield Row(f"{_CROWD} processes lease: paths held twice", len(twice), "", 0)
    store.verify_events()
    store.close()


# -- cleaning up after the dead ------------------------------------------------------------


def _cleaned(state: Path) -> Iterator[Row]:
    store = open_store(state)
    try:
        each = beside(lambda: _buried(store))
        yield budgeted("clean-up, an instance with two leases", each, 1, "ms")
        rest = median_of(lambda: store.write(lambda tx: cleaning.clean(tx, tx.now)), 50)
        yield Row(f"clean-up with nothing to do, {_DEAD} instances", rest * 1e3, "ms")
    finally:
        store.close()


def _buried(store: SqliteStore) -> float:
    """Seconds an instance to clean up after many that are dead at once."""
    store.write(_die)
    start = time.perf_counter()
    gone = store.write(lambda tx: cleaning.clean(tx, tx.now)).sessions
    seconds = time.perf_counter() - start
    assert len(gone) == _DEAD
    store.write(lambda tx: tx.delete("instances", {"state": "STANDBY"}))
    store.write(lambda tx: tx.delete("sessions", {"id": gone}))
    return seconds / _DEAD


def _die(tx: Transaction) -> None:
    """Instances whose clients are gone, each with two leases."""
    gone = {"pid": 999_999_999, "pid_started": "1", "host": os.uname().nodename}
    for n in range(_DEAD):
        row = {"id": f"i{n}", "state": "STANDBY", "version": 1, "session": f"s{n}", **gone}
        tx.insert("instances", row)
        tx.insert("sessions", {"id": f"s{n}", "instance": f"i{n}", "heartbeat_at": tx.now, **gone})
        wants = [file_target(f"src/part{n}/{name}.py") for name in ("a", "b")]
        leases.acquire(tx, wants, instance=f"i{n}", session=f"s{n}")
