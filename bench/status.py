"""The budgets of the status document and of the commands that people type most."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.calibration import budgeted, in_turn, process_ratio
from bench.row import Row
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

    def changed() -> None:
        change()
        once()

    once()
    size = (root / "status" / "status.json").stat().st_size / 1000
    what = f"status.json, 1,000 instances, {size:.0f} KB"
    # Few in a batch: somebody else's work hardly ever leaves a tenth of a second alone.
    found = in_turn({what: changed, "… nothing changed": once}, each=4)
    for name, timed in found.items():
        yield budgeted(name, timed, 10, "ms")
    store.close()


def _commands(root: Path) -> Iterator[Row]:
    root.mkdir()
    for git in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *git], cwd=root, check=True)
    store = open_store(root / ".git" / "orchestrator")
    _fill(store, 50)
    store.close()
    script = str(Path(sys.executable).with_name("orchestrate"))
    for arguments, budget in ((("--version",), 5), (("status",), 20), (("status", "--json"), 20)):
        ratio, bare = process_ratio([script, *arguments], 25, str(root))
        what = f"orchestrate {' '.join(arguments)}, 50 instances"
        note = f"bare interpreter {bare * 1000:.1f} ms at best"
        yield Row(what, ratio, "x", budget, note)


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
