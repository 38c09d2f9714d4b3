"""A stand-in for the client: starts the entry script as the client does, with observed payloads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENTRY = Path(__file__).parents[2] / "orchestrator" / "hooks" / "entry.py"
#: The interpreter below the virtual environment: it has no library at all.
PYTHON = str(getattr(sys, "_base_executable", sys.executable))


@dataclass(frozen=True)
class Said:
    """What one hook answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out) if self.out.startswith("{") else {}
        return value

    @property
    def specific(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json.get("hookSpecificOutput", {})
        return found

    @property
    def context(self) -> str:
        return str(self.specific.get("additionalContext", ""))

    @property
    def denied(self) -> str | None:
        """The reason, where the tool call is stopped."""
        if self.specific.get("permissionDecision") == "deny":
            assert self.status == 2
            return str(self.specific["permissionDecisionReason"])
        return self.err if self.status == 2 else None

    @property
    def silent(self) -> bool:
        return (self.status, self.out, self.err) == (0, "", "")


@dataclass
class Client:
    """One session. ``pid`` is that of a process that lives: by default this one."""

    cwd: Path
    session: str
    pid: int = field(default_factory=os.getpid)
    agent: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0

    def payload(self, event: str, **fields: Any) -> dict[str, Any]:
        told = {
            "session_id": self.session,
            "transcript_path": "/home/u/.claude/projects/repo/SESSION.jsonl",
            "cwd": str(self.cwd),
            "permission_mode": "acceptEdits",
            "effort": {"level": "medium"},
            "hook_event_name": event,
            **fields,
        }
        return {**told, "agent_id": self.agent} if self.agent else told

    def send(self, event: str, **fields: Any) -> Said:
        return self.raw(json.dumps(self.payload(event, **fields)).encode())

    def raw(self, content: bytes, client: str = "claude-code") -> Said:
        names = {
            "HOME": os.environ["HOME"],
            "PATH": os.environ["PATH"],
            "CLAUDE_PID": str(self.pid),
            "CLAUDE_CODE_SESSION_ID": self.session,
            "CLAUDECODE": "1",
            **self.variables,
        }
        done = subprocess.run(
            [PYTHON, "-I", "-S", str(ENTRY), client],
            input=content, capture_output=True, cwd=self.cwd, env=names, timeout=30,
        )  # fmt: skip
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def tool(self, event: str, name: str, call: str, given: dict[str, Any], **more: Any) -> Said:
        return self.send(event, tool_name=name, tool_input=given, tool_use_id=call, **more)

    def start(self) -> Said:
        return self.send("SessionStart", source="startup")

    def asks(self, path: str, content: str = "x\n", call: str | None = None) -> Said:
        """PreToolUse of a Write."""
        self.calls += 1
        name = call or f"toolu_{self.session}_{self.calls}"
        given = {"file_path": str(self.cwd / path), "content": content}
        return self.tool("PreToolUse", "Write", name, given)

    def writes(self, path: str, content: str) -> Said:
        """A whole edit: the question, the write if it may, the event after it."""
        said = self.asks(path, content)
        if said.denied is None:
            target = self.cwd / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
            name = f"toolu_{self.session}_{self.calls}"
            given = {"file_path": str(target), "content": content}
            after = self.tool("PostToolUse", "Write", name, given, duration_ms=7)
            assert after.status == 0, after
        return said

    def reads(self, path: str) -> Said:
        given = {"file_path": str(self.cwd / path)}
        return self.tool("PostToolUse", "Read", "toolu_read", given, duration_ms=1)

    def runs(self, command: str) -> tuple[Said, Said]:
        """A shell command: the event before, the command itself, the event after."""
        given = {"command": command, "description": "d"}
        before = self.tool("PreToolUse", "Bash", "toolu_bash", given)
        subprocess.run(command, shell=True, cwd=self.cwd, check=False)
        after = self.tool("PostToolUse", "Bash", "toolu_bash", given, duration_ms=500)
        return before, after
