"""The MCP server on standard input and output, by the official SDK.

Needs the extra ``mcp``. Knows the protocol and nothing else: ``answering`` does
the work, in threads, because it blocks on the store.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from orchestrator import __version__
from orchestrator.mcp.answering import answer, identify, leave
from orchestrator.mcp.tool import Tool
from orchestrator.mcp.tools import TOOLS

__all__ = ["INSTRUCTIONS", "listed", "serve"]

INSTRUCTIONS = (
    "Coordinates the AI instances that work on this repository. Begin with check_in. Take a"
    " lease on a file before you edit it. Commit, then ready: it lands once verified."
    " A result's `news` is for you; act on it."
)
#: Calls at once; more of them wait.
_CALLS = 16

Context = ServerRequestContext[Any]


def serve() -> None:
    """Serve until the client closes standard input, or SIGINT or SIGTERM. Does not return."""
    made = identify()
    try:
        anyio.run(_serve, made)
    except BaseExceptionGroup as error:
        # The client has gone in the middle of an answer: nobody is left to tell.
        if error.split((BrokenPipeError, anyio.BrokenResourceError))[1] is not None:
            raise
    _end(made)


def _end(made: bool) -> None:
    """End at once: a thread that reads or waits for a lease would hold the process."""
    if made:
        leave()
    sys.stderr.flush()
    os._exit(0)


async def _serve(made: bool) -> None:
    server = Server(
        "orchestrate",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=_list,
        on_call_tool=_caller(),
    )
    async with anyio.create_task_group() as group:
        group.start_soon(_until_signal, made)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
        _end(made)


async def _until_signal(made: bool) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            _end(made)


def listed(tool: Tool) -> types.Tool:
    """A tool as the client sees it."""
    return types.Tool(
        name=tool.name,
        description=tool.description(),
        input_schema=tool.schema(),
        output_schema={"type": "object"},
        annotations=types.ToolAnnotations(read_only_hint=True) if tool.reads else None,
    )


async def _list(
    context: Context, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[listed(tool) for tool in TOOLS.values()])


def _caller() -> Callable[[Context, types.CallToolRequestParams], Any]:
    limit = anyio.CapacityLimiter(_CALLS)

    async def call(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        meta: Any = params.meta or {}
        value, bad = await anyio.to_thread.run_sync(
            answer,
            params.name,
            params.arguments or {},
            dict(meta),
            abandon_on_cancel=True,
            limiter=limit,
        )
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=_text(value))],
            structured_content=value,
            is_error=bad,
        )

    return call


def _text(value: dict[str, Any]) -> str:
    """For clients that read no structure: an error as a command prints it, else the JSON."""
    error = value.get("error")
    if not error:
        return json.dumps(value, ensure_ascii=False)
    lines = [error.get("where"), f"{error['code']} {error['message']}"]
    hint = error.get("hint")
    return "\n".join([line for line in lines if line] + ([f"hint: {hint}"] if hint else []))
