"""The budgets of the status document and of the commands that people type most."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, floor, median_of, process_seconds
from orchestrator.config.model import Config, Instance
from orchestrator.status.publish import publish
from orchestrator.store.port import Transaction
from orchestrator.store.sqlite import SqliteStore, open_store

__all__ = ["measure"]


def measure() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _document(Path(folder) / "large")
        yield from _commands(Path(folder) / "repository")


def _document(root: Path) -> Iterator[Row]:
    store = open_store(root / "state")
    _fill(store, 1000)
    turn = 0

    def once() -> None:
        nonlocal turn
        turn += 1
        assert publish(store, root)

    def change() -> None:
        store.write(lambda tx: tx.update("instances", {"id": "i0"}, {"task": f"task {turn}"}))

    change()
    once()
    unchanged = median_of(once, 15)
    samples = []
    for _ in range(25):
        change()
        samples.append(median_of(once, 1))
    size = (root / "status" / "status.json").stat().st_size
    note = f"{size / 1000:.0f} KB; unchanged {unchanged * 1000:.1f} ms"
    yield Row("status.json, 1,000 instances", sorted(samples)[12] * 1000, "ms", 10, note)
    store.close()


def _commands(root: Path) -> Iterator[Row]:
    root.mkdir()
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    store = open_store(root / ".git" / "orchestrator")
    _fill(store, 50)
    store.close()
    unit = floor()
    script = str(Path(sys.executable).with_name("orchestrate"))
    version = process_seconds([script, "--version"], 25) / unit
    yield Row("orchestrate --version", version, "x", 5, f"floor {unit * 1000:.1f} ms")
    status = process_seconds([script, "status"], 15, cwd=str(root)) / unit
    yield Row("orchestrate status, 50 instances", status, "x", 20)
    machine = process_seconds([script, "status", "--json"], 15, cwd=str(root)) / unit
    yield Row("orchestrate status --json", machine, "x", 20)


def _fill(store: SqliteStore, count: int) -> None:
    names = [f"i{number}" for number in range(count)]
    instances = {name: Instance(name, "ROLE", file_patterns=(f"src/{name}/**",)) for name in names}
    config = json.dumps(Config(project="bench", layers={}, instances=instances).to_json())

    def body(tx: Transaction) -> None:
        tx.insert("meta", {"name": "config", "value": config})
        for name in names:
            row = {"id": name, "state": "ACTIVE", "role": "ROLE", "task": "a task of its own"}
            tx.insert("instances", {**row, "version": 1, "session": "s", "heartbeat_at": 0})

    store.write(body)
