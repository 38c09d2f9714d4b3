"""The other events: coming and going, settling, shells, news, stopping, worktrees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.coordination import leases, messages
from orchestrator.coordination.messages import Draft
from orchestrator.coordination.paths import file_target
from orchestrator.engine.project import Project
from orchestrator.store.port import Transaction
from tests.conftest import commit, git
from tests.hooks.client import Client
from tests.hooks.conftest import NewClient
from tests.hooks.test_guard import held, row


def test_a_start_registers_briefs_and_tells_the_shell_who_this_is(
    repo: Path, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "env file"
    one = Client(repo, "b50fa0bc-db4f", variables={"CLAUDE_ENV_FILE": str(file)})
    said = one.start()
    name = row(project, one)["instance"]
    assert f"you are instance {name}" in said.context
    one.send("SessionStart", source="resume")
    shown = subprocess.run(
        ["sh", "-c", '. "$0"; echo "$ORCHESTRATE_SESSION"', str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == "b50fa0bc-db4f\n"
    assert file.read_text().count("ORCHESTRATE_SESSION") == 1


def test_a_client_started_by_an_instance_is_another_instance(
    repo: Path, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    outer = Client(repo, "outer", variables={"CLAUDE_ENV_FILE": str(file)})
    outer.start()
    exported = dict(
        line.removeprefix("export ").split("=", 1) for line in file.read_text().splitlines() if line
    )
    inner = Client(repo, "inner", variables=exported)
    inner.start()
    assert inner.asks("src/a.py").silent
    assert row(project, inner)["instance"] != row(project, outer)["instance"]


def test_nothing_a_shell_would_run_is_written_into_its_file(repo: Path, tmp_path: Path) -> None:
    file = tmp_path / "env"
    one = Client(repo, "x';touch\tpwned;'", variables={"CLAUDE_ENV_FILE": str(file)})
    one.start()
    assert not file.exists() or "pwned" not in file.read_text()


def test_an_end_frees_everything_but_what_an_open_handoff_needs(
    project: Project, client: NewClient
) -> None:
    one = client("one")
    one.writes("src/a.py", "1\n")
    one.writes("src/b.py", "2\n")
    name = row(project, one)["instance"]

    def passed(tx: Transaction) -> None:
        leases.pass_to(tx, {"id": "H-1"}, name, [file_target("src/a.py")])

    project.store.write(passed)
    assert one.send("SessionEnd", reason="other").status == 0
    assert sorted(held(project)) == ["src/a.py"]
    assert one.send("SessionEnd", reason="other").silent


def test_a_call_that_was_refused_gives_its_lease_back(project: Project, client: NewClient) -> None:
    one = client("one")
    one.writes("src/b.py", "done\n")
    one.asks("src/a.py", call="toolu_refused")
    assert sorted(held(project)) == ["src/a.py", "src/b.py"]
    call = {"tool_name": "Write", "tool_input": {}, "tool_use_id": "toolu_refused",
            "tool_response": "The user doesn't want to proceed"}  # fmt: skip
    assert one.send("PostToolBatch", tool_calls=[call]).silent
    assert sorted(held(project)) == ["src/b.py"]


def test_an_interrupted_call_is_settled_by_the_next_prompt(
    project: Project, client: NewClient
) -> None:
    one = client("one")
    one.asks("src/a.py")
    one.send("UserPromptSubmit", prompt="go on")
    assert held(project) == {}


def test_an_edit_that_failed_needs_no_lease(project: Project, client: NewClient) -> None:
    one = client("one")
    one.asks("src/a.py", call="toolu_f")
    given = {"file_path": str(one.cwd / "src/a.py"), "old_string": "no", "new_string": "x"}
    one.tool("PostToolUseFailure", "Edit", "toolu_f", given, error="String not found")
    assert held(project) == {}


def test_after_tool_keeps_a_lease_only_while_the_tool_runs(
    repo: Path, project: Project, client: NewClient
) -> None:
    from tests.hooks.conftest import CONFIG

    commit(repo, {"config/orchestrate.yaml": f"{CONFIG}hooks: {{release: after_tool}}\n"})
    Project.open(repo).store.close()
    one, two = client("one"), client("two")
    one.asks("src/a.py")
    assert two.asks("src/a.py").denied
    one.writes("src/a.py", "1\n")
    assert held(project) == {"src/a.py": one.session} or held(project) == {}
    one.writes("src/b.py", "1\n")
    assert "src/b.py" not in held(project)


def test_a_shell_is_warned_before_and_both_sides_hear_after(
    project: Project, client: NewClient
) -> None:
    one, two = client("one"), client("two")
    one.writes("src/a.py", "mine\n")
    before, after = two.runs("echo theirs >> src/a.py")
    holder = row(project, one)["instance"]
    assert f"src/a.py is held by {holder}" in before.context
    assert f"src/a.py ({holder})" in after.context
    heard = one.send("PostToolBatch", tool_calls=[]).context
    assert "changed what you hold: src/a.py" in heard
    assert one.send("PostToolBatch", tool_calls=[]).silent


def test_a_shell_that_writes_nothing_of_others_hears_nothing(client: NewClient) -> None:
    one, two = client("one"), client("two")
    one.writes("src/a.py", "mine\n")
    assert all(said.silent for said in two.runs("cat src/a.py; echo x > src/b.py; git status"))


def test_ones_own_shell_edits_are_ones_own(client: NewClient) -> None:
    one = client("one")
    one.writes("src/a.py", "mine\n")
    assert all(said.silent for said in one.runs("sed -i s/mine/ours/ src/a.py"))
    assert one.asks("src/a.py").silent


def test_messages_are_delivered_once_and_to_whom_they_are_for(
    project: Project, client: NewClient
) -> None:
    one, two = client("one"), client("two")
    to = row(project, one)["instance"]
    draft = Draft("the API moved", "to /v2")
    project.store.write(
        lambda tx: messages.send(tx, project.config, "backend", to, draft, actor="backend")
    )
    assert two.send("UserPromptSubmit", prompt="x").silent
    assert "the API moved" in one.send("UserPromptSubmit", prompt="x").context
    assert one.send("UserPromptSubmit", prompt="y").silent


def at_work(project: Project, one: Client, task: str = "Login") -> str:
    name = str(row(project, one)["instance"])
    state = {"state": "ACTIVE", "task": task}
    project.store.write(lambda tx: tx.update("instances", {"id": name}, state))
    return name


def test_unfinished_work_keeps_an_instance_from_stopping_three_times(
    project: Project, client: NewClient
) -> None:
    one = client("one")
    name = at_work(project, one)
    one.send("UserPromptSubmit", prompt="do it")
    assert one.send("Stop", stop_hook_active=False).silent
    one.writes("src/a.py", "work\n")
    said = one.send("Stop", stop_hook_active=False, background_tasks=[])
    assert said.json["decision"] == "block"
    assert (
        f"{name} is ACTIVE on Login, with 1 changed file not committed (src/a.py)"
        in (said.json["reason"])
    )
    again = [one.send("Stop", stop_hook_active=True) for _ in range(4)]
    assert [bool(said.json) for said in again] == [True, True, False, False]


def test_committed_work_has_to_be_marked_ready(
    repo: Path, project: Project, client: NewClient
) -> None:
    other = repo.parent / "w"
    git(repo, "worktree", "add", "-q", str(other), "-b", "work")
    one = client("one", cwd=other)
    at_work(project, one)
    commit(other, {"src/a.py": "done\n"})
    assert "1 commit not marked ready" in one.send("Stop", stop_hook_active=False).json["reason"]


def test_a_message_or_a_blocked_task_explains_why_work_stops(
    project: Project, client: NewClient
) -> None:
    one = client("one")
    name = at_work(project, one)
    one.send("UserPromptSubmit", prompt="do it")
    one.writes("src/a.py", "work\n")
    assert one.send("Stop", stop_hook_active=False, last_assistant_message="because").json
    draft = Draft("stuck: which port?")
    project.store.write(
        lambda tx: messages.send(tx, project.config, name, "backend", draft, actor=name)
    )
    assert one.send("Stop", stop_hook_active=False).silent


def test_work_in_the_background_is_no_stop(project: Project, client: NewClient) -> None:
    one = client("one")
    at_work(project, one)
    one.writes("src/a.py", "work\n")
    task = {"id": "a", "type": "subagent", "status": "running"}
    assert one.send("Stop", stop_hook_active=False, background_tasks=[task]).silent


def test_a_worktree_is_made_from_the_integration_branch_with_the_clients_settings(
    repo: Path, client: NewClient
) -> None:
    one = client("one")
    settings = repo / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text("{}")
    said = one.send("WorktreeCreate", name="agent-1")
    path = Path(said.out.splitlines()[-1])
    assert (said.status, path) == (0, repo / ".claude/worktrees/agent-1")
    assert (path / ".claude/settings.json").read_text() == "{}"
    assert git(path, "rev-parse", "HEAD") == git(repo, "rev-parse", "main")
    assert "worktrees" not in git(repo, "status", "--porcelain", "-uall")
    assert one.send("WorktreeRemove", worktree_path=str(path)).status == 0
    assert not path.exists()
    assert "worktree-agent-1" not in git(repo, "branch")


@pytest.mark.parametrize("name", ["../out", "", "-b", "a/b", "x.lock"])
def test_a_worktree_with_a_strange_name_is_refused(client: NewClient, name: str) -> None:
    said = client("one").send("WorktreeCreate", name=name)
    assert said.status == 2
    assert "E700" in said.err


def test_a_worktree_with_work_in_it_stays(repo: Path, client: NewClient) -> None:
    one = client("one")
    path = Path(one.send("WorktreeCreate", name="w").out.strip())
    (path / "src/a.py").write_text("work\n")
    assert one.send("WorktreeRemove", worktree_path=str(path)).status == 0
    assert (path / "src/a.py").read_text() == "work\n"


def test_unknown_events_and_clients_of_the_future_are_ignored(client: NewClient) -> None:
    one = client("one")
    assert one.send("FileExploded", file_path="x").silent
    assert one.send("Notification", message="idle").silent
