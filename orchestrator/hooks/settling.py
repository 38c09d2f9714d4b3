"""Leases taken for a tool call that then did not happen are given back.

The question before a tool is asked before the user is: a call the user refuses, or
that is interrupted, leaves a lease nobody uses. ``calls`` remembers for which call a
lease was taken; a file that was changed all the same keeps it.
"""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.coordination.leases import end
from orchestrator.coordination.paths import file_target
from orchestrator.engine.leasing import content
from orchestrator.engine.project import Project
from orchestrator.hooks.request import Request
from orchestrator.store.port import Row, Transaction

__all__ = ["settle"]


def settle(
    project: Project, request: Request, only: Collection[str] = (), *, everything: bool = False
) -> list[str]:
    """Give back what was taken for calls that changed nothing; the paths.

    ``only``: the calls of a batch; ``everything``: whatever is left of the session's.
    """

    def body(tx: Transaction) -> list[str]:
        rows = tx.find("calls", {"session": request.member})
        due = [row for row in rows if everything or row["id"] in only]
        return [row["path"] for row in due if _given_back(project, tx, row)]

    rows = project.store.read(lambda reader: reader.count("calls", {"session": request.member}))
    return project.store.write(body) if rows else []


def _given_back(project: Project, tx: Transaction, call: Row) -> bool:
    tx.delete("calls", {"id": call["id"]})
    lease = tx.get("leases", id=call["lease"])
    if lease is None or lease["status"] != "held" or lease["handoff"]:
        return False
    place = str(project.repository.worktree / call["path"])
    target = file_target(call["path"])
    now = content(type(target)("file", target.path, target.prefix, None, place))
    if now != lease["hash"]:
        return False
    end(tx, lease, "the edit did not happen", actor=lease["instance"])
    return True
