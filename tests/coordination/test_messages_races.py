"""Real processes that write messages at once: nothing is lost, whoever is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from orchestrator.coordination import messages
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store
from tests.store.test_races import OPEN, processes, stream

SENDER = (
    OPEN
    + """
from orchestrator.config.model import Config
from orchestrator.coordination.messages import Draft, send
config = Config("shop", {})
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < int(name.partition(":")[2] or 10):
    def body(tx):
        return send(tx, config, name, "bob", Draft(f"{name} {done}"), actor=name).message["id"]
    said = store.write(body, durable=True, key=f"{name} {done}")
    done += 1
    print(said, flush=True)
store.close()
"""
)


def made(state: Path) -> SqliteStore:
    store = open_store(state)
    store.write(lambda tx: tx.insert("instances", {"id": "bob", "state": "STANDBY", "version": 1}))
    return store


@pytest.mark.slow
def test_of_twenty_processes_with_ten_messages_each_nothing_is_lost(tmp_path: Path) -> None:
    store = made(tmp_path / "state")
    with processes(SENDER, tmp_path / "state", 20) as senders:
        for process in senders:
            assert stream(process).readline() == "ready\n"
        for process in senders:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [stream(process).read().split() for process in senders]
    ids = [name for names in told for name in names]
    assert sorted(ids, key=lambda name: int(name[2:])) == [f"M-{n}" for n in range(1, 201)]
    kept = store.read(lambda r: messages.inbox(r, "bob"))
    assert {row["subject"] for row in kept} == {f"p{p} {n}" for p in range(20) for n in range(10)}
    assert store.verify_events() == 200
    store.close()


ENDLESS = SENDER.replace('int(name.partition(":")[2] or 10)', "10**9")


def test_what_a_killed_sender_was_told_is_there_and_its_last_message_is_whole(
    tmp_path: Path,
) -> None:
    store = made(tmp_path / "state")
    with processes(ENDLESS, tmp_path / "state", 1) as (process,):
        assert stream(process).readline() == "ready\n"
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        for _ in range(7):
            stream(process).readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        told = 7 + len([line for line in stream(process).read().split("\n")[:-1] if line])
    kept = store.read(lambda r: messages.inbox(r, "bob"))
    assert told <= len(kept) <= told + 1
    assert [row["id"] for row in kept] == [f"M-{n + 1}" for n in range(len(kept))]
    assert store.read(lambda r: r.count("receipts")) == len(kept) == store.verify_events()
    # Repeating the last call, as its caller would, sends nothing twice.
    again = store.write(_fail, key=f"p0 {len(kept) - 1}")
    assert again == kept[-1]["id"]
    store.close()


def _fail(tx: Transaction) -> None:
    raise AssertionError("it was sent already")
