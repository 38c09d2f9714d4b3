"""``orchestrate import`` as people call it."""

from __future__ import annotations

import json

import pytest

from tests.dropin.conftest import Place

QUEUE = {
    "active_tasks": [],
    "pending_tasks": [{"task_id": "task_001", "title": "Old work", "status": "pending_assignment"}],
    "completed_tasks": [],
}
HOOK = '"$CLAUDE_PROJECT_DIR"/.claude/hooks/lifecycle/coordination-init.sh'
SETTINGS = json.dumps(
    {
        "model": "opus",
        "hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": HOOK}]}]},
    },
    indent=4,
)


def put(place: Place, name: str, text: str) -> None:
    place.path(name).parent.mkdir(parents=True, exist_ok=True)
    place.path(name).write_text(text)


@pytest.mark.slow
def test_old_ids_resolve_and_a_second_import_changes_nothing(place: Place) -> None:
    put(place, "coordination/task-queue.json", json.dumps(QUEUE))
    done = place.run("orchestrate", "import")
    assert (done.returncode, done.stdout) == (
        0,
        "task task_001 → T-1\n1 taken over, 0 were here already\n",
    )
    assert "Old work" in place.run("orchestrate", "task", "show", "task_001").stdout
    before = place.run("orchestrate", "log", "-n", "0").stdout
    assert place.run("orchestrate", "import").stdout == "0 taken over, 1 were here already\n"
    assert place.run("orchestrate", "log", "-n", "0").stdout == before


def test_what_is_broken_is_named_and_the_rest_taken(place: Place) -> None:
    put(place, "coordination/task-queue.json", json.dumps(QUEUE))
    put(place, ".claude/coordination/decision-log.json", '{"decisions": [\n  {"decision_id": "D')
    done = place.run("orchestrate", "import", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["taken"] == {"task": {"task_001": "T-1"}}
    (fault,) = said["faults"]
    assert fault["where"].startswith(".claude/coordination/decision-log.json:2:")


def test_old_hooks_are_offered_and_removed_only_when_asked(place: Place) -> None:
    put(place, ".claude/settings.json", SETTINGS)
    put(place, ".claude/settings.local.json", '{"permissions": {}}')
    put(place, "shared.json", SETTINGS)
    place.path(".claude/settings.shared.json").symlink_to("../shared.json")
    offered = place.run("orchestrate", "import")
    assert ".claude/settings.json:7:21  SessionStart" in offered.stderr
    assert "--remove-hooks" in offered.stderr
    assert place.path(".claude/settings.json").read_text() == SETTINGS
    removed = place.run("orchestrate", "import", "--remove-hooks")
    assert removed.returncode == 0
    assert place.path(".claude/settings.json").read_text() == '{\n    "model": "opus"\n}'
    assert place.path(".claude/settings.local.json").read_text() == '{"permissions": {}}'
    assert place.path(".claude/settings.shared.json").is_symlink()
    assert place.path("shared.json").read_text() == '{\n    "model": "opus"\n}'


@pytest.mark.slow
def test_the_shim_keeps_what_it_replaces_once(place: Place) -> None:
    put(place, ".claude/coordination/lib/coordination.sh", "# old\n")
    assert place.run("orchestrate", "import", "--shim", ".claude").returncode == 0
    kept = place.path(".claude/coordination/lib/coordination.sh.original")
    assert kept.read_text() == "# old\n"
    assert place.run("orchestrate", "import", "--shim", ".claude").returncode == 0
    put(place, ".claude/coordination/lib/coordination.sh", "# edited\n")
    refused = place.run("orchestrate", "import", "--shim", ".claude")
    assert refused.returncode == 2
    assert "E391" in refused.stderr


def test_a_folder_that_is_not_there_is_wrong_usage(place: Place) -> None:
    assert place.run("orchestrate", "import", "nowhere").returncode == 2
