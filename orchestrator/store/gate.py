"""The gate in front of every write: one holder at a time, among threads and processes.

SQLite's own waiting polls and has no queue, so under load some writers starve.
A blocking ``flock`` wakes waiters as soon as the holder lets go, and the kernel
frees it when the holder is killed. The wait is bounded without a polling loop:
a helper thread blocks in ``flock`` while the caller waits for it with a
timeout. Knows nothing of what it guards.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.store.errors import Busy, StoreFull, Unwritable

__all__ = ["WAIT", "Gate"]

#: Seconds a writer waits before it gives up with ``Busy``.
WAIT = 20.0


class Gate:
    """A lock on ``path``. One instance per process and path is enough for all threads."""

    def __init__(self, path: Path, wait: float = WAIT) -> None:
        self.path, self.wait = path, wait
        self._threads = threading.Lock()
        self._descriptor: int | None = None
        self._waiters: set[_Waiter] = set()
        _gates.add(self)

    def __enter__(self) -> None:
        """Hold the gate. Raises ``Busy`` after the gate's ``wait``."""
        self._acquire(self.wait)

    def __exit__(self, *_: object) -> None:
        self._release()

    @contextmanager
    def held(self, wait: float) -> Iterator[None]:
        """Hold the gate. Raises ``Busy`` after ``wait`` seconds."""
        self._acquire(wait)
        try:
            yield
        finally:
            self._release()

    def close(self) -> None:
        """Forget the file. The next ``held`` opens it again."""
        with self._threads:
            self._close_descriptor()

    def _acquire(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            raise self._busy(seconds)
        try:
            if not self._at_once():
                self._descriptor = self._in_turn(deadline, seconds)
        except BaseException:
            self._threads.release()
            raise

    def _release(self) -> None:
        try:
            if self._descriptor is not None:
                # Explicitly, not by closing: a forked child may hold a copy of the descriptor.
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _at_once(self) -> bool:
        """The common case: nobody holds it."""
        if self._descriptor is None:
            self._descriptor = _open(self.path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _in_turn(self, deadline: float, seconds: float) -> int:
        """Wait for the holder; the descriptor that holds the lock now."""
        if deadline <= time.monotonic():
            raise self._busy(seconds)
        self._close_descriptor()
        try:
            waiter = _Waiter(self.path)
        except RuntimeError as error:
            # The interpreter is going away and starts no threads any more.
            raise self._busy(0) from error
        self._waiters.add(waiter)
        try:
            if not waiter.wait(max(0.0, deadline - time.monotonic())):
                raise self._busy(seconds)
        finally:
            self._waiters.discard(waiter)
        return waiter.descriptor

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _busy(self, seconds: float) -> Busy:
        return Busy(
            f"another process held {self.path} for {seconds:g} s",
            hint=f"see who: fuser {self.path}",
        )

    def after_fork(self) -> None:
        """In a forked child: the lock, its holder and its waiters are the parent's."""
        self._threads = threading.Lock()
        for waiter in self._waiters:
            with suppress(OSError):
                os.close(waiter.descriptor)
        self._waiters = set()
        self._close_descriptor()


class _Waiter:
    """A thread blocked in ``flock``. Whoever gave up does not leave the lock held behind."""

    def __init__(self, path: Path) -> None:
        self.descriptor = _open(path)
        self._held = threading.Event()
        self._decided = threading.Lock()
        self._abandoned = False
        try:
            threading.Thread(target=self._block, name="store-gate", daemon=True).start()
        except RuntimeError:
            os.close(self.descriptor)
            raise

    def wait(self, seconds: float) -> bool:
        """True when the lock is held; False, or an exception, and it never will be."""
        try:
            if self._held.wait(seconds):
                return True
        except BaseException:
            self._abandon()
            raise
        return not self._abandon()

    def _abandon(self) -> bool:
        """Give up, unless the lock was just got; True when given up."""
        with self._decided:
            self._abandoned = not self._held.is_set()
            return self._abandoned

    def _block(self) -> None:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        finally:
            with self._decided:
                if self._abandoned:
                    os.close(self.descriptor)
                else:
                    self._held.set()


def _open(path: Path) -> int:
    """Open (and make) the lock file, for this user only."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else Unwritable
        raise kind(f"{path}: {error.strerror}") from error


_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


def _after_fork() -> None:
    for gate in list(_gates):
        gate.after_fork()


os.register_at_fork(after_in_child=_after_fork)
