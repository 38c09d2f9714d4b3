"""A worker that gets ready while the rest of the program is still being imported.

For who knows already that something will be executed: both take about as long,
and a machine has more than one processor. Imports as little as it can.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import descendants
from orchestrator.git import Repository
from orchestrator.plugins.remote import Worker

__all__ = ["head_start"]


@contextmanager
def head_start(repository: Repository, *, wanted: bool) -> Iterator[list[Worker]]:
    """A worker for a ``LocalExecutor`` of this repository, in a list; none unless ``wanted``."""
    ready: list[Worker] = []
    try:
        if wanted:
            with contextlib.suppress(OSError):  # the executor tries again, and says so
                ready.append(Worker(f"{descendants.marker(repository.state)}/0/1"))
        yield ready
    finally:
        for worker in ready:
            worker.close()
