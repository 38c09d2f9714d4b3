"""Views for scripts: valid, mapped, written whole, taken away, and never a question."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

import orchestrator.status
from orchestrator.config.model import Status, Views
from orchestrator.git import find
from orchestrator.status.publish import current, write
from orchestrator.status.view_files import LOCKS, MANIFEST, SHARED, views, worktrees
from orchestrator.status.view_names import called, decision_id, instance_id, lock_id
from orchestrator.store.port import Store, Transaction
from orchestrator.store.sqlite import open_store
from orchestrator.testing import ManualClock, MemoryStore
from tests.conftest import MakeRepo, git
from tests.status.conftest import CONFIG, insert

SCHEMAS = Path(orchestrator.status.__file__).parent / "view_schemas"
ALL = dict.fromkeys(Views.__dataclass_fields__, True)
KIND = {"locks": "file-lock", "heartbeats": "heartbeat"}
FITS = "DEC-20260101-0001"
SESSION = "claude-20261121-065633-efa41872"
A, ODD = "backend/app.py", 'a "b"\n.py'


@pytest.fixture(params=["memory", "sqlite"])
def full(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Store:
    """A store with one of everything, odd names included."""
    store: Store = (
        MemoryStore(clock) if request.param == "memory" else open_store(tmp_path, clock=clock)
    )
    config = {**CONFIG.to_json(), "status": {"views": ALL}}
    insert(store, "meta", {"name": "config", "value": json.dumps(config)})
    fill(store, clock.time)
    return store


def fill(store: Store, now: int) -> None:
    def add(table: str, **row: Any) -> None:
        insert(store, table, row)

    here = {"state": "ACTIVE", "version": 1, "heartbeat_at": now, "host": "elsewhere", "pid": 7}
    add("instances", id=SESSION, session="s1", task="T-1", role="test-generator", **here)
    add("instances", id="backend", session="s2", task="x" * 300, **here)
    add("sessions", id="s1", instance=SESSION, started_at=now)
    add("sessions", id="s2", instance="backend", started_at=now)
    add("profiles", instance=SESSION, expertise='["testing"]', consultation=1)
    until = {"mode": "exclusive", "acquired_at": now, "expires_at": now + 300_000}
    held = [(A, SESSION), (ODD, "backend"), ("-n", "human:ada"), ("x" * 4000, "backend")]
    for fence, (path, holder) in enumerate(held):
        name = f"L-{fence}"
        add("leases", id=name, path=path, instance=holder, fence=fence, status="held", **until)
    add("leases", id="L-9", path="old", instance="a", status="ended", fence=9, **until)
    task = {"created_at": now, "version": 1, "priority": "high"}
    add("tasks", id="T-1", title="Test", status="in_progress", origin="task_001", **task)
    needs = {"dependencies": '["T-1"]', "deliverables": '["docs/"]'}
    add("tasks", id="T-2", title="Then", status="open", **needs, **task)
    add("tasks", id="T-3", title="Gone", status="done", **task)
    sent = {"sender": "backend", "recipient": "all", "created_at": now}
    asks = {"requires_response": 1, "task": "T-1", "files": '["a"]'}
    add("messages", id="M-1", status="open", **asks, **sent)
    add("messages", id="M-2", status="answered", reply_to="M-1", **sent)
    log = {"created_at": now, "version": 1, "decided_by": '["backend"]'}
    add("decisions", id=FITS, title="t" * 300, category="odd", status="accepted", **log)
    options = '[{"name": "A", "pros": ["x"]}, "B"]'
    add("decisions", id="DEC-20260101-10000", title="M", status="objected", options=options, **log)
    add("decisions", id="DEC-20260101-0002", title="Old", status="accepted", archived=1, **log)


def made(store: Store, folder: Path = Path("/repo")) -> dict[str, Any]:
    document = current(store)
    files = store.read(lambda reader: views(reader, document, ALL, [folder]))[folder]
    return {name: json.loads(data) for name, data in files.items()}


def kind(path: str) -> str:
    """The schema of a view."""
    folder = Path(path).parent.name
    return KIND.get(folder, Path(path).stem)


def test_every_view_is_valid_against_its_shipped_schema(full: Store) -> None:
    seen = set()
    for path, value in made(full).items():
        schema = json.loads((SCHEMAS / f"{kind(path)}.schema.json").read_text())
        Draft7Validator.check_schema(schema)
        validator = Draft7Validator(schema, format_checker=FormatChecker())
        assert [(path, e.message) for e in validator.iter_errors(value)] == []
        seen.add(kind(path))
    assert seen == {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()}


def test_an_empty_project_has_valid_views_too() -> None:
    for path, value in made(MemoryStore(ManualClock())).items():
        schema = json.loads((SCHEMAS / f"{kind(path)}.schema.json").read_text())
        assert list(Draft7Validator(schema).iter_errors(value)) == []


def test_an_id_that_does_not_fit_is_mapped_and_stays_findable(full: Store) -> None:
    rows = made(full)[f"{LOCKS}/work-registry.json"]["instances"]
    names = {row["instance_id"]: row["metadata"]["user"] for row in rows}
    assert names[SESSION] == SESSION
    assert names[instance_id("backend")] == "backend"
    assert names[instance_id("human:ada")] == "human:ada"
    assert called(instance_id("backend"), ["lead", "backend"]) == "backend"
    assert called("nobody", ["lead"]) is None
    assert decision_id(FITS) == FITS


def test_a_lock_file_is_named_by_the_path_as_the_original_named_it(full: Store) -> None:
    assert lock_id("backend/app.py") == "YmFja2VuZC9hcHAucHk"
    files = made(full)
    assert files[f"{LOCKS}/locks/YmFja2VuZC9hcHAucHk.json"]["file_path"] == "backend/app.py"
    odd = base64.urlsafe_b64encode(b'a "b"\n.py').decode().rstrip("=")
    assert files[f"{LOCKS}/locks/{odd}.json"]["file_path"] == 'a "b"\n.py'
    assert all(len(Path(path).name.encode()) <= 255 for path in files)
    assert len([path for path in files if "/locks/" in path]) == 4


def test_imported_tasks_appear_under_the_id_they_had(full: Store) -> None:
    queue = made(full)[f"{SHARED}/task-queue.json"]
    assert [task["task_id"] for task in queue["active_tasks"]] == ["task_001"]
    (waiting,) = queue["pending_tasks"]
    assert waiting["dependencies"] == ["task_001"]
    assert waiting["deliverables"] == ["/docs/"]
    log = made(full)[f"{SHARED}/communication-log.json"]
    assert log["messages"][0]["context"] == {"related_task": "task_001", "related_files": ["/a"]}
    assert [row["responding_to"] for row in log["response_queue"]] == ["M-1"]


def test_the_status_of_an_instance_says_whether_it_lives(full: Store, clock: ManualClock) -> None:
    rows = made(full)[f"{LOCKS}/work-registry.json"]["instances"]
    assert {row["status"] for row in rows if row["metadata"]["user"] == SESSION} == {"active"}
    clock.advance(6 * 60_000)
    rows = made(full)[f"{LOCKS}/work-registry.json"]["instances"]
    assert {row["status"] for row in rows if row["metadata"]["user"] == SESSION} == {"stale"}


def switched(store: Store, **on: bool) -> None:
    config = {**CONFIG.to_json(), "status": {"views": on}}
    value = {"value": json.dumps(config)}
    store.write(lambda tx: tx.update("meta", {"name": "config"}, value))


def test_nothing_is_written_while_every_switch_is_off(store: Store, make_repo: MakeRepo) -> None:
    assert CONFIG.status == Status()
    root = make_repo()
    write(store, root)
    assert not (root / ".claude").exists()
    assert not (root / "coordination").exists()


def test_every_worktree_gets_the_views_and_those_of_verification_none(
    full: Store, make_repo: MakeRepo
) -> None:
    root = make_repo()
    other, pool = root.parent / "other", root / ".git" / "orchestrator" / "pool"
    git(root, "worktree", "add", "-q", str(other))
    git(root, "worktree", "add", "-q", str(pool))
    write(full, root)
    assert sorted(worktrees(find(root))) == sorted([root, other])
    for folder in (root, other):
        registry = json.loads((folder / LOCKS / "work-registry.json").read_text())
        beat = Path(registry["instances"][0]["heartbeat"]["heartbeat_file"])
        assert folder in beat.parents
        assert beat.is_file()
    assert not (pool / LOCKS).exists()


def test_a_removed_lock_file_comes_back_and_the_lease_stays(
    full: Store, make_repo: MakeRepo
) -> None:
    root = make_repo()
    write(full, root)
    lock = root / LOCKS / "locks" / "YmFja2VuZC9hcHAucHk.json"
    lock.unlink()
    write(full, root)
    assert json.loads(lock.read_text())["locked_by"] == {"instance_id": SESSION}
    assert full.read(lambda reader: reader.count("leases", {"status": "held"})) == 4


def test_an_ended_lease_takes_its_file_away(full: Store, make_repo: MakeRepo) -> None:
    root = make_repo()
    write(full, root)
    full.write(lambda tx: tx.update("leases", {"id": "L-0"}, {"status": "ended"}))
    write(full, root)
    assert not (root / LOCKS / "locks" / "YmFja2VuZC9hcHAucHk.json").exists()


def test_a_switch_turned_off_takes_its_views_away_and_nothing_else(
    full: Store, make_repo: MakeRepo
) -> None:
    root = make_repo({f"{SHARED}/notes.md": "mine\n", f"{SHARED}/task-queue.json": "{}\n"})
    write(full, root)
    assert (root / SHARED / "task-queue.json.original").read_text() == "{}\n"
    switched(full, locks=True)
    write(full, root)
    assert not (root / SHARED / "task-queue.json").exists()
    assert (root / SHARED / "notes.md").exists()
    assert (root / LOCKS / "locks").is_dir()
    names = (root / LOCKS / MANIFEST).read_text().splitlines()
    assert all("/locks/" in name for name in names)


def test_an_unchanged_view_is_left_alone(
    full: Store, make_repo: MakeRepo, clock: ManualClock
) -> None:
    root = make_repo()
    write(full, root)
    before = {path: path.stat().st_ino for path in (root / LOCKS).rglob("*.json")}
    clock.advance(1000)
    write(full, root, force=True)
    assert {path: path.stat().st_ino for path in (root / LOCKS).rglob("*.json")} == before


def test_only_the_decision_logs_are_git_s_business(full: Store, make_repo: MakeRepo) -> None:
    root = make_repo()
    write(full, root)
    shown = git(root, "status", "--porcelain", "-uall").splitlines()
    names = {line[3:] for line in shown if not line.endswith(("schema.json", "status/.gitignore"))}
    assert names == {f"{LOCKS}/decision-log.json", f"{SHARED}/decisions.json"}


def test_a_long_view_has_a_line_for_each_entry(store: Store) -> None:
    def fill(tx: Transaction) -> None:
        for number in range(60):
            name, title = f"DEC-20260101-{number:04}", 'a "quoted"\nline — é'
            row = {"id": name, "title": title, "status": "accepted", "created_at": number}
            tx.insert("decisions", {**row, "version": 1, "decided_by": "[]"})

    store.write(fill)
    document, folder = current(store), Path("/repo")
    files = store.read(lambda reader: views(reader, document, {"decisions": True}, [folder]))
    (data,) = files[folder].values()
    lines = [line for line in data.decode().splitlines() if '"decision_id"' in line]
    assert len(lines) == len(json.loads(data)["decisions"]) == 60
    assert json.loads(lines[0].strip().rstrip(","))["title"] == 'a "quoted"\nline — é'
