"""Leases and ownership: whose files are wanted, and what the configuration says about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from orchestrator.coordination.overlaps import EXCLUSIVE
from orchestrator.coordination.paths import Target, overlaps
from orchestrator.engine import permission
from orchestrator.engine.permission import Foreign
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import Reader, Transaction

__all__ = ["NotYours", "foreign", "owners", "permitted", "refuse", "remarks"]


class NotYours(OrchestrateError):
    """The file belongs to another instance.

    Happens under ``approval.ownership: deny``. Ask its owner to make the
    change, or a human: ``orchestrate owns PATH`` says whose it is.
    """

    code = "E365"
    exit_status = EXIT["failed"]


def owners(project: Project, target: Target) -> list[str]:
    """The instances whose ``file_patterns`` share a file with ``target``."""
    return [
        instance.id
        for instance in project.config.instances.values()
        if any(overlaps(Target("glob", p, ""), target) for p in instance.file_patterns)
    ]


def foreign(project: Project, instance: str, wants: Iterable[Target], mode: str) -> Foreign:
    """What of ``wants`` belongs to others; reading is free."""
    if mode != EXCLUSIVE:
        return ()
    return [
        (want, owner)
        for want in (replace(one, lines=None) for one in wants)
        for owner in owners(project, want)
        if owner != instance
    ]


def permitted(
    project: Project,
    asker: Callable[[Transaction], str],
    wants: Sequence[Target],
    mode: str,
    *,
    intent: str | None,
    wait: float,
    pause: Callable[[float], None],
) -> float:
    """Ask the owners, where that is the policy; the seconds left of ``wait``.

    Raises ``Asked``, ``Declined``.
    """
    if project.config.approval.ownership != "ask" or not foreign(project, "", wants, mode):
        return wait
    return permission.obtain(
        project,
        asker,
        lambda instance: foreign(project, instance, wants, mode),
        intent=intent,
        wait=wait,
        pause=pause,
    )


def refuse(
    project: Project, reader: Reader, instance: str, wants: Iterable[Target], mode: str
) -> None:
    """Raise where the policy says that ``instance`` does not take these.

    ``NotYours`` under ``deny``, ``Asked`` or ``Declined`` under ``ask``.
    """
    policy = project.config.approval.ownership
    if policy == "warn":
        return
    theirs = foreign(project, instance, wants, mode)
    if policy == "ask":
        permission.refuse(reader, instance, theirs)
        return
    for want, owner in theirs:
        raise NotYours(f"{want} belongs to {owner}", hint=f"ask {owner} to make the change")


def remarks(project: Project, instance: str, wants: Iterable[Target], mode: str) -> tuple[str, ...]:
    """Whose the files are, for the caller's eyes."""
    found = foreign(project, instance, wants, mode)
    return tuple(f"{want} belongs to {owner}" for want, owner in found)
