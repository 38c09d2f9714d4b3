"""Before a tool: may this file be written, and does this command write somebody's?

The engine's own code; ``fast`` answers the common cases of the first question and
has to agree with what stands here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator.coordination import leases
from orchestrator.coordination.leases import Conflict, Held
from orchestrator.coordination.overlaps import EXCLUSIVE
from orchestrator.coordination.paths import BadPath, OutsideRepository, Target, named_file
from orchestrator.coordination.sessions import heartbeat
from orchestrator.engine import lease_ownership, leasing
from orchestrator.engine.permission import Asked
from orchestrator.engine.project import Project
from orchestrator.errors import OrchestrateError
from orchestrator.hooks import presence, sightings, words
from orchestrator.hooks.fast import INTENT
from orchestrator.hooks.request import Answer, Request
from orchestrator.store.port import Row, Transaction

__all__ = ["before", "decide", "target"]


def before(project: Project, request: Request) -> Answer:
    """PreToolUse."""
    if not request.guards:
        from orchestrator.hooks import shell

        return shell.before(project, request) if request.command else Answer()
    want = target(project, request)
    if want is None:
        return Answer()
    presence.ensure(project, request)
    refused = _refused(project, request, want)
    if refused is not None:
        return refused
    digest = leasing.content(want)
    return project.store.write(lambda tx: decide(project, request, tx, want, digest))


def _refused(project: Project, request: Request, want: Target) -> Answer | None:
    """``approval.ownership``: ``deny`` refuses, ``ask`` asks the owner and refuses until then."""

    if project.config.approval.ownership == "warn":
        return None

    def instance(tx: Transaction) -> str:
        return str(heartbeat(tx, request.member)["instance"])

    try:
        lease_ownership.permitted(
            project, instance, [want], EXCLUSIVE, intent=INTENT, wait=0.0, pause=lambda _: None
        )
        project.store.write(
            lambda tx: lease_ownership.refuse(project, tx, instance(tx), [want], EXCLUSIVE)
        )
    except OrchestrateError as error:
        return words.foreign(error.message, want.path, asked=isinstance(error, Asked))
    return None


def target(project: Project, request: Request) -> Target | None:
    """The file a tool is about; None for one outside the repository, which is free."""
    if not request.path:
        return None
    try:
        return named_file(project.repository, Path.cwd(), request.path)
    except (OutsideRepository, BadPath):
        return None


def decide(
    project: Project, request: Request, tx: Transaction, want: Target, digest: str | None
) -> Answer:
    """Take the lease and say so, or say why not; in the caller's transaction."""
    instance = heartbeat(tx, request.member)["instance"]
    owners = [name for name in leasing.owners(project, want) if name != instance]
    mine = leases.check(tx, want, instance=instance)
    known = sightings.known(tx, request.member, want.path, mine)
    got = leases.acquire(
        tx,
        [want],
        instance=instance,
        session=request.session,
        intent=INTENT,
        hashes={want.path: digest},
        priority=_priority(project, instance, owners, want),
    )
    if isinstance(got, Held):
        return denied(tx, want, got.conflicts[0])
    if known is not None and known != (digest or "-"):
        if not sightings.own_formatter(tx, request.member, want, mine):
            sightings.saw(tx, request.member, want, digest, instance)
            return words.changed(want.path, _author(tx, want, instance), digest is None)
        sightings.saw(tx, request.member, want, digest, instance)
    if mine.state == "mine" and any(row["path"] == want.path for row in mine.leases):
        return Answer()
    if request.call:
        tx.delete("calls", {"id": request.call})
        call = {"id": request.call, "session": request.member, "path": want.path}
        tx.insert("calls", {**call, "lease": got.leases[0]["id"], "at": tx.now})
    return words.borrowed(want.path, owners[0]) if owners else Answer()


def denied(tx: Transaction, want: Target, conflict: Conflict) -> Answer:
    """Somebody holds it, or waits for it before us."""
    if conflict.lease is None:
        return words.queued(want.path, conflict.holder)
    row: Row = conflict.lease
    left = None if row["expires_at"] is None else row["expires_at"] - tx.now
    name = row["path"] if row["path"] == want.path else f"{want.path} ({row['path']})"
    return words.held(name, row["instance"], task(tx, row["instance"]), row["handoff"], left)


def task(tx: Transaction, instance: str) -> str | None:
    """What an instance works on, by its title."""
    row = tx.get("instances", id=instance)
    if row is None or not row["task"]:
        return None
    found = tx.get("tasks", id=row["task"])
    return str(found["title"] or row["task"]) if found else str(row["task"])


def _priority(project: Project, instance: str, owners: list[str], want: Target) -> int:
    known = project.config.instances.get(instance)
    mine = known is not None and instance in leasing.owners(project, want)
    return known.priority if known is not None and mine else 0


def _author(tx: Transaction, want: Target, instance: str) -> str | None:
    """Who held the file last, beside us: the likeliest to have changed it."""
    where = {"status": "ended", "path": replace(want, lines=None).path}
    rows = tx.find("leases", where, order="-fence", limit=20)
    return next((row["instance"] for row in rows if row["instance"] != instance), None)
