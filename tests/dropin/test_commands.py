"""coord-status, coord-lock, coord-decisions: old names, old output, documented exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

import orchestrator.status
from orchestrator.status.view_names import instance_id
from orchestrator.store.sqlite import open_store
from tests.dropin.conftest import Place

SCHEMAS = Path(orchestrator.status.__file__).parent / "view_schemas"
BACKEND = {"ORCHESTRATE_SESSION": "s-backend", "ORCHESTRATE_INSTANCE": "backend"}
OTHER = {"ORCHESTRATE_SESSION": "s-other"}


def code(place: Place, *command: str, **variables: str) -> int:
    return place.run(*command, **variables).returncode


def arrive(place: Place, task: str = "Work", **variables: str) -> None:
    place.prepare("orchestrate", "check-in", "--task", task, **variables)


@pytest.mark.slow
def test_a_plain_terminal_without_variables_takes_checks_and_gives_back(place: Place) -> None:
    done = place.run("coord-lock", "acquire", "b.py")
    assert (done.returncode, done.stdout) == (0, "Lock acquired successfully: b.py\n")
    assert place.run("coord-lock", "check", "b.py").stdout == "Locked by you: b.py\n"
    assert code(place, "coord-lock", "release", "b.py") == 0
    assert place.run("coord-lock", "check", "b.py").stdout == "Not locked: b.py\n"
    assert code(place, "coord-lock", "release", "b.py") == 0


@pytest.mark.slow
def test_what_another_holds_is_10_everywhere(place: Place) -> None:
    place.prepare("coord-lock", "acquire", "b.py")
    arrive(place, **OTHER)
    for verb in ("acquire", "check", "release", "renew"):
        assert code(place, "coord-lock", verb, "b.py", **OTHER) == 10, verb
    said = place.run("coord-lock", "check", "./src/../b.py", **OTHER).stdout
    assert re.search(r"Locked: b.py\n  Locked by: human:.*\n  Locked at: .*Z\n  Expires at: ", said)


@pytest.mark.slow
def test_one_s_own_expired_lock_is_11_and_then_free_again(place: Place) -> None:
    place.prepare("coord-lock", "acquire", "b.py")
    store = open_store(place.path(".git/orchestrator"))
    store.write(lambda tx: tx.update("leases", {"id": "L-1"}, {"expires_at": 1}))
    store.close()
    assert code(place, "coord-lock", "check", "b.py") == 11
    assert code(place, "coord-lock", "renew", "b.py") == 11
    assert code(place, "coord-lock", "acquire", "b.py") == 0
    assert code(place, "coord-lock", "check", "b.py") == 0


def test_a_file_that_changed_since_is_12(place: Place) -> None:
    place.prepare("coord-lock", "acquire", "b.py")
    place.path("b.py").write_text("somebody else\n")
    assert code(place, "coord-lock", "check", "b.py") == 12


def test_a_session_that_has_ended_is_13(place: Place) -> None:
    arrive(place, **OTHER)
    assert code(place, "orchestrate", "check-out", **OTHER) == 0
    assert code(place, "coord-lock", "acquire", "b.py", **OTHER) == 13


def test_wrong_usage_is_2(place: Place) -> None:
    assert code(place, "coord-lock", "acquire") == 2
    assert code(place, "coord-lock", "acquire", "../../etc/passwd") == 2
    assert code(place, "coord-decisions", "add", "--category=taste", "--title=x") == 2


def test_listing_succeeds_when_something_is_locked(place: Place) -> None:
    assert place.run("coord-lock", "list").stdout == "Active Locks: 0\n"
    assert code(place, "coord-lock", "acquire", "--", "-n") == 0
    done = place.run("coord-lock", "list")
    assert done.returncode == 0
    assert done.stdout.startswith("Active Locks: 1\n\nFile: -n\n  Locked by: human:")


def test_cleanup_ends_what_expired(place: Place) -> None:
    place.prepare("coord-lock", "acquire", "b.py")
    store = open_store(place.path(".git/orchestrator"))
    store.write(lambda tx: tx.update("leases", {"id": "L-1"}, {"expires_at": 1}))
    store.close()
    done = place.run("coord-lock", "cleanup")
    assert done.stdout == "Cleaned up 0 stale instances, 1 expired locks\n"
    assert place.run("coord-lock", "list").stdout == "Active Locks: 0\n"


def test_every_worktree_sees_the_same_locks(place: Place) -> None:
    place.prepare("coord-lock", "acquire", "src/app.py")
    other = Place(place.folder.parent / "backend")
    assert other.run("coord-lock", "check", "src/app.py", **BACKEND).returncode == 10


STATUS = """\
======================================
  Claude Code Coordination Status
