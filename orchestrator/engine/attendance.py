"""Coming, staying and leaving: check-in, heartbeat, check-out, clean-up.

Each is one transaction. A session is the instance it names, else the one of its
worktree, else one made for it on the spot; never the checkout it happens to be in.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.coordination.briefing import Briefing, briefing
from orchestrator.coordination.callers import authenticate, issue
from orchestrator.coordination.cleaning import Cleaned, Ended, clean, end_session
from orchestrator.coordination.leases import renew
from orchestrator.coordination.news import lines, tell, waiting
from orchestrator.coordination.profiles import Offer, offer
from orchestrator.coordination.sessions import (
    Client,
    add_agent,
    agent_session,
    heartbeat,
    open_session,
    register,
)
from orchestrator.coordination.texts import line
from orchestrator.coordination.tokens import (
    forget_token,
    session_id,
    session_of,
    sweep_tokens,
    verify_token,
)
from orchestrator.engine.instances import resolve
from orchestrator.engine.project import Project
from orchestrator.engine.transition import move, row_of
from orchestrator.environment import in_client
from orchestrator.errors import UsageError
from orchestrator.lifecycle.machine import Facts
from orchestrator.lifecycle.states import Event, State
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "CheckedIn",
    "Wish",
    "beat",
    "check_in",
    "check_out",
    "cleanup",
    "news",
    "present",
    "session_environment",
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a check-in asks for; None and empty mean: as it is."""

    instance: str | None = None
    session: str | None = None
    agent: str | None = None
    role: str | None = None
    task: str | None = None
    offer: Offer = field(default_factory=Offer)


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """``session`` is the row; ``made`` says that its id was made here and has to be kept."""

    session: Row
    briefing: Briefing
    now: int
    made: bool = False
    cleaned: Cleaned = field(default_factory=Cleaned)

    def to_json(self) -> dict[str, Any]:
        """The session without its secret's digest, and the briefing."""
        session = {key: value for key, value in self.session.items() if key != "token"}
        return {
            "session": session,
            "instance": self.session["instance"],
            "made": self.made,
            "briefing": self.briefing.to_json(),
            "cleaned": self.cleaned.to_json()["sessions"],
        }


def check_in(project: Project, wish: Wish) -> CheckedIn:
    """Register the calling session, or resume it, and brief it.

    Raises ``WhichInstance``, ``NotYou``, ``Occupied``, ``WrongToken``, ``BadSession``.
    """
    wish = _checked(wish)
    names = session_environment(wish.session)
    made = names is None
    if names is None:
        wish = replace(wish, session=f"term-{secrets.token_hex(8)}")
        names = session_environment(wish.session) or {}
    who = authenticate(project.store, project.repository.state, names)
    mine = session_of(names, project.repository.state)
    assert mine is not None
    kind = names.get("ORCHESTRATE_CLIENT") or ("claude" if in_client(names) else "terminal")
    client = Client(mine[0], who.pid, kind, str(project.repository.worktree), who.socket)
    branch = project.repository.git.branch()

    def body(tx: Transaction) -> tuple[Row, Cleaned, int]:
        # The registered client itself calls where the token is lost: it gets another.
        lost = not verify_token(tx, client.session, mine[1])
        digest = issue(tx, client.session, project.repository.state, again=lost)
        instance = resolve(tx, project, client, named=wish.instance, role=wish.role, branch=branch)
        since = _seen(tx, client.session, instance["id"])
        row = register(tx, client, instance, digest)
        _describe(tx, instance["id"], wish, branch)
        if wish.agent:
            row = add_agent(tx, client.session, wish.agent)
        # After registering: a client that comes back after a crash keeps what it held.
        return row, clean(tx, tx.now), since

    row, cleaned, since = project.store.write(body, durable=True)
    return _brief(project, row, since, cleaned, made)


def _checked(wish: Wish) -> Wish:
    """The same with its texts checked and trimmed. Raises ``BadText``, ``BadSession``."""
    if wish.agent is not None:
        session_id(wish.agent)
    said = wish.offer
    checked = Offer(
        tuple(line(one, "specialization") for one in said.specializations),
        tuple(line(one, "expertise") for one in said.expertise),
        said.consultation,
    )
    return replace(
        wish,
        role=line(wish.role, "role") if wish.role is not None else None,
        task=line(wish.task, "task") if wish.task is not None else None,
        offer=checked,
    )


def session_environment(named: str | None) -> Mapping[str, str] | None:
    """The environment with the session to use in it, or None where there is none yet.

    Raises ``UsageError`` where the client has another session, ``BadSession``.
    """
    own = os.environ.get("CLAUDE_CODE_SESSION_ID")
    if named and own and named != own:
        raise UsageError(f"this client's session is {own!r}", hint="leave --session out")
    if named:
        return {**os.environ, "ORCHESTRATE_SESSION": session_id(named)}
    return os.environ if own or os.environ.get("ORCHESTRATE_SESSION") else None


def _seen(reader: Reader, session: str, instance: str) -> int:
    """The last event this session, or an earlier one of the instance, was told about."""
    rows = reader.find("sessions", {"instance": instance})
    own = next((row["seen"] for row in rows if row["id"] == session), None)
    return int(own or max((row["seen"] or 0 for row in rows), default=0))


