"""Makes the machine busy in bursts, with processes of our own that end by themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["busy"]

#: Computes and rests in turn, each for half a second on average, and ends after its time,
#: or when whoever started it was ended.
_PROGRAM = """\
import os, random, sys, time
end, parent = time.monotonic() + float(sys.argv[1]), os.getppid()
while (now := time.monotonic()) < end and os.getppid() == parent:
    stop = min(now + random.expovariate(2), end)
    while time.monotonic() < stop:
        sum(n * n for n in range(5000))
    time.sleep(max(min(random.expovariate(2), end - time.monotonic()), 0))
"""


@contextmanager
def busy(processes: int, most_seconds: float) -> Iterator[None]:
    """While the block runs, ``processes`` of them compute in bursts; none outlives the limit."""
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(most_seconds)]
    started = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
