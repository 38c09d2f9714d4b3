"""The tools, one subject a module; ``TOOLS`` is all of them by name."""

from orchestrator.mcp.tool import Tool
from orchestrator.mcp.tools import coming, handing, leases, standing, talking, tasks

__all__ = ["TOOLS"]

_ALL = (
    coming.CHECK_IN,
    leases.LEASE,
    handing.READY,
    tasks.TASKS,
    talking.MESSAGES,
    talking.DECISIONS,
    standing.STATUS,
    handing.EXPLAIN,
    handing.ESCALATION,
)

TOOLS: dict[str, Tool] = {tool.name: tool for tool in _ALL}
