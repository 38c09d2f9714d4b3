"""Who is calling: an instance, through its client, or a human.

A human is a caller without a client's variables and without a registered client
among its process ancestors, so that unsetting a variable makes nobody a human.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.model import Config
from orchestrator.coordination.liveness import ancestors, host, is_live, started
from orchestrator.environment import in_client
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Caller", "NotYou", "WhichInstance", "caller", "instance_here", "occupy"]


class WhichInstance(OrchestrateError):
    """It cannot be told which instance you are.

    Name it with ``--instance ID`` or ``ORCHESTRATE_INSTANCE``, or give the
    instance a ``worktree:`` in the configuration and call from there.
    """

    code = "E311"


class NotYou(OrchestrateError):
    """Another live session is this instance.

    One live session occupies one instance. Call without ``--instance`` to act
    as yourself.
    """

    code = "E312"


@dataclass(frozen=True, slots=True)
class Caller:
    """``actor`` is ``human:<user>`` or an instance id; ``pid`` the client's, when known."""

    actor: str
    human: bool
    session: str | None = None
    pid: int | None = None

    def acting_for(self, instance: str) -> str:
        """Who is recorded when this caller acts for ``instance``: a human stays one."""
        return self.actor if self.human else instance


def caller(reader: Reader, environment: Mapping[str, str] | None = None) -> Caller:
    """Who calls, before it is known which instance they act for."""
    names = os.environ if environment is None else environment
    session = names.get("CLAUDE_CODE_SESSION_ID") or None
    pid = names.get("CLAUDE_PID", "")
    client = _client_above(reader)
    if not in_client(names) and client is None:
        return Caller(f"human:{_user()}", human=True)
    row = next(iter(reader.find("instances", {"session": session})), None) if session else client
    actor = row["id"] if row else "unregistered"
    return Caller(actor, False, session, int(pid) if pid.isdigit() else None)


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
    session = os.environ.get("CLAUDE_CODE_SESSION_ID")
    row = next(iter(reader.find("instances", {"session": session})), None) if session else None
    return row["id"] if row else None


def _by_worktree(reader: Reader, config: Config, repository: Repository) -> str | None:
    """The instance whose ``worktree`` is the checkout we are in."""
    here = repository.worktree.resolve()
    for instance in config.instances.values():
        if instance.worktree and (repository.main / instance.worktree).resolve() == here:
            return instance.id
    rows = reader.find("instances")
    return next(
        (r["id"] for r in rows if r["worktree"] and Path(r["worktree"]).resolve() == here), None
    )


def occupy(tx: Transaction, row: Row, who: Caller) -> Row:
    """Record that ``who``'s session is this instance, with a sign of life.

    A human acts *for* an instance and occupies nothing. Raises ``NotYou`` when
    another live session has it, or when this session is another instance.
    """
    if who.human or who.session is None:
        return row
    other = next(iter(tx.find("instances", {"session": who.session})), None)
    if other is not None and other["id"] != row["id"]:
        raise NotYou(f"this session is instance {other['id']}, not {row['id']}")
    if row["session"] not in (None, who.session) and _may_live(row, tx.now):
        raise NotYou(f"{row['id']} is occupied by another live session")
    signs = {
        "session": who.session,
        "pid": who.pid,
        "pid_started": started(who.pid) if who.pid else None,
        "host": host(),
        "heartbeat_at": tx.now,
    }
    tx.update("instances", {"id": row["id"]}, signs)
    return {**row, **signs}


def _may_live(row: Row, now: int) -> bool:
    """Not known to be dead: unknown is never treated as dead at once, only after the TTL."""
    known = is_live(row["pid"], row["pid_started"], row["host"], row["heartbeat_at"], now)
    return known is not False
