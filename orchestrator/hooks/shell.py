"""Shell commands: what can be told before, and what really changed after.

Before: paths a command plainly writes, compared with what others hold; a warning, for
a shell can always write in ways nobody can read. After: the files themselves are
asked, and both sides are told.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.coordination import leases, messages
from orchestrator.coordination.leases import renew
from orchestrator.coordination.messages import Draft
from orchestrator.coordination.overlaps import target_of
from orchestrator.coordination.paths import (
    BadPath,
    OutsideRepository,
    Target,
    file_target,
    named_file,
    overlaps,
)
from orchestrator.coordination.sessions import heartbeat
from orchestrator.engine import leasing
from orchestrator.engine.following import follow
from orchestrator.engine.project import Project
from orchestrator.git import GitError
from orchestrator.hooks import presence, sightings
from orchestrator.hooks.beat import SLACK_MS
from orchestrator.hooks.commands import written
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.slow import payload
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["after", "before"]

_NAMED = 5
#: Longer than any command: what the client does not say is taken to have begun then.
_LONG_MS = 600_000


def before(project: Project, request: Request) -> Answer:
    """PreToolUse of a shell: a remark where it plainly writes what somebody else holds."""
    found = list(_targets(project, written(request.command or "")))
    if not found:
        return Answer()
    presence.ensure(project, request)

    def body(reader: Reader) -> list[str]:
        row = reader.get("sessions", id=request.session) or {}
        return [
            f"{want.path} is held by {standing.leases[0]['instance']}"
            for want in found
            for standing in [leases.check(reader, want, instance=row["instance"])]
            if standing.state == "held"
        ]

    held = project.store.read(body)
    if not held:
        return Answer()
    told = "; ".join(held[:_NAMED])
    return Answer(
        "context", f"This command seems to write what others hold: {told}. It was not stopped."
    )


def _targets(project: Project, paths: list[str]) -> list[Target]:
    found = []
    for path in paths:
        try:
            found.append(named_file(project.repository, Path.cwd(), path))
        except (OutsideRepository, BadPath):
            continue
    return found


def after(project: Project, request: Request) -> Answer:
    """PostToolUse of a shell: one's own files are known as they are now; others' are reported."""
    spent = payload(request).get("duration_ms")
    spent_ms = spent if isinstance(spent, int) else _LONG_MS
    began = (request.at - spent_ms - SLACK_MS) * 1_000_000
    touched = _touched(project, request, began)
    dirty = _dirty(project) if touched else set()

    def body(tx: Transaction) -> list[tuple[str, Row]]:
        instance = heartbeat(tx, request.member)["instance"]
        renew(tx, session=request.session)
        hit = []
        for want in touched:
            row = _holder(tx, want, instance)
            if row is None:
                sightings.saw(tx, request.member, want, leasing.content(want), instance)
            elif _matters(project, tx, row, want, dirty):
                hit.append((want.path, row))
        for holder in {row["instance"] for _, row in hit}:
            paths = [path for path, row in hit if row["instance"] == holder]
            _tell(project, tx, instance, holder, paths, request.command or "")
        return hit

    hit = project.store.write(body)
    remarks = _followed(project, request)
    if not hit:
        return Answer("context", remarks) if remarks else Answer()
    told = ", ".join(f"{path} ({row['instance']})" for path, row in hit[:_NAMED])
    return Answer(
        "context",
        f"Files others hold changed while this command ran: {told}. They were told. "
        f"If it was this command, put them back as they were, or settle it with them. {remarks}",
    )


def _followed(project: Project, request: Request) -> str:
    """Leases follow files the command renamed; what could not be followed, in words."""
    row = project.store.read(lambda reader: reader.get("sessions", id=request.session))
    return "; ".join(follow(project, row).remarks) if row else ""


def _touched(project: Project, request: Request, began: int) -> list[Target]:
    """Files changed since ``began`` that are leased, or that this session has looked at."""
    root = project.repository.worktree

    def body(reader: Reader) -> tuple[set[str], list[Row]]:
        seen = reader.find("sightings", {"session": request.member}, columns=("path",))
        rows = leases.held(reader)
        files = {row["path"] for row in rows if row["kind"] == "file"}
        return files | {row["path"] for row in seen}, [r for r in rows if r["kind"] != "file"]

    paths, wide = project.store.read(body)
    if wide:
        paths |= {path for path in _dirty(project) if _covered(path, wide)}
    return [_at(root, path) for path in sorted(paths) if _changed(root / path, began)]


def _covered(path: str, wide: list[Row]) -> bool:
    want = file_target(path)
    return any(overlaps(want, target_of(row)) for row in wide)


def _at(root: Path, path: str) -> Target:
    found = file_target(path)
    return Target("file", found.path, found.prefix, None, str(root / path))


def _changed(path: Path, began: int) -> bool:
    """Changed or replaced since; what is not there may have been removed by the command."""
    try:
        return path.stat().st_ctime_ns >= began
    except OSError:
        parent = next((p for p in path.parents if p.exists()), path)
        return parent.stat().st_ctime_ns >= began


def _holder(reader: Reader, want: Target, instance: str) -> Row | None:
    standing = leases.check(reader, want, instance=instance)
    return standing.leases[0] if standing.state == "held" else None


def _matters(project: Project, reader: Reader, row: Row, want: Target, dirty: set[str]) -> bool:
    """Whether a change is one: not what a checkout brings, unless it undoes the holder's work."""
    digest = leasing.content(want)
    if row["path"] == want.path and row["hash"] == digest:
        return False
    session = reader.get("sessions", id=row["session"]) if row["session"] else None
    same = session is not None and session["cwd"] == str(project.repository.worktree)
    return same or want.path in dirty


def _dirty(project: Project) -> set[str]:
    """What differs from the last commit here."""
    try:
        lines = project.repository.git.lines(
            "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"
        )
    except GitError:
        return set()
    return {line[3:] for line in lines}


def _tell(
    project: Project, tx: Transaction, instance: str, holder: str, paths: list[str], command: str
) -> None:
    """A message to the holder; to nobody who is no instance (a human at a terminal)."""
    named = ", ".join(paths[:_NAMED])
    draft = Draft(
        f"{instance} changed what you hold: {named}"[:200],
        f"While it ran: {command[:500]}\nFiles: {', '.join(paths)}"[:2000],
        priority="high",
        files=tuple(paths),
    )
    messages.send(tx, project.config, instance, holder, draft, actor=instance)
