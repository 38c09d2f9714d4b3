"""In whose name a caller acts, and a write transaction in that name."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from orchestrator.coordination.callers import Caller, instance_here, occupy
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.errors import UsageError
from orchestrator.store.port import Transaction

__all__ = ["act", "human", "instance_of", "name_of"]

T = TypeVar("T")


def instance_of(project: Project, named: str | None) -> str:
    """The instance a call is about. Raises ``WhichInstance``."""
    return project.store.read(
        lambda reader: instance_here(reader, project.config, project.repository, named)
    )


def name_of(project: Project, who: Caller, named: str | None) -> str:
    """In whose name a caller acts: a human in their own, unless they name an instance."""
    if who.human and named is None and not os.environ.get("ORCHESTRATE_INSTANCE"):
        return who.actor
    return instance_of(project, named)


def human(who: Caller) -> str:
    """The actor of what only a human may do. Raises ``UsageError`` for anybody else."""
    if not who.human:
        raise UsageError("only a human may do this", hint="ask the person you work for")
    return who.actor


def act(
    project: Project,
    who: Caller,
    name: str,
    body: Callable[[Transaction, str], T],
    key: str | None = None,
) -> T:
    """Run ``body(tx, actor)`` for ``name``: an instance, or a human in their own name.

    With ``key`` it happens once, and the result has to be JSON. The status
    document and the views for scripts are brought up to date.
    """

    def write(tx: Transaction) -> T:
        if not name.startswith("human:"):
            occupy(tx, row_of(tx, "instances", name), who)
        return body(tx, who.acting_for(name))

    result = project.store.write(write, durable=True, key=key)
    project.publish()
    return result
