"""Stand-ins for tests: a store in memory, a clock; for plugin authors see ``testing.plugins``."""

from orchestrator.testing.clock import ManualClock
from orchestrator.testing.memory import MemoryStore

__all__ = ["ManualClock", "MemoryStore"]
