"""What an instance should hear without asking, at a prompt and between its tools."""

from __future__ import annotations

from orchestrator.coordination.news import lines, tell, waiting
from orchestrator.coordination.ringing import headed
from orchestrator.coordination.sessions import heartbeat
from orchestrator.engine.project import Project
from orchestrator.hooks import presence
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.settling import settle
from orchestrator.store.port import Transaction

__all__ = ["delivered", "prompted"]


def prompted(project: Project, request: Request) -> Answer:
    """UserPromptSubmit: a new turn begins; what an interrupted one left is settled."""
    presence.ensure(project, request)
    settle(project, request, everything=True)

    def body(tx: Transaction) -> None:
        heartbeat(tx, request.member)
        tx.update("sessions", {"id": request.session}, {"prompted_at": tx.now, "stops": 0})

    project.store.write(body)
    return delivered(project, request)


def delivered(project: Project, request: Request) -> Answer:
    """What is new for the session's instance, as context; nothing for a sub-agent."""
    session = request.session
    if request.agent or not project.store.read(lambda reader: waiting(reader, session)):
        return Answer()
    news = project.store.write(lambda tx: tell(tx, session), durable=True)
    return Answer("context", headed(lines(news))) if news else Answer()
