"""Publishing: whole documents, growing revisions, and never in the way of the work."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.status.publish import Debounced, StatusNotWritten, publish, write
from orchestrator.store.gate import Gate
from orchestrator.store.port import Store
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.status.conftest import at_work, update


def read(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "status" / "status.json").read_text())
    return found


def test_the_document_is_published_and_its_folder_ignored(store: Store, tmp_path: Path) -> None:
    path = publish(store, tmp_path)
    assert path == tmp_path / "status" / "status.json"
    assert read(tmp_path)["coordinationSession"]["totalInstances"] == 3
    assert "*\n!.gitignore\n!schema.json" in (tmp_path / "status" / ".gitignore").read_text()
    names = {entry.name for entry in (tmp_path / "status").iterdir()}
    assert names == {"status.json", ".gitignore", ".lock"}


def test_an_existing_folder_is_left_as_it_is(store: Store, tmp_path: Path) -> None:
    (tmp_path / "status").mkdir()
    publish(store, tmp_path)
    assert not (tmp_path / "status" / ".gitignore").exists()


def test_the_revision_grows_by_one_with_every_change_and_only_then(
    store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    at_work(store, "backend", "ACTIVE")
    publish(store, tmp_path)
    first = (tmp_path / "status" / "status.json").read_bytes()
    clock.advance(1000)
    publish(store, tmp_path)
    assert (tmp_path / "status" / "status.json").read_bytes() == first
    for number in range(2, 5):
        update(store, "instances", "backend", task=f"task {number}")
        publish(store, tmp_path)
        assert read(tmp_path)["revision"] == number
    publish(store, tmp_path, force=True)
    assert read(tmp_path)["revision"] == 5


@pytest.mark.parametrize("damage", [None, b"", b"{", b"\xff\xfe", b'{"revision": "many"}'])
def test_a_removed_or_damaged_document_is_replaced_and_the_revision_goes_on(
    store: Store, tmp_path: Path, damage: bytes | None
) -> None:
    publish(store, tmp_path)
    publish(store, tmp_path, force=True)
    path = tmp_path / "status" / "status.json"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    publish(store, tmp_path)
    assert read(tmp_path)["revision"] == 3


def test_many_instances_are_written_compactly_and_found_unchanged(tmp_path: Path) -> None:
    store = MemoryStore(ManualClock())
    for number in range(60):
        at_work(store, f"i{number}", "ACTIVE")
    publish(store, tmp_path)
    publish(store, tmp_path)
    assert read(tmp_path)["revision"] == 1
    assert len(read(tmp_path)["instances"]) == 60


def test_text_of_users_cannot_break_the_document(store: Store, tmp_path: Path) -> None:
    at_work(store, "backend", "ACTIVE")
    update(store, "instances", "backend", task='"}, "generatedAt": "x", \n\x1b[2J')
    publish(store, tmp_path)
    publish(store, tmp_path)
    assert read(tmp_path)["revision"] == 1
    assert read(tmp_path)["instances"]["backend"]["task"].endswith("\n\x1b[2J")


def test_who_cannot_write_leaves_the_old_document_and_says_why(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "status").write_text("a file, not a folder")
    assert publish(store, tmp_path) is None
    with pytest.raises(StatusNotWritten, match=r"status\.json"):
        write(store, tmp_path)


def test_a_busy_document_is_given_up_after_a_while(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, tmp_path)
    monkeypatch.setattr("orchestrator.status.publish._WAIT", 0.02)
    with Gate(tmp_path / "status" / ".lock"):
        assert publish(store, tmp_path) is None


FULL = """
import resource, sys
from pathlib import Path
from orchestrator.status.publish import publish
from orchestrator.testing import ManualClock, MemoryStore

store, root = MemoryStore(ManualClock()), Path(sys.argv[1])
publish(store, root)
for number in range(200):
    store.write(lambda tx: tx.insert("instances", {"id": f"i{number}", "state": "ACTIVE"}))
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
print(publish(store, root))
"""


def test_a_full_disk_breaks_nothing_and_leaves_no_litter(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"
    assert read(tmp_path)["revision"] == 1
    names = {entry.name for entry in (tmp_path / "status").iterdir()}
    assert names == {"status.json", ".gitignore", ".lock"}


PUBLISHER = """
import sys
from pathlib import Path
from orchestrator.status.publish import publish
from orchestrator.store.sqlite import open_store

root, name = Path(sys.argv[1]), sys.argv[2]
store = open_store(root / "state")
for number in range(10):
    store.write(lambda tx: tx.insert("instances", {"id": f"{name}-{number}", "state": "ACTIVE"}))
    assert publish(store, root) is not None
store.close()
"""


def test_processes_that_publish_at_once_leave_the_newest_document(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUBLISHER, str(tmp_path)]
    publishers = [subprocess.Popen([*command, f"p{number}"]) for number in range(4)]
    assert [publisher.wait(60) for publisher in publishers] == [0] * 4
    found = read(tmp_path)
    assert len(found["instances"]) == 40
    assert 10 <= found["revision"] <= 40
    store = open_store(tmp_path / "state")
    publish(store, tmp_path)
    assert read(tmp_path) == found
    store.close()


def test_many_pokes_are_few_calls_and_the_last_one_is_never_lost() -> None:
    seen: list[int] = []
    latest = 0
    first = threading.Event()

    def body() -> None:
        seen.append(latest)
        first.set()

    debounced = Debounced(body, interval=30.0)
    for number in range(1, 101):
        latest = number
        debounced.poke()
    assert first.wait(20)
    latest = 101
    debounced.poke()
    debounced.close()
    debounced.close()
    assert seen[-1] == 101
    assert len(seen) <= 2


def test_nothing_is_called_when_nothing_was_poked() -> None:
    seen: list[int] = []
    Debounced(lambda: seen.append(1)).close()
    assert seen == []
