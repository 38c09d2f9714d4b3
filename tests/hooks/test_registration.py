"""The table of hooks, and how a command is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.hooks import registration
from orchestrator.hooks.registration import CLAUDE_CODE, ENTRY, WAKE, command, is_ours


def test_a_command_is_absolute_and_needs_no_shell() -> None:
    entry = command(CLAUDE_CODE[0], "claude-code")
    assert Path(entry["command"]).is_absolute() and not Path(entry["command"]).is_symlink()
    assert entry["args"][:2] == ["-I", "-S"]
    script = Path(entry["args"][2])
    assert script.parent.parent == Path(registration.__file__).resolve().parents[1]
    assert entry["args"][3] == "claude-code"


def test_the_interpreter_starts_this_python_outside_the_virtual_environment() -> None:
    show = "import sys; print(sys.version_info[:3], sys.prefix == sys.base_prefix)"
    done = subprocess.run(
        [registration.interpreter(), "-I", "-S", "-c", show],
        capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    assert done.stdout.strip() == f"{sys.version_info[:3]} True"


def test_one_entry_per_event_matcher_and_script() -> None:
    keys = [(hook.event, hook.matcher, hook.script) for hook in CLAUDE_CODE]
    assert len(keys) == len(set(keys))


def test_only_the_waking_hook_runs_in_the_background() -> None:
    assert [hook.script for hook in CLAUDE_CODE if hook.rewake] == [WAKE]
    assert {hook.script for hook in CLAUDE_CODE} == {ENTRY, WAKE}


@pytest.mark.parametrize(
    "entry",
    [
        command(CLAUDE_CODE[0], "claude-code"),
        {"command": "/old/python", "args": ["-I", "/gone/orchestrator/hooks/wake.py", "x"]},
        {"command": "python3 -I '/a b/orchestrator/hooks/entry.py' codex"},
        {"command": r"py C:\lib\orchestrator\hooks\entry.py gemini"},
    ],
)
def test_ours_is_known_wherever_it_was_installed(entry: object) -> None:
    assert is_ours(entry)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {"command": "orchestrator/hooks/entry.pyc"},
        {"command": "myorchestrator/hooks/entry.py"},
        {"command": 3, "args": "orchestrator/hooks/entry.py"},
        {"url": "/orchestrator/hooks/entry.py"},
    ],
)
def test_what_is_not_ours_is_left_alone(entry: object) -> None:
    assert not is_ours(entry)
