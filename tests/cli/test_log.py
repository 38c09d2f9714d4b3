"""``orchestrate log``: read, filter, follow, verify."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.store.port import NewEvent
from orchestrator.store.sqlite import SqliteStore, open_store
from orchestrator.testing import ManualClock
from tests.conftest import MakeRepo

Out = pytest.CaptureFixture[str]

EVENTS = (
    NewEvent("instance.assign", "human:ada", "backend", data={"from": "STANDBY", "to": "ACTIVE"}),
    NewEvent("instance.ready", "backend", "backend", "H-1", "done\nand tested",
             data={"from": "ACTIVE", "to": "HANDOFF_READY"}),
    NewEvent("run.end", "lead", "frontend", "H-2", "\x1b[2J"),
)  # fmt: skip


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_repo()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def log(repo: Path) -> SqliteStore:
    clock = ManualClock()
    store = open_store(repo / ".git" / "orchestrator", clock=clock)
    for event in EVENTS:
        record(store, event)
        clock.advance(1500)
    return store


def record(store: SqliteStore, event: NewEvent) -> None:
    store.write(lambda tx: tx.record(event))


def numbers(out: str) -> list[int]:
    return [json.loads(line)["seq"] for line in out.splitlines()]


def test_events_are_lines_oldest_first(log: SqliteStore, capsys: Out) -> None:
    assert run(["log"]) == 0
    assert capsys.readouterr().out == (
        "    1  2026-01-01T00:00:00.000Z  human:ada  instance.assign  backend  STANDBY → ACTIVE\n"
        "    2  2026-01-01T00:00:01.500Z  backend  instance.ready  H-1  ACTIVE → HANDOFF_READY  "
        "done\\nand tested\n"
        "    3  2026-01-01T00:00:03.000Z  lead  run.end  frontend  H-2  \\x1b[2J\n"
    )


def test_json_is_one_event_per_line_with_time_and_data(log: SqliteStore, capsys: Out) -> None:
    assert run(["log", "--json", "-n", "1", "--instance", "backend"]) == 0
    event: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert event["at"] == "2026-01-01T00:00:01.500Z"
    assert event["data"] == {"from": "ACTIVE", "to": "HANDOFF_READY"}
    assert event["reason"] == "done\nand tested"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [1, 2, 3]),
        (["-n", "2"], [2, 3]),
        (["-n", "0"], [1, 2, 3]),
        (["--since", "1"], [2, 3]),
        (["--since", "1", "-n", "1"], [2]),
        (["--since", "3"], []),
        (["--handoff", "H-2"], [3]),
        (["--instance", "backend"], [1, 2]),
        (["--instance", "nobody"], []),
    ],
)
def test_events_are_selected(
    log: SqliteStore, capsys: Out, options: list[str], expected: list[int]
) -> None:
    assert run(["log", "--json", *options]) == 0
    assert numbers(capsys.readouterr().out) == expected


def test_the_latest_twenty_unless_told(log: SqliteStore, capsys: Out) -> None:
    for _ in range(30):
        record(log, NewEvent("a.b", "x"))
    run(["log", "--json"])
    assert numbers(capsys.readouterr().out) == list(range(14, 34))
    run(["log", "--json", "--since", "1"])
    assert len(numbers(capsys.readouterr().out)) == 32


def test_verify_counts_the_events_of_an_intact_chain(log: SqliteStore, capsys: Out) -> None:
    assert run(["log", "verify"]) == 0
    assert capsys.readouterr().out == "3 events, the chain is intact\n"
    assert run(["log", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"events": 3, "intact": True}


def test_verify_names_the_first_bad_event_and_fails(log: SqliteStore, capsys: Out) -> None:
    log.close()
    with closing(sqlite3.connect(log.path, isolation_level=None)) as raw:
        raw.execute("UPDATE events SET actor = 'human:eve' WHERE seq = 2")
    assert run(["log", "verify"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "E204 event 2 is not as it was recorded\n"


def test_without_a_store_there_are_no_events_and_none_is_made(repo: Path, capsys: Out) -> None:
    assert run(["log"]) == 0
    assert run(["log", "verify"]) == 0
    assert capsys.readouterr().out == "0 events, the chain is intact\n"
    assert not (repo / ".git" / "orchestrator").exists()


def test_follow_prints_what_others_record_and_ends_cleanly(log: SqliteStore, repo: Path) -> None:
    command = [sys.executable, "-m", "orchestrator", "log", "--json", "--follow", "-n", "1"]
    process = subprocess.Popen(
        [*command, "--instance", "backend"], cwd=repo, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["seq"] == 2
        record(log, NewEvent("a.b", "x", "frontend"))
        record(log, NewEvent("a.b", "x", "backend"))
        assert select.select([process.stdout], [], [], 30)[0]
        assert json.loads(process.stdout.readline())["seq"] == 5
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
