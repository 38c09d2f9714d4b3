"""Being told to stop: Ctrl-C, SIGTERM and SIGHUP set an event, so that all that runs is ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["until_signalled"]


@contextmanager
def until_signalled(*, impatient: bool = False) -> Iterator[tuple[threading.Event, list[int]]]:
    """While the block runs: an event that the signals set, and their numbers as they came.

    An exception could come within code that takes it for an error of its own, or
    loses it; the event cannot. Where the work looks at the event only now and
    then (``impatient``), a second signal raises ``KeyboardInterrupt`` at once.
    """
    stop, received = threading.Event(), list[int]()

    def end(number: int, _frame: object) -> None:
        received.append(number)
        if impatient and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield stop, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
