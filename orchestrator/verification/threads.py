"""The threads of a run, made when there is something to do in them.

A run in which every verdict is known does nothing in them, and the library
takes longer to import than such a run may cost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most ``count`` threads; leaving the context waits for what runs in them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def submit(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Call ``function`` in a thread as soon as one is free."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._count)
        return self._pool.submit(function, *arguments, **named)

    @staticmethod
    def ended(running: Collection[Future[T]]) -> Collection[Future[T]]:
        """Wait for the first of ``running``; all that have ended. None of none."""
        if not running:
            return ()
        from concurrent.futures import FIRST_COMPLETED, wait

        return wait(running, return_when=FIRST_COMPLETED).done
