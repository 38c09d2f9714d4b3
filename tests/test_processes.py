"""A command is bounded in time and output, and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import descendants
from orchestrator.processes import Capture, Ended, run

HERE: dict[str, Any] = {"cwd": "/", "timeout": 20.0}


def sh(command: str, **options: Any) -> Ended:
    return run(command, **{**HERE, "environment": dict(os.environ), **options})


def timed_out(command: str, said: str, **options: Any) -> Ended:
    """Run what never ends; again with more time when it was too short to say ``said``."""
    for timeout in (0.3, 1.0, 4.0, 16.0):
        ended = sh(command, timeout=timeout, **options)
        if said in ended.stdout:
            break
    return ended


def in_reaper(expression: str) -> dict[str, Any]:
    """Evaluate a call of ``run`` in a process that is a reaper, as workers are."""
    program = (
        "import dataclasses, json, os, sys\n"
        "from orchestrator.descendants import become_reaper\n"
        "from orchestrator.processes import run\n"
        "assert become_reaper()\n"
        f"print(json.dumps(dataclasses.asdict({expression})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def until(condition: Callable[[], bool]) -> bool:
    """Poll ``condition`` until it holds; False after ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def gone(pid: int) -> bool:
    return not descendants.alive(pid)


linux = pytest.mark.skipif(not descendants.can_reap(), reason="needs /proc and a reaper")


def test_output_is_both_streams_and_stdout_is_apart() -> None:
    ended = sh("echo one; echo two >&2")
    assert (ended.status, ended.code) == ("exited", 0)
    assert sorted(ended.output.split()) == ["one", "two"]
    assert ended.stdout == "one\n"


def test_command_without_output_ends_with_its_code() -> None:
    ended = sh("exit 3")
    assert (ended.status, ended.code, ended.output) == ("exited", 3, "")


def test_bytes_that_are_not_text_are_shown_not_fatal() -> None:
    assert sh(r"printf '\377\000x'").stdout == "�\0x"


def test_stdin_is_empty_unless_given() -> None:
    assert sh("cat").stdout == ""
    assert sh("cat", stdin=b"hello").stdout == "hello"


def test_command_that_closes_stdin_does_not_hurt() -> None:
    ended = sh("exec 0<&-; echo done", stdin=b"x" * 1_000_000)
    assert (ended.status, ended.stdout) == ("exited", "done\n")


def test_large_input_and_output_at_once_do_not_deadlock() -> None:
    ended = sh("cat", stdin=b"x" * 500_000)
    assert len(ended.stdout) == 500_000


def test_fifty_megabytes_keep_their_ends_and_say_what_was_cut() -> None:
    ended = sh("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last", limit=10_000)
    assert ended.truncated
    assert ended.output.startswith("first\nxxx") and ended.output.endswith("xxx\nlast\n")
    assert "bytes cut out" in ended.output
    assert len(ended.output) < 10_100


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 1000])
def test_capture_counts_every_byte(size: int) -> None:
    capture = Capture(10)
    for _ in range(size):
        capture.add(b"x")
    assert capture.truncated == (size > 10)
    kept = capture.text()
    assert kept.count("x") == min(size, 10)
    if size > 10:
        assert f"{size - 10} bytes cut out" in kept


def test_command_that_ignores_sigterm_is_killed() -> None:
    command = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    ended = timed_out(command, "ready", grace=0.2)
    assert (ended.status, ended.code, ended.stdout) == ("timeout", 124, "ready\n")


def test_command_that_obeys_sigterm_may_still_say_something() -> None:
    command = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done"
    ended = timed_out(command, "bye")
    assert (ended.status, ended.stdout) == ("timeout", "bye\n")


@pytest.mark.parametrize("command", ["kill -9 $$", "sh -c 'kill -9 $$'; exit $?"])
def test_killed_by_a_signal_is_not_an_exit_code(command: str) -> None:
    ended = sh(command)
    assert (ended.status, ended.code) == ("signalled", signal.SIGKILL)


def test_exit_codes_above_128_that_are_no_signal_stay_exit_codes() -> None:
    assert sh("exit 255").status == "exited"


@pytest.mark.parametrize(
    ("command", "code"),
    [("no-such-command-here", 127), (["no-such-command-here"], 127), ("/etc/passwd", 126)],
)
def test_missing_binary_is_missing_in_every_form(command: str | list[str], code: int) -> None:
    ended = sh(command) if isinstance(command, str) else run(command, environment={}, **HERE)
    assert (ended.status, ended.code) == ("missing", code)


def test_an_exit_of_127_that_says_nothing_is_a_plain_exit() -> None:
    assert sh("exit 127").status == "exited"


@pytest.mark.parametrize("options", [{"cwd": "/no/such/folder"}])
def test_folder_that_does_not_exist_is_missing(options: dict[str, Any]) -> None:
    ended = sh("true", **options)
    assert ended.status == "missing" and "/no/such/folder" in ended.output


def test_nul_in_an_argument_is_missing_not_an_exception() -> None:
    assert run(["echo", "a\0b"], environment={}, **HERE).status == "missing"


