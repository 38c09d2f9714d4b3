"""The server as a client has it: a process on two pipes, in a real repository."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from orchestrator.cli.main import run
from orchestrator.engine.questions import ask
from orchestrator.engine.transition import row_of
from orchestrator.store.port import Transaction
from tests.engine.conftest import Shop, shop

__all__ = ["shop"]

NOTES = {name: f"about {name}" for name in ("changed", "why", "verify", "risks", "next")}
COMMAND = [sys.executable, "-m", "orchestrator", "mcp"]


class Instance:
    """A client of the SDK, connected; ``call`` gives a tool's structured result."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        value = result.structured_content
        assert isinstance(value, dict)
        assert bool(result.is_error) == ("error" in value)
        return value


def server(folder: Path, **names: str) -> StdioServerParameters:
    return StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], cwd=folder, env=names)


def talk(body: Callable[..., Awaitable[None]], *servers: StdioServerParameters) -> None:
    """Run ``body`` with a connected client for each server."""

    async def main() -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(one)) for one in servers]
            await body(*map(Instance, clients))

    anyio.run(main)


def test_two_instances_work_side_by_side(shop: Shop) -> None:
    """Leases contended for, messages told once, work handed off, and nobody judges their own."""

    async def body(backend: Instance, frontend: Instance) -> None:
        mine = await backend.call("check_in", task="the API")
        assert (mine["instance"], mine["state"]) == ("backend", "ACTIVE")

        taken = await backend.call("lease", action="acquire", paths=["src/app.txt"], intent="API")
        assert [one["path"] for one in taken["leases"]] == ["src/app.txt"]
        held = await frontend.call("lease", action="acquire", paths=["src/app.txt"])
        error = held["error"]
        assert (error["code"], error["hint"]) == ("E366", "wait for it: wait=SECONDS")
        assert error["held"][0]["by"] == "backend"
        assert error["held"][0]["intent"] == "API"

        async def give_back() -> None:
            while not shop.project.store.read(lambda reader: reader.count("lease_waits")):
                await anyio.sleep(0.02)
            await frontend.call("status")  # a call that waits holds up no other
            await backend.call("lease", action="release", paths=["src/app.txt"])

        async with anyio.create_task_group() as group:
            group.start_soon(give_back)
            got = await frontend.call("lease", action="acquire", paths=["src/app.txt"], wait=20)
        assert got["holder"] == "frontend"
        await frontend.call("lease", action="release")

        sent = await frontend.call("messages", action="send", to="backend", subject="Which port?")
        assert sent["reached"] == ["backend"]
        listed = await backend.call("lease", action="list")
        assert (listed["leases"], listed["news"]) == ([], ["M-1 from frontend: Which port?"])
        assert "news" not in await backend.call("lease", action="list")

        # Somebody else held the file since: the fence refuses until it is looked at and held again.
        await backend.call("lease", action="acquire", paths=["src/app.txt"])
        shop.work({"src/app.txt": "better\n"})
        ready = await backend.call("ready", action="mark", notes=NOTES)
        assert "error" not in ready, ready
        assert (ready["handoff"], ready["state"], ready["to"]) == (
            "H-1",
            "HANDOFF_READY",
            "frontend",
        )
        _ask(shop)
        refused = await backend.call("escalation", action="approve", id="ESC-1", reason="mine")
        assert refused["error"]["code"] == "E332"
        assert refused["error"]["hint"].endswith("listed in `approval.approvers`. A human may.")
        stood = await backend.call("status")
        assert [one["status"] for one in stood["escalations"]] == ["open"]
        await backend.call("tasks", action="add", title="write the page")
        concerns = (await backend.call("status"))["concerns"]
        assert ("T-1", "has no deadline") in [(one["subject"], one["message"]) for one in concerns]
        why = await frontend.call("explain", handoff="H-1")
        assert why["why"] == "it has not been judged yet"
        assert (await backend.call("ready", action="withdraw"))["state"] == "ACTIVE"

    talk(
        body,
        server(shop.worktree("backend"), CLAUDE_CODE_SESSION_ID="s-backend"),
        server(shop.worktree("frontend"), ORCHESTRATE_SESSION="s-frontend"),
    )
    rows = shop.project.store.read(lambda reader: reader.find("sessions"))
    assert {row["id"]: row["ended_at"] for row in rows} == {"s-backend": None, "s-frontend": None}


def _ask(shop: Shop) -> None:
    """Have a question about ``backend``'s handoff open."""

    def body(tx: Transaction) -> None:
        handoff = row_of(tx, "handoffs", "H-1")
        ask(
            tx, shop.project, "decision", actor="coordinator", instance="backend",
            handoff=handoff, question="Should H-1 land?", reason="no rule decides",
        )  # fmt: skip

    shop.project.store.write(body)


def test_what_goes_wrong_is_said_and_the_server_goes_on(shop: Shop) -> None:
    async def body(client: Instance) -> None:
        before = shop.project.store.version()
        for tool, arguments, code in (
            ("lease", {"action": "acquire"}, "E711"),
            ("frobnicate", {}, "E712"),
        ):
            assert (await client.call(tool, **arguments))["error"]["code"] == code
        assert shop.project.store.version() == before
        assert (await client.call("explain", handoff="H-9"))["error"]["code"] == "E304"
        outside = await client.call("lease", action="check", paths=["../../etc/passwd"])
        assert outside["error"]["code"] == "E361"
        assert (await client.call("status"))["instances"]

    talk(body, server(shop.worktree("backend"), ORCHESTRATE_SESSION="s"))


def test_a_call_that_is_repeated_adds_once(shop: Shop) -> None:
    async def body(client: Instance) -> None:
        for use, title in (("toolu_1", "first"), ("toolu_1", "first"), ("toolu_2", "second")):
            asked = {"action": "add", "title": title}
            meta: Any = {"claudecode/toolUseId": use}
            await client.client.call_tool("tasks", asked, meta=meta)
        tasks = (await client.call("tasks", action="list"))["tasks"]
        assert [one["title"] for one in tasks] == ["first", "second"]

    talk(body, server(shop.worktree("backend"), CLAUDE_CODE_SESSION_ID="s"))


def test_a_client_without_a_session_is_one_while_it_is_connected(shop: Shop) -> None:
    async def body(client: Instance) -> None:
        taken = await client.call("lease", action="acquire", paths=["a.txt"])
        mine = taken["checked_in"]["instance"]
        assert taken["holder"] == mine
        (row,) = shop.project.store.read(lambda reader: reader.find("sessions"))
        assert row["id"].startswith("mcp-")
        assert row["pid"] and row["pid_started"]

    talk(body, server(shop.main))
    (row,) = shop.project.store.read(lambda reader: reader.find("sessions"))
    assert row["ended_at"] is not None
    assert shop.project.store.read(lambda r: r.count("leases", {"status": "held"})) == 0


@pytest.mark.parametrize("end", ["eof", signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_in_order(shop: Shop, end: Any) -> None:
    """By its input's end and by a signal; only the protocol is on its output."""
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=shop.worktree("backend"), text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    line = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()
    said = json.loads(process.stdout.readline())
    assert said["result"]["serverInfo"]["name"] == "orchestrate"
    if end == "eof":
        process.stdin.close()
        process.stdin = None
    else:
        process.send_signal(end)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_missing_extra_names_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "orchestrator.mcp.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    assert run(["mcp"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("E710 the MCP server cannot start: ")
    assert "hint: pip install 'handoff-orchestrator[mcp]'" in said
