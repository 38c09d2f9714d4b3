"""The helpers for plugin authors, as this repository's own tests use them."""

from orchestrator.testing.plugins import config, context, execute, plan, run_command, write

__all__ = ["config", "context", "execute", "plan", "run_command", "write"]