def test_a_child_in_the_same_session_is_ended_with_the_command() -> None:
    ended = sh("sleep 600 & echo $!")
    assert until(lambda: gone(int(ended.stdout)))


def test_without_pidfd_a_thread_sees_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert sh("echo x").stdout == "x\n"
    assert sh("sleep 60", timeout=0.1).status == "timeout"


def escaping(folder: Path) -> str:
    """A command that starts a grandchild in its own session and prints its id."""
    seen = folder / "pid"
    return (
        f"setsid sh -c 'echo $$ > {seen}; exec sleep 600' & "
        f"until [ -s {seen} ]; do sleep 0.01; done; cat {seen}"
    )


@linux
def test_grandchild_in_its_own_session_is_ended_and_cannot_hold_the_pipe(tmp_path: Path) -> None:
    ended = in_reaper(
        f"run({escaping(tmp_path)!r}, cwd='/', environment=dict(os.environ), timeout=30)"
    )
    assert ended["status"] == "exited" and ended["seconds"] < 25
    assert gone(int(ended["stdout"]))


@linux
def test_an_orphan_that_has_ended_is_gone_while_its_command_runs(tmp_path: Path) -> None:
    seen = tmp_path / "pid"
    command = (
        f"(setsid sh -c 'echo $$ > {seen}' &); until [ -s {seen} ]; do sleep 0.01; done; "
        f"while kill -0 $(cat {seen}) 2>/dev/null; do sleep 0.02; done; echo gone"
    )
    ended = in_reaper(f"run({command!r}, cwd='/', environment=dict(os.environ), timeout=20)")
    assert (ended["status"], ended["stdout"]) == ("exited", "gone\n")


@linux
def test_a_command_that_ends_while_another_is_being_started_leaves_that_one_alone() -> None:
    ended = in_reaper(
        """(
    setattr(sys.modules["orchestrator.processes"], "_start", (
        lambda start: lambda command, *rest: (
            process := start(command, *rest),
            run("true", cwd="/", environment=dict(os.environ), timeout=9) if "7" in command else 0,
        )[0]
    )(sys.modules["orchestrator.processes"]._start))
    or run("sleep 0.2; exit 7", cwd="/", environment=dict(os.environ), timeout=30)
)"""
    )
    assert (ended["status"], ended["code"]) == ("exited", 7)


@linux
def test_double_fork_is_ended_after_a_timeout(tmp_path: Path) -> None:
    command = escaping(tmp_path) + "; (sleep 601 &) ; sleep 602"
    for timeout in (1, 4, 16):
        ended = in_reaper(
            f"run({command!r}, cwd='/', environment=dict(os.environ), timeout={timeout}, grace=0.1)"
        )
        if ended["stdout"]:
            break  # it had the time to start what has to be ended
    assert ended["status"] == "timeout"
    assert gone(int(ended["stdout"]))


@linux
def test_strays_are_found_by_their_marker_and_by_nothing_else(tmp_path: Path) -> None:
    def start(mark: str) -> subprocess.Popen[bytes]:
        world = {**os.environ, descendants.MARKER: mark}
        return subprocess.Popen(["setsid", "sleep", "600"], env=world)

    mine, part, other = start("mark"), start("mark/1"), start("marks")
    try:
        assert until(lambda: descendants.end_strays("mark") == 0)
        assert (mine.wait(10), part.wait(10)) == (-9, -9)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@linux
def test_orphans_are_those_whose_owner_is_gone(tmp_path: Path) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", ("from pathlib import Path; from orchestrator.descendants import "
         f"marker; print(marker(Path({str(tmp_path)!r})))")],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    orphan = subprocess.Popen(["sleep", "600"], env={**os.environ, descendants.MARKER: owner})
    mine = descendants.marker(tmp_path)
    kept = subprocess.Popen(["sleep", "600"], env={**os.environ, descendants.MARKER: mine})
    try:
        descendants.end_orphans(descendants.marker_key(tmp_path))
        assert orphan.wait(10) == -9
        assert kept.poll() is None
    finally:
        kept.kill()
        kept.wait()


@linux
def test_a_tree_is_ended_whole() -> None:
    tree = subprocess.Popen(
        ["sh", "-c", "setsid sh -c 'echo $$; sleep 600; :' & wait"], stdout=subprocess.PIPE
    )
    assert tree.stdout is not None
    inner = int(tree.stdout.readline())
    descendants.end_tree(tree.pid)
    assert tree.wait(10) == -9
    assert until(lambda: gone(inner))
    tree.stdout.close()


def test_a_command_is_told_to_stop_and_leaves_by_itself(tmp_path: Path) -> None:
    told, tell = os.pipe()
    up = tmp_path / "up"
    os.mkfifo(up)

    def tell_it() -> None:
        up.read_text()
        os.close(tell)

    stopper = threading.Thread(target=tell_it)
    stopper.start()
    # The trap is set before anybody is told that it is up.
    command = f"trap 'echo leaving; exit 3' TERM; echo up > {up}; sleep 601 & wait"
    ended = sh(command, stop=told)
    stopper.join()
    os.close(told)
    assert (ended.status, ended.code, ended.stdout) == ("stopped", 0, "leaving\n")
