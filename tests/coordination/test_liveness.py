"""Is it still the process that was registered? Yes, no, or unknown."""

from __future__ import annotations

import os
import subprocess
import sys

from orchestrator.coordination.liveness import TTL_MS, alive, ancestors, host, is_live, started


def test_this_process_is_alive_and_has_one_start() -> None:
    me = os.getpid()
    assert started(me) == started(me) is not None
    assert alive(me, started(me), host()) is True


def test_a_reused_pid_is_not_the_process_that_was_registered() -> None:
    assert alive(os.getpid(), "another start", host()) is False


def test_an_ended_process_is_dead_even_as_a_zombie() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    start = started(process.pid)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert alive(process.pid, start or "gone", host()) is False
    process.stdout.close()
    process.wait()


def test_another_host_or_no_pid_cannot_be_told() -> None:
    assert alive(os.getpid(), started(os.getpid()), "elsewhere") is None
    assert alive(None, None, host()) is None


def test_elsewhere_the_heartbeat_decides_and_without_one_it_is_unknown() -> None:
    assert is_live(1, "x", "elsewhere", 1_000, 1_000 + TTL_MS) is True
    assert is_live(1, "x", "elsewhere", 1_000, 1_001 + TTL_MS) is False
    assert is_live(None, None, None, None, 10) is None


def test_the_parent_is_the_nearest_ancestor() -> None:
    assert next(ancestors()) == os.getppid()
