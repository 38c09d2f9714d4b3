"""Before an edit: mine, nobody's, somebody's."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.engine.project import Project
from orchestrator.store.port import Row
from tests.hooks.client import Client
from tests.hooks.conftest import NewClient
from tests.tokens import tokens


def held(project: Project) -> dict[str, str]:
    """Path → session of what is held."""
    rows = project.store.read(lambda r: r.find("leases", {"status": "held"}))
    return {row["path"]: row["session"] for row in rows}


def row(project: Project, client: Client) -> Row:
    found = project.store.read(lambda r: r.get("sessions", id=client.session))
    assert found is not None
    return found


def test_an_edit_takes_a_lease_and_the_other_hears_who_has_it(
    project: Project, client: NewClient
) -> None:
    one, two = client("one"), client("two")
    assert one.writes("src/a.py", "mine\n").silent
    said = two.asks("src/a.py")
    assert said.denied is not None
    holder = row(project, one)["instance"]
    assert said.denied.startswith(f"src/a.py is held by {holder}, for 5 min unless renewed.")
    assert tokens(said.denied) <= 100, "a denied edit is read by a model every time"
    assert said.err.strip() == said.denied
    assert held(project) == {"src/a.py": one.session}
    assert two.writes("src/b.py", "other work goes on\n").silent


def test_the_reason_names_the_holders_task(project: Project, client: NewClient) -> None:
    one, two = client("one"), client("two")
    instance = row(project, one)["instance"]
    project.store.write(lambda tx: tx.update("instances", {"id": instance}, {"task": "Login"}))
    one.asks("src/a.py")
    assert 'working on "Login"' in str(two.asks("src/a.py").denied)


def test_a_new_file_whose_name_looks_like_a_pattern_is_one_file(
    project: Project, client: NewClient
) -> None:
    one, two = client("one"), client("two")
    assert one.asks("src/[id].tsx").silent
    assert two.asks("src/i.tsx").silent
    assert two.asks("src/[id].tsx").denied
    assert sorted(held(project)) == ["src/[id].tsx", "src/i.tsx"]


def test_files_outside_the_repository_are_free(client: NewClient, tmp_path: Path) -> None:
    one = client("one")
    given = {"file_path": str(tmp_path / "notes.txt"), "content": "x"}
    assert one.tool("PreToolUse", "Write", "t", given).silent


def test_a_notebook_is_a_file_too(project: Project, client: NewClient) -> None:
    one = client("one")
    given = {"notebook_path": str(one.cwd / "src/n.ipynb"), "new_source": "x"}
    assert one.tool("PreToolUse", "NotebookEdit", "t", given).silent
    assert held(project) == {"src/n.ipynb": one.session}


def test_a_killed_client_frees_its_file_at_once(project: Project, client: NewClient) -> None:
    process = subprocess.Popen(["sleep", "60"])
    one, two = client("one", pid=process.pid), client("two")
    one.asks("src/a.py")
    assert two.asks("src/a.py").denied
    process.kill()
    process.wait()
    assert two.asks("src/a.py").silent
    assert held(project) == {"src/a.py": two.session}
    assert project.store.verify_events() > 0


def test_an_unregistered_session_is_registered_by_its_first_edit(
    repo: Path, project: Project
) -> None:
    one = Client(repo, "session-late")
    assert one.asks("src/a.py").silent
    assert held(project) == {"src/a.py": "session-late"}


def change(path: Path, text: str) -> None:
    """A change by somebody else, long after the last edit."""
    path.write_text(text)
    later = time.time() + 60
    os.utime(path, (later, later))


def test_a_change_by_somebody_else_is_told_once_before_it_is_overwritten(
    repo: Path, client: NewClient
) -> None:
    one = client("one")
    one.reads("src/a.py")
    change(repo / "src/a.py", "theirs\n")
    told = one.asks("src/a.py").denied
    assert told is not None
    assert told.startswith("src/a.py was changed by somebody else since you last read it")
    assert one.asks("src/a.py").silent


def test_reading_again_is_enough(repo: Path, client: NewClient) -> None:
    one = client("one")
    assert one.writes("src/a.py", "mine\n").silent
    change(repo / "src/a.py", "theirs\n")
    one.reads("src/a.py")
    assert one.asks("src/a.py").silent


def test_what_a_formatter_makes_of_ones_own_edit_is_nobodys_change(
    repo: Path, client: NewClient
) -> None:
    one = client("one")
    assert one.writes("src/a.py", "mine\n").silent
    (repo / "src/a.py").write_text("formatted\n")
    assert one.asks("src/a.py").silent


def test_ownership_is_told_asked_or_denied(repo: Path, client: NewClient) -> None:
    one = client("one")
    assert "lib/c.py belongs to backend" in one.asks("lib/c.py").context
    rules(repo, "ask")
    one.send("SessionEnd", reason="other")
    two = client("two")
    assert "belongs to backend, who was asked" in str(two.asks("lib/c.py").denied)
    rules(repo, "deny")
    assert "lib/c.py belongs to backend" in str(two.asks("lib/c.py").denied)
    assert two.asks("src/a.py").silent


def rules(repo: Path, ownership: str) -> None:
    from tests.conftest import commit
    from tests.hooks.conftest import CONFIG

    commit(repo, {"config/orchestrate.yaml": f"{CONFIG}approval: {{ownership: {ownership}}}\n"})
    Project.open(repo).store.close()


def test_a_sub_agent_works_with_its_sessions_leases(project: Project, client: NewClient) -> None:
    one, two = client("one"), client("two")
    child = Client(one.cwd, one.session, agent="ad6c44f38e744d805")
    child.send("SubagentStart", agent_type="general-purpose")
    assert child.writes("src/a.py", "child\n").silent
    assert one.asks("src/a.py").denied is None or "changed" in str(one.asks("src/a.py").denied)
    assert two.asks("src/a.py").denied
    assert held(project) == {"src/a.py": one.session}
    child.send("SubagentStop", stop_hook_active=False)
    gone = project.store.read(lambda r: r.get("sessions", id=f"{one.session}/{child.agent}"))
    assert gone is not None and gone["ended_at"] is not None
    assert held(project) == {"src/a.py": one.session}


def test_a_linked_worktree_shares_the_store(repo: Path, client: NewClient) -> None:
    other = repo.parent / "linked"
    subprocess.run(["git", "worktree", "add", "-q", str(other), "-b", "w"], cwd=repo, check=True)
    one, two = client("one"), client("two", cwd=other)
    assert one.asks("src/a.py").silent
    assert two.asks("src/a.py").denied


@pytest.mark.parametrize("tool", ["Write", "Edit", "MultiEdit"])
def test_large_and_odd_payloads_are_answered(client: NewClient, tool: str) -> None:
    one = client("one")
    given = {
        "file_path": str(one.cwd / "src/ü\udc80.py".replace("\udc80", "")),
        "content": "é" * 200_000,
    }
    said = one.tool("PreToolUse", tool, "t", given, unknown_field={"deep": [1, 2]})
    assert said.silent
    event = one.payload("PreToolUse", tool_name=tool, tool_input=given, tool_use_id="t")
    lone = json.dumps(event).replace("\\u00e9", "\\ud800", 1).encode()
    assert one.raw(lone).silent


def test_of_many_at_once_exactly_one_gets_the_file(project: Project, client: NewClient) -> None:
    clients = [client(str(number)) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda one: one.asks("src/a.py"), clients))
    assert [one.denied is None for one in said].count(True) == 1
    assert len(held(project)) == 1
    project.store.verify_events()
