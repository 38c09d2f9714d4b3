"""Runs one command, bounded in time and output, and leaves nothing of it behind.

The command gets a session of its own. When it has ended, or its time is up,
everything it started is ended too (see ``descendants`` for how far that goes).
Standard library only; knows nothing of checks or plugins.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestrator import descendants

__all__ = ["GRACE", "LIMIT", "SPILLED", "Capture", "Ended", "run"]

#: Bytes kept of each of a command's two outputs; the middle is cut out beyond it.
LIMIT = 1 << 20
#: Bytes of one output that a file takes at most.
SPILLED = 64 << 20
#: Seconds between asking a command to end and ending it.
GRACE = 2.0
#: Seconds to read what is left in the pipes when everything has been ended.
_DRAIN = 1.0
#: Seconds after which an orphan that has ended is reaped, where init does it at once elsewhere.
_REAPED = 0.5
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; the fields of ``plugins.spec.CommandResult``.

    ``status`` is exited, timeout, stopped, signalled or missing. ``code`` is the
    exit code, the signal's number when signalled, 124 after a timeout, 0 when
    it was told to stop.
    """

    status: str
    code: int
    output: str
    stdout: str
    seconds: float
    truncated: bool = False


class Capture:
    """Keeps the beginning and the end of a stream, ``limit`` bytes together.

    What is longer goes to the file ``spill`` too, whole up to ``SPILLED`` bytes. A
    disk that takes nothing costs the file and nothing else.
    """

    def __init__(self, limit: int, spill: Path | None = None) -> None:
        self._limit, self._spill = limit, spill
        self._file: BinaryIO | None = None
        self._room = SPILLED
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = 0

    def add(self, data: bytes) -> None:
        if self._spill is not None:
            self._keep(self._spill, data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 4 * self._half:
            self._trim()

    def close(self) -> None:
        """The file is whole; nothing is added any more."""
        self._spill = None
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def _keep(self, spill: Path, data: bytes) -> None:
        if self._file is None and len(self._head) + len(self._tail) + len(data) <= self._limit:
            return
        try:
            if self._file is None:
                spill.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = open(spill, "xb", buffering=0)  # noqa: SIM115  # closed in close
                data = bytes(self._head + self._tail) + data
            self._file.write(data[: self._room])
            self._room = max(self._room - len(data), 0)
        except OSError:
            self.close()

    def text(self) -> str:
        """What was kept, with a line that says how much was not."""
        self._trim()
        gap = f"\n[... {self._cut} bytes cut out ...]\n" if self._cut else ""
        if not self._cut:
            return (self._head + self._tail).decode(errors="replace")
        return self._head.decode(errors="replace") + gap + self._tail.decode(errors="replace")

    @property
    def truncated(self) -> bool:
        return self._cut > 0 or len(self._tail) > self._half

    def _trim(self) -> None:
        surplus = len(self._tail) - self._half
        if surplus > 0:
            del self._tail[:surplus]
            self._cut += surplus


_active = 0
#: Of those: the ids of the processes that were started.
_started: set[int] = set()
_active_lock = threading.Lock()


def run(
    command: str | Sequence[str],
    *,
    cwd: str | os.PathLike[str],
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    limit: int = LIMIT,
    grace: float = GRACE,
    stop: int | None = None,
    spill: Path | None = None,
) -> Ended:
    """Run ``command`` (a string: by ``/bin/sh -c``) and wait until all of it is gone.

    ``stop`` is a file descriptor: as soon as it is readable, or closed at its
    other end, the command is ended like one whose time is up, as ``stopped``. ``spill``
    is a file that is made, with all of the output, where that is longer than ``limit``. Never
    raises for what the command does. In a process that is a reaper, *every* orphan it gets
    is ended with the last command; other children of such a process must be
    commands run by this function.
    """
    start = time.monotonic()
    _enter()
    try:
        process = _start(command, cwd, environment, stdin)
    except (OSError, ValueError) as error:
        _leave()
        return _never_started(error, time.monotonic() - start)
    with _active_lock:
        _started.add(process.pid)
    output, stdout = Capture(limit, spill), Capture(limit)
    pump = _Pump(process, stdin, output, stdout, stop)
    try:
        in_time = pump.until_exit(start + timeout) or _ask_to_end(process, pump, grace)
    finally:
        _end(process)
        pump.drain()
        output.close()
    verdict = ("stopped", 0) if pump.stopped else _verdict(process, command, in_time, output)
    return Ended(
        *verdict,
        output=output.text(),
        stdout=stdout.text(),
        seconds=time.monotonic() - start,
        truncated=output.truncated or stdout.truncated,
    )


def _start(
    command: str | Sequence[str],
    cwd: str | os.PathLike[str],
    environment: Mapping[str, str],
    stdin: bytes | None,
) -> subprocess.Popen[bytes]:
    arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    return subprocess.Popen(
        arguments,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _never_started(error: OSError | ValueError, seconds: float) -> Ended:
    """A binary that is absent or not executable, a folder that is gone, a NUL in an argument."""
    absent = isinstance(error, OSError) and error.errno == errno.ENOENT
    return Ended("missing", 127 if absent else 126, f"{error}\n", "", seconds)


def _ask_to_end(process: subprocess.Popen[bytes], pump: _Pump, grace: float) -> bool:
    """The time is up: SIGTERM to the whole session, then ``grace`` seconds. Always False."""
    _signal_session(process, signal.SIGTERM)
    pump.until_exit(time.monotonic() + grace)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the session and, in a reaper, what left it; reap the command itself."""
    # Before the command is reaped: its id, and so the session's, cannot be reused yet.
    _signal_session(process, signal.SIGKILL)
    process.wait()
    _leave(process.pid)


def _enter() -> None:
    """Count a command before it is started: a process nobody counts is taken for a stray."""
    global _active
    with _active_lock:
        _active += 1


def _leave(pid: int = 0) -> None:
    """The last command ends whatever is left; none is started meanwhile."""
    global _active
    with _active_lock:
        _active -= 1
        _started.discard(pid)
        if _active == 0 and descendants.is_reaper():
            descendants.end_children()


def _reap_orphans() -> None:
    """Reap what a reaper got and has ended: a command may wait until what it left is gone."""
    if descendants.is_reaper():
        with _active_lock:
            # One that is just being started could end before its id is known.
            if len(_started) == _active:
                descendants.reap_dead(_started)


def _signal_session(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Nobody of the session may be left; macOS says EPERM when only zombies are.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _verdict(
    process: subprocess.Popen[bytes], command: str | Sequence[str], in_time: bool, output: Capture
) -> tuple[str, int]:
    """``status`` and ``code``. A shell reports a missing binary or a signal as a number."""
    code = process.returncode
    if not in_time:
        return "timeout", 124
    if code < 0:
        return "signalled", -code
    if isinstance(command, str):
        said = output.text()[-4000:].lower()
        if (code == 127 and "not found" in said) or (code == 126 and "denied" in said):
            return "missing", code
        if code - 128 in _FATAL:
            return "signalled", code - 128
    return "exited", code


#: Signals whose ``128 + n`` from a shell means that the command was killed.
_FATAL = {
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGILL, signal.SIGABRT, signal.SIGBUS,
    signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGALRM, signal.SIGTERM,
    signal.SIGXCPU, signal.SIGXFSZ,
}  # fmt: skip


class _Pump:
    """Moves bytes between a command's pipes and memory, never waiting for one pipe alone."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: bytes | None,
        output: Capture,
        stdout: Capture,
        stop: int | None = None,
    ) -> None:
        assert process.stdout is not None and process.stderr is not None
        #: Whether it was told to stop.
        self.stopped = False
        self._process = process
        self._unsent = memoryview(stdin or b"")
        self._selector = selectors.DefaultSelector()
        self._exit = _exit_signal(process)
        self._selector.register(self._exit, selectors.EVENT_READ, "exit")
        if stop is not None:
            self._selector.register(stop, selectors.EVENT_READ, "stop")
        for stream, sinks in ((process.stdout, (output, stdout)), (process.stderr, (output,))):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, sinks)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")

    def until_exit(self, deadline: float) -> bool:
        """Pump until the command has exited (True) or the deadline passes (False).

        False too when it is to stop; that is said once, so that it has its grace.
        """
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(min(left, _REAPED)):
                if key.data == "exit":
                    return True
                if key.data == "stop":
                    self._selector.unregister(key.fd)
                    self.stopped = True
                    return False
                self._move(key)
            _reap_orphans()
        return False

    def drain(self) -> None:
        """Read what is left, for a moment at most, and close every pipe."""
        self._selector.unregister(self._exit)
        os.close(self._exit)
        for key in list(self._selector.get_map().values()):
            if key.data == "stop":
                self._selector.unregister(key.fd)  # not ours to close
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._drop(self._process.stdin)
        deadline = time.monotonic() + _DRAIN
        while self._selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._move(key)
        for key in list(self._selector.get_map().values()):
            self._drop(key.fileobj)
        self._selector.close()

    def _move(self, key: selectors.SelectorKey) -> None:
        if key.data == "stdin":
            self._send(key)
            return
        data = os.read(key.fd, _CHUNK)
        for sink in key.data:
            sink.add(data)
        if not data:
            self._drop(key.fileobj)

    def _send(self, key: selectors.SelectorKey) -> None:
        try:
            self._unsent = self._unsent[os.write(key.fd, self._unsent[:_CHUNK]) :]
        except BrokenPipeError:
            self._unsent = memoryview(b"")  # the command does not want the rest
        if not self._unsent:
            self._drop(key.fileobj)

    def _drop(self, stream: object) -> None:
        self._selector.unregister(stream)  # type: ignore[arg-type]  # a file we registered
        with contextlib.suppress(BrokenPipeError):
            stream.close()  # type: ignore[attr-defined]  # as above


def _exit_signal(process: subprocess.Popen[bytes]) -> int:
    """A file descriptor that becomes readable when the command has exited."""
    if hasattr(os, "pidfd_open"):
        try:
            return os.pidfd_open(process.pid)
        except OSError:
            pass  # an old kernel, or a container that forbids it
    readable, writable = os.pipe()

    def wait() -> None:
        process.wait()
        os.close(writable)

    threading.Thread(target=wait, daemon=True).start()
    return readable
