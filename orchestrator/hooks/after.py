"""After a tool: what an edit made, what a command changed, what did not happen, what is new."""

from __future__ import annotations

from orchestrator.coordination import leases
from orchestrator.coordination.leases import renew
from orchestrator.coordination.sessions import heartbeat
from orchestrator.engine import leasing
from orchestrator.engine.project import Project
from orchestrator.hooks import guard, news, presence, sightings
from orchestrator.hooks.beat import BEAT_MS
from orchestrator.hooks.request import EDITS, Answer, Request
from orchestrator.hooks.settling import settle
from orchestrator.hooks.slow import payload
from orchestrator.store.port import Reader, Transaction

__all__ = ["batch", "failed", "used"]


def used(project: Project, request: Request) -> Answer:
    """PostToolUse: alive; a file looked at or edited is known as it is now."""
    presence.ensure(project, request)
    if request.tool == "Bash":
        from orchestrator.hooks import shell

        return shell.after(project, request)
    want = guard.target(project, request) if request.tool in (*EDITS, "Read") else None
    digest = leasing.content(want) if want else None
    if want is None and _just_now(project, request):
        return Answer()

    def body(tx: Transaction) -> None:
        instance = heartbeat(tx, request.member)["instance"]
        renew(tx, session=request.session)
        if want is None:
            return
        sightings.saw(tx, request.member, want, digest, instance)
        if request.tool in EDITS:
            _done(project, tx, request)

    project.store.write(body)
    return Answer()


def _just_now(project: Project, request: Request) -> bool:
    """Whether a sign of life was written a moment ago; its leases were renewed then."""

    def body(reader: Reader) -> bool:
        row = reader.get("sessions", id=request.member) or {}
        at = row.get("heartbeat_at")
        return at is not None and 0 <= reader.now - at < BEAT_MS

    return project.store.read(body)


def _done(project: Project, tx: Transaction, request: Request) -> None:
    """The call its lease was taken for happened; ``after_tool`` gives the lease back at once."""
    call = tx.get("calls", id=request.call) if request.call else None
    if call is None:
        return
    tx.delete("calls", {"id": call["id"]})
    lease = tx.get("leases", id=call["lease"])
    if project.config.hooks.release == "after_tool" and lease and lease["status"] == "held":
        leases.end(tx, lease, "the edit is done", actor=lease["instance"])


def failed(project: Project, request: Request) -> Answer:
    """PostToolUseFailure: an edit that failed needs no lease; a command may have written."""
    if request.tool in EDITS:
        presence.ensure(project, request)
        settle(project, request, [request.call or ""])
        return Answer()
    return used(project, request)


def batch(project: Project, request: Request) -> Answer:
    """PostToolBatch: settle the calls that were refused; deliver what is new."""
    calls = payload(request).get("tool_calls")
    names = [c.get("tool_use_id") for c in calls if isinstance(c, dict)] if calls else []
    presence.ensure(project, request)
    settle(project, request, [str(name) for name in names])
    return news.delivered(project, request)
