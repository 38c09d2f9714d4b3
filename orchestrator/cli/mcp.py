"""``orchestrate mcp``: the tools of an instance, for its client."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.output import remark
from orchestrator.mcp.errors import McpMissing

__all__ = ["command"]


@click.command(name="mcp")
def command() -> None:
    """Serve an instance's tools over standard input and output (MCP).

    A client starts this by itself, as `.mcp.json` says; needs the extra `mcp`.
    """
    try:
        from orchestrator.mcp.server import serve
    except ImportError as error:
        hint = "pip install 'handoff-orchestrator[mcp]'"
        raise McpMissing(f"the MCP server cannot start: {error}", hint=hint) from error
    if sys.stdin.isatty():
        remark("waiting for a client on standard input; Ctrl-C ends it")
    serve()