======================================

Active Instances: 1

Instance: backend
  Role: backend-system-architect
  Task: Implement user authentication
  Branch: main
  Status: active
  Files Locked: 1
  Last Heartbeat: TIME
  Locked Files:
    - src/app.py

--------------------------------------
Total File Locks: 1
Total Decisions Logged: 1
"""


@pytest.fixture
def busy(place: Place) -> Place:
    """An instance at work, a lock, a decision."""
    arrive(place, "Implement user authentication", **BACKEND)
    place.prepare("coord-lock", "acquire", "src/app.py", "Editing", **BACKEND)
    place.prepare("coord-decisions", "add", "--category=api-design", "--title=Use JWT")
    return place


def without_times(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)


def test_status_is_the_screen_people_know(busy: Place) -> None:
    done = busy.run("coord-status")
    assert without_times(done.stdout) == STATUS + "=" * 38 + "\n"
    verbose = without_times(busy.run("coord-status", "--verbose").stdout)
    assert "  src/app.py\n    Locked By: backend\n    Type: write\n    Expires: TIME\n" in verbose
    assert "Recent Decisions:\n  [DEC-" in verbose


def test_status_as_json_is_a_valid_work_registry(busy: Place) -> None:
    registry = json.loads(busy.run("coord-status", "--json").stdout)
    schema = json.loads((SCHEMAS / "work-registry.schema.json").read_text())
    assert list(Draft7Validator(schema).iter_errors(registry)) == []
    (row,) = registry["instances"]
    assert row["instance_id"] == instance_id("backend")
    assert row["metadata"]["user"] == "backend"
    assert row["files_locked"] == ["src/app.py"]


@pytest.mark.parametrize(
    "command",
    [
        ("coord-status",),
        ("coord-status", "--verbose"),
        ("coord-lock", "check", "src/app.py"),
        ("coord-lock", "check", "b.py"),
        ("coord-lock", "list"),
        ("coord-lock", "list", "--json"),
    ],
)
def test_the_document_alone_gives_the_same_answer(busy: Place, command: tuple[str, ...]) -> None:
    live = busy.run(*command)
    alone = busy.run(*command, "--from", "status/status.json")
    assert (alone.returncode, alone.stdout) == (live.returncode, live.stdout)
    assert "status/status.json: revision" in alone.stderr


def test_the_document_gives_its_answer_outside_the_repository(busy: Place, tmp_path: Path) -> None:
    outside = Place(tmp_path)
    document = str(busy.path("status/status.json"))
    done = outside.run("coord-lock", "check", "src/app.py", "--from", document)
    assert done.returncode == 10
    assert "Instance: backend" in outside.run("coord-status", "--from", document).stdout


def test_decisions_are_listed_in_the_form_people_know(busy: Place) -> None:
    added = busy.run("coord-decisions", "add", "--category=testing", "--title=Use pytest")
    assert re.fullmatch(r"Decision logged: DEC-\d{8}-\d{4}\n", added.stdout)
    said = busy.run("coord-decisions", "list", "--category=api-design", "--limit=5").stdout
    expected = r"\[DEC-\d{8}-0001\] Use JWT\n  Category: api-design\n  Made At: TIME\n"
    assert re.fullmatch(expected + r"  Status: accepted\n\n", without_times(said))
    name = said[1:18]
    found = json.loads(busy.run("coord-decisions", "query", name).stdout)
    assert (found["decision_id"], found["impact"]) == (name, {"scope": "module"})
    assert code(busy, "coord-decisions", "query", "DEC-20000101-0001") == 2
    assert busy.run("coord-decisions", "list", "--category=security").stdout == (
        "No decisions found\n"
    )
