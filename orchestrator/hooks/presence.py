"""A session comes, brings sub-agents, and goes: registered, briefed, and its things given back."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.coordination.sessions import add_agent, agent_session
from orchestrator.coordination.telling import told
from orchestrator.engine import attendance
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.settling import settle
from orchestrator.store.port import Reader

__all__ = ["agent_start", "agent_stop", "end", "ensure", "start"]

#: Characters that stand for themselves in any shell.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:@+")


def start(project: Project, request: Request) -> Answer:
    """SessionStart: register or resume, tell the shell who this is, brief."""
    came = attendance.check_in(project, attendance.Wish())
    name = came.session["instance"]
    # Not the instance: a client started in that shell would take itself for this one.
    _export({"ORCHESTRATE_SESSION": request.session})
    text = (
        f"This repository is coordinated by orchestrate; you are instance {name}.\n"
        f"{told(came.briefing, came.now)}"
        "An edit takes a lease on its file, kept until you hand off. When the work is "
        "committed: orchestrate ready. More: orchestrate --help"
    )
    return Answer("context", text)


def _export(values: dict[str, str]) -> None:
    """Append to the client's file of variables; only what needs no quoting, once."""
    place = os.environ.get("CLAUDE_ENV_FILE")
    if not place:
        return
    path = Path(place)
    there = path.read_text(errors="replace").splitlines() if path.is_file() else []
    lines = [f"export {name}={value}" for name, value in values.items() if _PLAIN.issuperset(value)]
    new = [line for line in lines if line not in there]
    if new:
        with path.open("a") as file:
            file.write("".join(f"{line}\n" for line in ["", *new]))


def ensure(project: Project, request: Request) -> None:
    """Register a session (or sub-agent) that the store does not know, or knows as ended.

    Happens where the hooks were installed, or a clean-up ran, in the middle of it.
    """

    def known(reader: Reader) -> tuple[bool, bool]:
        rows = [reader.get("sessions", id=name) for name in (request.session, request.member)]
        there = [row is not None and row["ended_at"] is None for row in rows]
        same = request.pid is None or (rows[0] is not None and rows[0]["pid"] == request.pid)
        return there[0] and same, there[1]

    session, member = project.store.read(known)
    if not session:
        attendance.check_in(project, attendance.Wish())
    if request.agent and not member:
        agent = request.agent
        project.store.write(lambda tx: add_agent(tx, request.session, agent))


def agent_start(project: Project, request: Request) -> Answer:
    """SubagentStart: a child of the session."""
    ensure(project, request)
    return Answer()


def agent_stop(project: Project, request: Request) -> Answer:
    """SubagentStop: the child goes; what it leased is its session's."""
    if not request.agent:
        return Answer()
    settle(project, request, everything=True)
    name = agent_session(request.session, request.agent)
    row = project.store.read(lambda reader: reader.get("sessions", id=name))
    if row is not None and row["ended_at"] is None:
        attendance.check_out(project, agent=request.agent, reason="the sub-agent is done")
    return Answer()


def end(project: Project, request: Request) -> Answer:
    """SessionEnd: leases freed except those of an open handoff, the unfinished task returned."""
    settle(project, request, everything=True)
    row = project.store.read(lambda reader: reader.get("sessions", id=request.session))
    if row is None or row["ended_at"] is not None:
        return Answer()
    try:
        attendance.check_out(project, reason="the session ended")
    except OrchestrateError:
        # Whatever is in the way, the clean-up ends it when the client is gone.
        return Answer()
    return Answer()