def _describe(tx: Transaction, name: str, wish: Wish, branch: str | None) -> None:
    """What the session says about its instance: role, branch, what it offers, its task."""
    offer(tx, name, wish.offer)
    row = row_of(tx, "instances", name)
    changes: Row = {}
    if wish.role and not row["configured"] and wish.role != row["role"]:
        changes["role"] = wish.role
    if branch and branch != row["branch"]:
        changes["branch"] = branch
    if changes:
        tx.update("instances", {"id": name}, changes)
    if wish.task and wish.task != row["task"]:
        _begin(tx, {**row, **changes}, wish.task)


def _begin(tx: Transaction, row: Row, task: str) -> None:
    """STANDBY → ACTIVE with the task; an active one without a handoff changes its task."""
    if row["state"] != State.ACTIVE or row["handoff"]:
        facts = Facts(actor=row["id"], producer=row["id"], live=True, task=task)
        move(tx, row, Event.ASSIGN, facts, changes={"task": task}, data={"task": task})
        return
    version = row["version"] + 1
    tx.update("instances", {"id": row["id"]}, {"task": task, "version": version})
    told = {"from": row["task"], "to": task}
    event = NewEvent(
        "instance.task", row["id"], row["id"], before=row["version"], after=version, data=told
    )
    tx.record(event)


def _brief(project: Project, row: Row, since: int, cleaned: Cleaned, made: bool) -> CheckedIn:
    """Read the briefing, then remember that it was told: rather twice than never."""
    config = project.config
    name = row["instance"]
    heard = row["told"] or 0
    told, now = project.store.read(lambda r: (briefing(r, config, name, since, heard), r.now))

    def body(tx: Transaction) -> None:
        tx.update("sessions", {"id": row["id"]}, {"seen": told.seen})
        for item in told.messages.items:
            key = {"message": item["id"], "instance": name}
            tx.update("receipts", key, {"delivered_at": tx.now}, expect={"delivered_at": None})

    project.store.write(body)
    project.publish()
    return CheckedIn(row, told, now, made, cleaned)


def present(project: Project, session: str | None = None, agent: str | None = None) -> str:
    """The id of the calling session (or sub-agent), its token verified.

    Raises ``UsageError`` without a session, ``WrongToken``, ``NoSession``.
    """
    names = session_environment(session)
    if names is None:
        hint = "orchestrate check-in, then: export ORCHESTRATE_SESSION=ID"
        raise UsageError("no session calls here", hint=hint)
    authenticate(project.store, project.repository.state, names)
    mine = session_of(names, project.repository.state)
    assert mine is not None
    name = agent_session(mine[0], agent) if agent else mine[0]
    project.store.read(lambda reader: open_session(reader, name))
    return name


def beat(project: Project, session: str | None = None, agent: str | None = None) -> Row:
    """A sign of life: the session and its leases are renewed, and follow renamed files.

    The row, with ``leases`` (how many), ``followed`` (pairs of names) and ``remarks``.
    """
    name = present(project, session, agent)

    def body(tx: Transaction) -> Row:
        row = heartbeat(tx, name)
        return {**row, "leases": renew(tx, session=name)}

    row = {**project.store.write(body), "followed": (), "remarks": ()}
    if row["leases"]:
        # Imported late: most heartbeats are those of sessions that hold nothing.
        from orchestrator.engine.following import follow

        found = follow(project, row)
        row |= {"followed": found.names, "remarks": found.remarks}
    views = project.config.status.views
    # The document can wait for the next change; scripts take an old heartbeat for a death.
    if views.heartbeats or views.work_registry:
        project.publish()
    return row


def news(project: Project, session: str | None = None) -> list[str]:
    """What is new for the calling session, a line each; from now on it is told.

    Raises as ``present`` does.
    """
    name = present(project, session)
    if not project.store.read(lambda reader: waiting(reader, name)):
        return []
    return lines(project.store.write(lambda tx: tell(tx, name), durable=True))


def check_out(
    project: Project,
    session: str | None = None,
    agent: str | None = None,
    *,
    reason: str | None = None,
) -> Ended:
    """End the calling session: leases freed, tasks returned, the instance vacant.

    What an open handoff needs stays. Raises as ``present`` does.
    """
    name = present(project, session, agent)

    def body(tx: Transaction) -> Ended:
        row = open_session(tx, name)
        ended = end_session(tx, row, reason=reason or "checked out", actor=row["instance"])
        vacant: Row = dict.fromkeys(("session", "pid", "pid_started", "host", "heartbeat_at"))
        if not row["parent"]:
            tx.update("instances", {"id": row["instance"]}, vacant, expect={"session": name})
        return ended

    ended = project.store.write(body, durable=True)
    forget_token(project.repository.state, name)
    project.publish()
    return ended


def cleanup(project: Project) -> Cleaned:
    """End what is known dead, free what it held, remove the tokens of ended sessions."""

    def body(tx: Transaction) -> Cleaned:
        cleaned = clean(tx, tx.now)
        living = [row["id"] for row in tx.find("sessions", {"ended_at": None}, columns=("id",))]
        sweep_tokens(project.repository.state, living)
        return cleaned

    cleaned = project.store.write(body, durable=True)
    project.publish()
    return cleaned
