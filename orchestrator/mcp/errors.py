"""What can go wrong with the server itself and with how its tools are called."""

from orchestrator.errors import EXIT, OrchestrateError

__all__ = ["BadArguments", "McpMissing", "NoSuchTool"]


class McpMissing(OrchestrateError):
    """The MCP server needs the package ``mcp``, which is not installed.

    Install it where ``orchestrate`` is installed:
    ``pip install 'handoff-orchestrator[mcp]'``.
    """

    code = "E710"
    exit_status = EXIT["unknown"]


class BadArguments(OrchestrateError):
    """A tool was called with arguments it does not take; nothing was done.

    The hint says what the action takes. ``docs/reference/mcp.md`` describes
    every tool.
    """

    code = "E711"


class NoSuchTool(OrchestrateError):
    """There is no tool of that name; nothing was done.

    The hint lists the tools there are. A client that knows another one has an
    old list: let it connect again.
    """

    code = "E712"
