"""Which instance a session is, and making and retiring instances outside the configuration."""

from __future__ import annotations

import os
import re
import secrets
from datetime import UTC, datetime
from difflib import get_close_matches

from orchestrator.coordination.callers import Caller, WhichInstance, instance_here
from orchestrator.coordination.cleaning import end_session, return_tasks, take_leave
from orchestrator.coordination.sessions import Client, instance_of, made_on_the_spot, occupant
from orchestrator.coordination.undelivered import restore
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.lifecycle.states import State
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = ["BadName", "NotRetired", "make", "resolve", "retire"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: The role of an instance that was given none.
NO_ROLE = "GENERAL"


class BadName(OrchestrateError):
    """This cannot be the name of an instance.

    One begins with a letter or digit and has at most 64 letters, digits,
    dots, dashes and underscores.
    """

    code = "E355"


class NotRetired(OrchestrateError):
    """This instance cannot be retired now.

    Only a human or the instance itself retires it, never while it has an open
    handoff or another session lives in it, and one of the configuration is
    taken out there. Nothing was changed.
    """

    code = "E356"
    exit_status = EXIT["failed"]


def resolve(
    tx: Transaction,
    project: Project,
    client: Client,
    *,
    named: str | None = None,
    role: str | None = None,
    branch: str | None = None,
) -> Row:
    """The instance a registering session is: named, its earlier one, its worktree's, or a new one.

    Raises ``WhichInstance`` for a name nobody has, unless a role comes with it.
    """
    named = named or os.environ.get("ORCHESTRATE_INSTANCE")
    if named:
        return _named(tx, named, role)
    mine = instance_of(tx, client.session)
    if mine is not None:
        return row_of(tx, "instances", mine)
    earlier = _earlier(tx, client)
    for row in (tx.get("instances", id=earlier), _of_worktree(tx, project)):
        if row is not None and occupant(tx, row) is None:
            return row
    gone = earlier and made_on_the_spot(earlier) and tx.get("instances", id=earlier) is None
    name = earlier if gone else _fresh(tx.now)
    return make(tx, str(name), role=role, worktree=client.cwd, branch=branch)


def _named(tx: Transaction, name: str, role: str | None) -> Row:
    """A known instance, or a new one where a role says that it is meant to be new."""
    row = tx.get("instances", id=name)
    if row is not None:
        return row
    if role is not None:
        return make(tx, name, role=role)
    known = [row["id"] for row in tx.find("instances", columns=("id",))]
    near = get_close_matches(name, known, n=1)
    guess = f'did you mean "{near[0]}"? ' if near else ""
    raise WhichInstance(
        f"there is no instance {name!r}",
        hint=f"{guess}known: {', '.join(known) or 'none'}; a new one needs --role ROLE",
    )


def _earlier(reader: Reader, client: Client) -> str | None:
    """The instance this session was before it ended: a client can be resumed."""
    before = reader.get("sessions", id=client.session)
    return before["instance"] if before else None


def _of_worktree(reader: Reader, project: Project) -> Row | None:
    """The instance whose own worktree this checkout is."""
    try:
        name = instance_here(reader, project.config, project.repository, None)
    except WhichInstance:
        return None
    return reader.get("instances", id=name)


def _fresh(now: int) -> str:
    stamp = datetime.fromtimestamp(now / 1000, tz=UTC).strftime("%Y%m%d-%H%M%S")
    return f"claude-{stamp}-{secrets.token_hex(4)}"


def make(
    tx: Transaction,
    name: str,
    *,
    role: str | None = None,
    worktree: str | None = None,
    branch: str | None = None,
    actor: str | None = None,
) -> Row:
    """A new instance outside the configuration, in STANDBY. Raises ``BadName``."""
    if _NAME.fullmatch(name) is None:
        raise BadName(f"{name[:80]!r} cannot be the name of an instance")
    row: Row = {
        "id": name,
        "role": role or NO_ROLE,
        "state": str(State.STANDBY),
        "version": 1,
        "registered_at": tx.now,
        "configured": 0,
        "attempt": 0,
        "worktree": worktree,
        "branch": branch,
    }
    tx.insert("instances", row)
    restore(tx, name)
    told = {"role": row["role"], "worktree": worktree, "branch": branch}
    tx.record(NewEvent("instance.create", actor or name, name, after=1, data=told))
    found = tx.get("instances", id=name)
    assert found is not None
    return found


def retire(project: Project, who: Caller, name: str, *, reason: str | None = None) -> Row:
    """Take an instance that the configuration does not name out of the project; its last row.

    Its session ends, its leases and tasks are given back; its events stay.
    Raises ``NotRetired``, ``NoSuchRow``.
    """

    def body(tx: Transaction) -> Row:
        row = row_of(tx, "instances", name)
        session = occupant(tx, row)
        _may_retire(row, session, who)
        why = reason or "retired"
        return_tasks(tx, row, reason=why, actor=who.actor)
        for one in tx.find("sessions", {"instance": name, "ended_at": None, "parent": None}):
            end_session(tx, one, reason=why, actor=who.actor)
        tx.delete("profiles", {"instance": name})
        if tx.delete("instances", {"id": name}):  # one made on the spot went with its session
            told = {"role": row["role"], "from": row["state"]}
            tx.record(NewEvent("instance.retire", who.actor, name, reason=reason, data=told))
            take_leave(tx, name, who.actor)
        return row

    return project.store.write(body, durable=True)


def _may_retire(row: Row, session: Row | None, who: Caller) -> None:
    name = row["id"]
    living = (session.get("session") or session["id"]) if session else None
    own = living is not None and living == who.session
    if not (who.human or own):
        raise NotRetired(f"{who.actor} may not retire {name}", hint="a human or itself does")
    if row["configured"]:
        raise NotRetired(f"the configuration names {name}", hint="take it out of instances: there")
    if row["handoff"]:
        raise NotRetired(
            f"{name} has the open handoff {row['handoff']}",
            hint=f"orchestrate withdraw --instance {name}, or let it land",
        )
    if living is not None and not own:
        raise NotRetired(f"its session {living} may live", hint="let it check out first")
