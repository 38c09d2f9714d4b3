"""The store's budgets: registry query, compare-and-set, event, fifty processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.calibration import Timed, budgeted, in_turn
from bench.row import Row, median_of
from orchestrator.status.facts import INSTANCE
from orchestrator.store.port import NewEvent, Reader, Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]

_ROWS = 100_000
_PROCESSES = 50
_SECONDS = 3.0


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "state")
        try:
            yield from _in_process(store)
        finally:
            store.close()
        yield from _together(Path(folder) / "crowd")


def _in_process(store: SqliteStore) -> Iterator[Row]:
    _instances(store, 0, 50)
    query = in_turn({"": lambda: store.read(_registry)})[""]
    yield budgeted("registry query of 50", query, 150)
    few = _set(store)
    yield budgeted("compare-and-set, 50 rows", few, 150)
    event = in_turn({"": lambda: store.write(_record, durable=True)}, durable=True)[""]
    yield budgeted("event, durable", event, 400)
    yield Row("disk flush alone", flush(), "µs", None, "the part no program can save")
    _instances(store, 50, _ROWS)
    many = _set(store)
    yield budgeted(f"compare-and-set, {_ROWS:,} rows", many, 150)
    ratio = many.best / many.bare / (few.best / few.bare)
    yield Row("… against 50 rows", ratio, "x", 1.5)


def _registry(reader: Reader) -> object:
    """As every command and view that shows the instances reads them."""
    return reader.find("instances", columns=INSTANCE)


def _instances(store: SqliteStore, start: int, end: int) -> None:
    def body(tx: Transaction) -> None:
        for number in range(start, end):
            row = {"id": f"i{number:06}", "state": "ACTIVE", "role": "ROLE", "task": "a task"}
            tx.insert("instances", {**row, "version": 1, "heartbeat_at": 0})

    store.write(body)


def _set(store: SqliteStore) -> Timed:
    version = store.read(lambda reader: reader.get("instances", id="i000025"))
    current = version["version"] if version else 0

    def body(tx: Transaction) -> bool:
        new, old = {"version": current + 1, "heartbeat_at": 1}, {"version": current}
        return tx.update("instances", {"id": "i000025"}, new, expect=old)

    def once() -> None:
        nonlocal current
        assert store.write(body)
        current += 1

    return in_turn({"": once})[""]


def _record(tx: Transaction) -> int:
    return tx.record(NewEvent("instance.ready", "backend", "backend", "H-1", "a reason"))


def flush() -> float:
    """What one flush of a small write costs here, in µs: the part no program can save."""
    import os

    with tempfile.TemporaryFile() as file:

        def once() -> None:
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())

        return median_of(once, 200) * 1e6


# -- fifty processes --------------------------------------------------------------------

_MEMBER = """
import json, random, sys, time
from pathlib import Path
from orchestrator.store.port import NewEvent
from orchestrator.store.sqlite import open_store

store, name, until = open_store(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3])
dice, count, worst, errors = random.Random(name), 0, 0.0, 0

def body(tx):
    tx.update("instances", {"id": name}, {"heartbeat_at": tx.now})
    tx.record(NewEvent("instance.beat", name))

time.sleep(max(0.0, until - float(sys.argv[4]) - time.time()))
while time.time() < until:
    start = time.perf_counter()
    try:
        store.write(body, durable=count % 5 == 0)
    except Exception:
        errors += 1
    worst = max(worst, time.perf_counter() - start)
    count += 1
    time.sleep(dice.expovariate(1 / 0.2))
print(json.dumps([count, worst, errors]))
store.close()
"""


def _together(state: Path) -> Iterator[Row]:
    store = open_store(state)
    names = [f"i{number:06}" for number in range(_PROCESSES)]
    _instances(store, 0, _PROCESSES)
    # Interpreters take a while to start on few processors; the crowd begins together.
    until = str(time.time() + 8.0 + _SECONDS)
    command = [sys.executable, "-c", _MEMBER, str(state)]
    members = [
        subprocess.Popen([*command, name, until, str(_SECONDS)], stdout=subprocess.PIPE)
        for name in names
    ]
    told = [json.loads(member.communicate()[0]) for member in members]
    counts = sorted(count for count, _, _ in told)
    note = f"{sum(counts)} writes in {_SECONDS:g} s"
    yield Row(f"{_PROCESSES} processes: errors", sum(e for _, _, e in told), "", 0, note)
    yield Row(f"{_PROCESSES} processes: longest wait", max(w for _, w, _ in told), "s", 0.5)
    least = counts[0] / (sum(counts) / len(counts))
    note = f"least {counts[0]}, most {counts[-1]} writes; chance alone gives 0.2 to 0.5"
    yield Row(f"{_PROCESSES} processes: slowest against mean", 1 / max(least, 0.01), "x", 5, note)
    assert store.verify_events() == sum(counts)
    store.close()
