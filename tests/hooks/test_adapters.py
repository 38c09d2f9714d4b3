"""Clients besides Claude Code, with the payloads their documentation shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine.project import Project
from orchestrator.hooks import copilot as copilot_adapter
from orchestrator.hooks import cursor as cursor_adapter
from orchestrator.hooks import patches
from tests.hooks.client import Client, Said
from tests.hooks.conftest import NewClient

Payload = dict[str, Any]
PATCH = "*** Begin Patch\n*** Update File: {0}\n@@\n-a\n+z\n*** End Patch"


def codex(event: str, cwd: Path, **more: Any) -> Payload:
    common = {"session_id": "s-codex", "transcript_path": None, "cwd": str(cwd), "model": "gpt-5"}
    return {**common, "hook_event_name": event, "permission_mode": "default", **more}


def codex_edit(event: str, cwd: Path, *paths: str) -> Payload:
    patch = "\n".join(["*** Begin Patch", *(f"*** Update File: {p}\n@@\n-a\n+z" for p in paths)])
    given = {"command": patch + "\n*** End Patch"}
    return codex(event, cwd, turn_id="t", tool_name="apply_patch", tool_input=given,
                 tool_use_id="call_1")  # fmt: skip


def gemini(event: str, cwd: Path, **more: Any) -> Payload:
    common = {"session_id": "s-gemini", "transcript_path": "/t", "cwd": str(cwd)}
    return {**common, "hook_event_name": event, "timestamp": "2026-08-01T00:00:00Z", **more}


def gemini_edit(event: str, cwd: Path, *paths: str) -> Payload:
    given = {"file_path": str(cwd / paths[0]), "content": "z\n"}
    return gemini({"PreToolUse": "BeforeTool"}.get(event, "AfterTool"), cwd,
                  tool_name="write_file", tool_input=given)  # fmt: skip


def cursor(event: str, cwd: Path, **more: Any) -> Payload:
    common = {"conversation_id": "s-cursor", "generation_id": "g", "model": "m",
              "hook_event_name": event, "cursor_version": "2.0", "workspace_roots": [str(cwd)],
              "user_email": None}  # fmt: skip
    return {**common, **more}


def cursor_edit(event: str, cwd: Path, *paths: str) -> Payload:
    given = {"file_path": str(cwd / paths[0]), "content": "z\n"}
    more = {"tool_name": "Write", "tool_input": given, "tool_use_id": "abc", "cwd": str(cwd)}
    return {**cursor(event[0].lower() + event[1:], cwd), **more}


def copilot(event: str, cwd: Path, **more: Any) -> Payload:
    return {"hook_event_name": event, "session_id": "s-copilot", "cwd": str(cwd),
            "timestamp": "2026-08-01T00:00:00Z", **more}  # fmt: skip


def copilot_edit(event: str, cwd: Path, *paths: str) -> Payload:
    given = {"path": str(cwd / paths[0]), "file_text": "z\n"}
    return copilot(event, cwd, tool_name="Write", tool_input=given)


@dataclass(frozen=True)
class Dialect:
    """How one client asks, and how it reads a refusal, something to know and a stop."""

    name: str
    start: Callable[[Path], Payload]
    edit: Callable[..., Payload]
    stop: Callable[[Path], Payload]
    refusal: Callable[[Said], str | None]
    context: Callable[[Said], str]
    go_on: Callable[[Said], str | None]


def _exit_2(said: Said) -> str | None:
    return said.err if said.status == 2 else None


DIALECTS = [
    Dialect("codex", lambda d: codex("SessionStart", d, source="startup"), codex_edit,
            lambda d: codex("Stop", d, stop_hook_active=False), _exit_2, lambda s: s.context,
            lambda s: s.json.get("reason") if s.json.get("decision") == "block" else None),
    Dialect("gemini", lambda d: gemini("SessionStart", d, source="startup"), gemini_edit,
            lambda d: gemini("AfterAgent", d, prompt="p", prompt_response="r",
                             stop_hook_active=False), _exit_2, lambda s: s.context,
            lambda s: s.json.get("reason") if s.json.get("decision") == "deny" else None),
    Dialect("cursor", lambda d: cursor("sessionStart", d, session_id="x"), cursor_edit,
            lambda d: cursor("stop", d, status="completed", loop_count=0),
            lambda s: s.json["agent_message"] if s.json.get("permission") == "deny" else None,
            lambda s: s.json.get("additional_context", ""),
            lambda s: s.json.get("followup_message")),
    Dialect("copilot", lambda d: copilot("SessionStart", d, source="new"), copilot_edit,
            lambda d: copilot("Stop", d, stop_reason="end_turn", stop_hook_active=False),
            lambda s: s.json["permissionDecisionReason"]
            if s.json.get("permissionDecision") == "deny" and s.status == 2 else None,
            lambda s: s.json.get("additionalContext", ""),
            lambda s: s.json.get("reason") if s.json.get("decision") == "block" else None),
]  # fmt: skip


@dataclass
class Speaker:
    """A client in the repository, speaking its dialect."""

    dialect: Dialect
    repo: Path

    def send(self, payload: Payload) -> Said:
        base = Client(self.repo, "none")
        return base.raw(json.dumps(payload).encode(), self.dialect.name)

    def edits(self, *paths: str) -> Said:
        said = self.send(self.dialect.edit("PreToolUse", self.repo, *paths))
        if self.dialect.refusal(said) is None:
            assert said.status == 0, said
            for path in paths:
                (self.repo / path).write_text("z\n")
            return self.send(self.dialect.edit("PostToolUse", self.repo, *paths))
        return said


@pytest.fixture(params=DIALECTS, ids=lambda d: d.name)
def speaker(request: pytest.FixtureRequest, repo: Path) -> Speaker:
    return Speaker(request.param, repo)


def held(project: Project) -> dict[str, str]:
    """Path → session of everything that is held."""
    rows = project.store.read(lambda reader: reader.find("leases", {"status": "held"}))
    return {row["path"]: row["session"] for row in rows}


@pytest.mark.slow
def test_a_client_is_briefed_refused_told_and_kept_from_stopping(
    speaker: Speaker, client: NewClient, project: Project
) -> None:
    one, me = client("one"), f"s-{speaker.dialect.name}"
    assert one.writes("src/a.py", "mine\n").denied is None
    briefing = speaker.dialect.context(speaker.send(speaker.dialect.start(speaker.repo)))
    assert "coordinated by orchestrate" in briefing and f"ORCHESTRATE_SESSION={me}" in briefing
    refusal = speaker.dialect.refusal(speaker.edits("src/a.py"))
    assert refusal is not None and "src/a.py is held by" in refusal
    assert (speaker.repo / "src/a.py").read_text() == "mine\n"
    said = speaker.edits("src/b.py")
    assert speaker.dialect.refusal(said) is None and held(project)["src/b.py"] == me
    assert one.asks("src/b.py").denied is not None


@pytest.mark.slow
def test_news_and_the_reason_to_go_on_reach_the_model(
    speaker: Speaker, client: NewClient, project: Project
) -> None:
    one = client("one")
    speaker.send(speaker.dialect.start(speaker.repo))
    session = project.store.read(lambda r: r.get("sessions", id=f"s-{speaker.dialect.name}"))
    assert session is not None and session["client"] == speaker.dialect.name
    tell(one, project, session["instance"])
    assert "Look at the tax" in speaker.dialect.context(speaker.edits("src/b.py"))
    project.store.write(
        lambda tx: tx.update(
            "instances", {"id": session["instance"]}, {"state": "ACTIVE", "task": "Add tax"}
        )
    )
    said = speaker.send(speaker.dialect.stop(speaker.repo))
    go_on = speaker.dialect.go_on(said)
    assert go_on is not None and "orchestrate ready" in go_on and said.status == 0


def tell(sender: Client, project: Project, instance: str) -> None:
    """A message from another session, sent as it would type it."""
    words = ["message", "send", instance, "--subject", "Look at the tax"]
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        cwd=sender.cwd,
        env={**os.environ, "ORCHESTRATE_SESSION": sender.session},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_of_a_patch_all_files_or_none_are_taken(
    repo: Path, client: NewClient, project: Project
) -> None:
    codex_ = Speaker(DIALECTS[0], repo)
    one = client("one")
    codex_.send(codex("SessionStart", repo, source="startup"))
    assert one.asks("src/b.py").denied is None
    before = held(project)
    refusal = codex_.edits("src/a.py", "src/b.py", "src/new.py")
    assert _exit_2(refusal) is not None and "src/b.py is held by" in refusal.err
    assert held(project) == before
    assert codex_.edits("src/a.py", "src/new.py").status == 0
    assert set(held(project)) == {"src/a.py", "src/b.py", "src/new.py"}


def test_a_patch_in_a_shell_command_is_a_patch_all_the_same(repo: Path, client: NewClient) -> None:
    codex_, one = Speaker(DIALECTS[0], repo), client("one")
    assert one.asks("src/a.py").denied is None
    shell = {"command": f"apply_patch <<'EOF'\n{PATCH.format('src/a.py')}\nEOF"}
    said = codex_.send(codex("PreToolUse", repo, tool_name="Bash", tool_input=shell,
                             tool_use_id="c"))  # fmt: skip
    assert said.status == 2 and "src/a.py is held by" in said.err


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        (PATCH.format("a b.py"), ["a b.py"]),
        ("*** Begin Patch\n*** Add File: x\n+*** Update File: y\n*** End Patch", ["x"]),
        (
            "*** Begin Patch\n*** Update File: x\n*** Move to: y\n*** Delete File: z\n",
            ["x", "y", "z"],
        ),
        ("*** Begin Patch\r\n  *** Update File: x\r\n*** Update File: x\r\n", ["x"]),
        ("*** Update File: \n", []),
        ("", []),
    ],
)
def test_every_file_of_a_patch_is_named_once(patch: str, named: list[str]) -> None:
    assert patches.paths(patch) == named


def test_a_copilot_patch_is_its_whole_input(repo: Path) -> None:
    raw = copilot("PreToolUse", repo, tool_name="Edit", tool_input=PATCH.format("src/a.py"))
    (one,) = copilot_adapter.each(copilot_adapter.read(json.dumps(raw).encode()))
    assert (one.tool, one.path, one.guards) == ("Edit", f"{repo}/src/a.py", True)


def test_a_turn_that_its_user_broke_off_is_not_turned_round(repo: Path) -> None:
    raw = json.dumps(cursor("stop", repo, status="aborted", loop_count=0)).encode()
    assert cursor_adapter.read(raw).event != "Stop"


@pytest.mark.slow
def test_an_answer_that_cannot_be_found_refuses_the_edit_and_nothing_else(
    speaker: Speaker, project: Project
) -> None:
    (project.repository.state / "state.db").write_bytes(b"not a database at all" * 100)
    said = speaker.send(speaker.dialect.edit("PreToolUse", speaker.repo, "src/a.py"))
    assert said.status == 2 and "refused" in said.err
    assert speaker.send(speaker.dialect.edit("PostToolUse", speaker.repo, "src/a.py")).silent
