"""A clock that is turned by hand."""

__all__ = ["ManualClock"]


class ManualClock:
    """A clock in ms since the epoch that moves only when told."""

    def __init__(self, start: int = 1_767_225_600_000) -> None:
        self.time = start

    def __call__(self) -> int:
        return self.time

    def advance(self, ms: int) -> int:
        """Move on (or back, with a negative number); the new time."""
        self.time += ms
        return self.time
