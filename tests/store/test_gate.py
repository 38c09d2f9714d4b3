"""The gate: one holder, a bounded wait, nothing left behind by the dead."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.store.errors import Busy, Unwritable
from orchestrator.store.gate import Gate

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the gate until its standard input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def end(holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.communicate()


def test_a_held_gate_is_busy_after_the_bound(tmp_path: Path) -> None:
    holder = hold(tmp_path / "gate")
    try:
        with pytest.raises(Busy, match=r"held .* for 0\.05 s"), Gate(tmp_path / "gate").held(0.05):
            pass
    finally:
        end(holder)


def test_the_kernel_frees_the_gate_of_a_killed_holder_and_a_waiter_gets_it(tmp_path: Path) -> None:
    holder = hold(tmp_path / "gate")
    got = threading.Event()

    def wait() -> None:
        with Gate(tmp_path / "gate").held(30):
            got.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not got.is_set()
    os.kill(holder.pid, signal.SIGKILL)
    assert got.wait(20)
    waiter.join()
    end(holder)


def test_who_gave_up_does_not_hold_the_gate_later(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    holder = hold(gate.path)
    with pytest.raises(Busy), gate.held(0.05):
        pass
    end(holder)
    with gate.held(20):
        pass
    with Gate(gate.path).held(20):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    gate, inside, most = Gate(tmp_path / "gate"), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with gate:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_thread_that_holds_it_bounds_the_others_too(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    refused: list[bool] = []

    def wait() -> None:
        try:
            with gate.held(0.02):
                refused.append(False)
        except Busy:
            refused.append(True)

    with gate:
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert refused == [True]


def test_a_body_that_raises_lets_go(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    with pytest.raises(ZeroDivisionError), gate:
        raise ZeroDivisionError
    with Gate(gate.path).held(0):
        pass


def test_a_forked_child_neither_holds_nor_frees_the_parents_gate(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    with gate:
        child = os.fork()
        if child == 0:
            try:
                with gate.held(0):
                    os._exit(1)
            except Busy:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        other = os.open(gate.path, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
    with Gate(gate.path).held(0):
        pass


def test_a_gate_that_cannot_be_made_is_unwritable(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="gate"), Gate(tmp_path / "absent" / "gate"):
        pass
