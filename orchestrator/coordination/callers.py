"""Who is calling: an instance, through its client, or a human.

A human is a caller without a client's variables and without a registered client
among its process ancestors, so that unsetting a variable makes nobody a human.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.coordination.cleaning import clean
from orchestrator.coordination.liveness import ancestors, host, started
from orchestrator.coordination.sessions import (
    Client,
    NotYou,
    instance_of,
    made_on_the_spot,
    register,
)
from orchestrator.coordination.tokens import (
    WrongToken,
    digest,
    keep_token,
    new_token,
    session_of,
    verify_token,
)
from orchestrator.environment import SOCKET, in_client
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.store.port import NewEvent, Reader, Row, Store, Transaction

if TYPE_CHECKING:  # the git hooks come here with the standard library alone
    from orchestrator.config.model import Config

__all__ = [
    "Caller",
    "NotYou",
    "WhichInstance",
    "authenticate",
    "caller",
    "instance_here",
    "issue",
    "occupy",
]


class WhichInstance(OrchestrateError):
    """It cannot be told which instance you are.

    Name it with ``--instance ID`` or ``ORCHESTRATE_INSTANCE``, give the
    instance a ``worktree:`` in the configuration and call from there, or
    ``orchestrate check-in`` to get one of your own.
    """

    code = "E311"


@dataclass(frozen=True, slots=True)
class Caller:
    """``actor`` is ``human:<user>`` or an instance id; ``pid`` the client's, when known.

    ``state`` is the folder where a session's token is kept, None where none is;
    ``socket`` where the client takes messages, when it says so.
    """

    actor: str
    human: bool
    session: str | None = None
    pid: int | None = None
    state: Path | None = None
    socket: str | None = None

    def acting_for(self, instance: str) -> str:
        """Who is recorded when this caller acts for ``instance``: a human stays one."""
        return self.actor if self.human else instance


def caller(reader: Reader, environment: Mapping[str, str] | None = None) -> Caller:
    """Who calls, before it is known which instance they act for. Verifies no token."""
    names = os.environ if environment is None else environment
    session = names.get("CLAUDE_CODE_SESSION_ID") or names.get("ORCHESTRATE_SESSION") or None
    pid = names.get("CLAUDE_PID", "")
    client = _client_above(reader)
    if not in_client(names) and session is None and client is None:
        return Caller(f"human:{_user()}", human=True)
    known = instance_of(reader, session) if session else client and client["id"]
    return Caller(
        known or "unregistered",
        human=False,
        session=session,
        pid=int(pid) if pid.isdigit() else None,
        socket=names.get(SOCKET) or None,
    )


def authenticate(store: Store, state: Path, environment: Mapping[str, str] | None = None) -> Caller:
    """Who calls, with the session's token verified.

    A wrong one is recorded as ``session.refused`` and raises ``WrongToken``.
    """
    names = os.environ if environment is None else environment
    mine = session_of(names, state)
    who = replace(store.read(lambda reader: caller(reader, names)), state=state)
    stated = bool(names.get("ORCHESTRATE_TOKEN"))
    if mine is None or store.read(lambda reader: _proven(reader, *mine, stated=stated)):
        return who
    session = mine[0]
    refused = NewEvent("session.refused", "unverified", who.actor, data={"session": session})
    store.write(lambda tx: tx.record(refused), durable=True)
    raise WrongToken(
        f"the token given for session {session!r} is not its own",
        hint="unset ORCHESTRATE_TOKEN; check in again from the client whose session it is",
    )


def _proven(reader: Reader, session: str, token: str | None, *, stated: bool) -> bool:
    """The token is right, none was ever issued, or the registered client itself calls.

    The last heals a lost or half-replaced file; a token that was ``stated`` has to be right.
    """
    row = reader.get("sessions", id=session)
    if row is None or row["ended_at"] is not None or row["token"] is None:
        return True
    if verify_token(reader, session, token):
        return True
    return not stated and _calls(row)


def _calls(row: Row) -> bool:
    """The process a session is registered with is above this one."""
    if not row["pid"] or row["host"] != host():
        return False
    return row["pid"] in ancestors() and started(row["pid"]) == row["pid_started"]


def _client_above(reader: Reader) -> Row | None:
    """The instance whose registered client is an ancestor of this process."""
    here = host()
    registered = {
        (row["pid"], row["pid_started"]): row
        for row in reader.find("instances")
        if row["pid"] and row["host"] == here
    }
    if not registered:
        return None
    return next((registered[p, s] for p in ancestors() if (p, s := started(p)) in registered), None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def instance_here(reader: Reader, config: Config, repository: Repository, named: str | None) -> str:
    """The instance a call is about: named, by environment, or by its worktree.

    Raises ``WhichInstance`` with the known names.
    """
    known = sorted({*config.instances, *(row["id"] for row in reader.find("instances"))})
    chosen = named or os.environ.get("ORCHESTRATE_INSTANCE") or _by_session(reader)
    if chosen is None:
        chosen = _by_worktree(reader, config, repository)
    if chosen is None:
        raise WhichInstance(hint=f"name it: --instance ID, one of: {', '.join(known) or 'none'}")
    if chosen not in known:
        raise WhichInstance(
            f"there is no instance {chosen!r}", hint=f"known: {', '.join(known) or 'none'}"
        )
    return chosen


def _by_session(reader: Reader) -> str | None:
    names = os.environ
    session = names.get("CLAUDE_CODE_SESSION_ID") or names.get("ORCHESTRATE_SESSION")
    return instance_of(reader, session) if session else None


def _by_worktree(reader: Reader, config: Config, repository: Repository) -> str | None:
    """The instance whose ``worktree`` is the checkout we are in.

    Those made on the spot do not count: they are their session's, not the checkout's.
    """
    here = repository.worktree.resolve()
    for instance in config.instances.values():
        if instance.worktree and (repository.main / instance.worktree).resolve() == here:
            return instance.id
    rows = reader.find("instances", columns=("id", "worktree"))
    return next((r["id"] for r in rows if _is_at(r, here)), None)


def _is_at(row: Row, here: Path) -> bool:
    place = row["worktree"]
    return bool(place) and not made_on_the_spot(row["id"]) and Path(place).resolve() == here


def occupy(tx: Transaction, row: Row, who: Caller) -> Row:
    """Record that ``who``'s session is this instance, with a sign of life.

    Registers a session that never checked in. A human acts *for* an instance
    and occupies nothing. Raises ``NotYou`` when another live session has it,
    or when this session is another instance.
    """
    if who.human or who.session is None:
        return row
    digest = issue(tx, who.session, who.state)
    register(tx, Client(who.session, who.pid, socket=who.socket), row, digest)
    if digest is not None:  # a registration, not just another call
        clean(tx, tx.now)
    new = tx.get("instances", id=row["id"])
    assert new is not None
    return new


def issue(tx: Reader, session: str, state: Path | None, *, again: bool = False) -> str | None:
    """Write a new token for a session that has none, or ``again``; its digest, or None.

    Written before the commit, so that no session is left with a digest nobody knows.
    """
    row = tx.get("sessions", id=session)
    has = row is not None and row["ended_at"] is None and row["token"]
    if state is None or (has and not again):
        return None
    token = new_token()
    keep_token(state, session, token)
    return digest(token)
