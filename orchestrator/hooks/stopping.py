"""Stop: work that is neither marked ready nor explained keeps an instance from stopping.

Explained is what others can see: a message sent since the last prompt, a blocked
task, an open question to a human. Words in the last answer reach nobody.
"""

from __future__ import annotations

from orchestrator.coordination.sessions import heartbeat
from orchestrator.engine.project import Project
from orchestrator.git import GitError
from orchestrator.hooks import presence
from orchestrator.hooks.request import Answer, Request
from orchestrator.hooks.settling import settle
from orchestrator.hooks.slow import payload
from orchestrator.lifecycle.states import State
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["LIMIT", "stop"]

#: How often one prompt's work is kept from stopping. The client itself gives up after eight.
LIMIT = 3
_NAMED = 5
#: What orchestrate and the client keep in a checkout is no work of the instance.
_NOT_WORK = (".claude/", "status/", ".orchestrate/status/")


def stop(project: Project, request: Request) -> Answer:
    """Block while there is unexplained work, at most ``LIMIT`` times in a row."""
    presence.ensure(project, request)
    settle(project, request, everything=True)
    session, instance, excused = project.store.read(lambda r: _standing(r, request.session))
    count = (session["stops"] or 0) if request.stop_active else 0
    if excused or _waits(request) or count >= LIMIT:
        return _beat(project, request, count)
    left = _left(project, session, instance)
    if not left:
        return _beat(project, request, count)
    _beat(project, request, count + 1)
    return Answer("block", _sentence(instance, left))


def _standing(reader: Reader, session: str) -> tuple[Row, Row, bool]:
    """The session, its instance, and whether nothing needs to be asked of it."""
    row = reader.get("sessions", id=session) or {}
    instance = reader.get("instances", id=row["instance"]) or {}
    working = instance.get("state") in (State.ACTIVE, State.REMEDIATION) and instance.get("task")
    return row, instance, not working or _explained(reader, row, instance)


def _explained(reader: Reader, session: Row, instance: Row) -> bool:
    since = session["prompted_at"] or session["started_at"]
    sent = reader.find("messages", {"sender": instance["id"]}, order="-created_at", limit=1)
    if sent and sent[0]["created_at"] >= since:
        return True
    task = reader.get("tasks", id=instance["task"])
    if task is not None and task["status"] == "blocked":
        return True
    open_ones = reader.find("escalations", {"status": "open", "instance": instance["id"]}, limit=1)
    return bool(open_ones)


def _waits(request: Request) -> bool:
    """The client still has work in the background: it does not really stop."""
    tasks = payload(request).get("background_tasks")
    running = tasks if isinstance(tasks, list) else []
    return any(isinstance(one, dict) and one.get("status") == "running" for one in running)


def _beat(project: Project, request: Request, count: int) -> Answer:
    def body(tx: Transaction) -> None:
        heartbeat(tx, request.session)
        tx.update("sessions", {"id": request.session}, {"stops": count})

    project.store.write(body)
    return Answer()


def _left(project: Project, session: Row, instance: Row) -> list[str]:
    """What is not handed off, in words."""
    git = project.repository.git
    try:
        changed = [
            line[3:]
            for line in git.lines("status", "--porcelain", "-z", "--untracked-files=all")
            if line[2:3] == " " and not line[3:].startswith(_NOT_WORK)
        ]
        ahead = git.out("rev-list", "--count", f"{project.branch}..HEAD")
    except GitError:
        return []  # no commit or no such branch yet: nothing could be marked ready either
    if _shared(project, session):
        leased = project.store.read(
            lambda r: r.find("leases", {"status": "held", "instance": instance["id"]})
        )
        changed = [path for path in changed if path in {row["path"] for row in leased}]
        ahead = "0"
    found = []
    if changed:
        named = ", ".join(changed[:_NAMED]) + (", …" if len(changed) > _NAMED else "")
        found.append(f"{_number(len(changed), 'changed file')} not committed ({named})")
    if ahead != "0":
        found.append(f"{_number(int(ahead), 'commit')} not marked ready")
    return found


def _shared(project: Project, session: Row) -> bool:
    """Whether another live session works in the same checkout: not every change is ours then."""
    here = str(project.repository.worktree)
    rows = project.store.read(lambda r: r.find("sessions", {"ended_at": None, "cwd": here}))
    return any(row["instance"] != session["instance"] for row in rows)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _sentence(instance: Row, left: list[str]) -> str:
    task = instance["task"]
    blocked = f"orchestrate task block {task} --reason ..." if _is_id(task) else None
    ways = [
        "commit and `orchestrate ready`",
        '`orchestrate message send coordinator --subject "..."`',
        f"`{blocked}`" if blocked else f"`orchestrate release {instance['id']}`",
    ]
    return (
        f"{instance['id']} is {instance['state']} on {task}, with {' and '.join(left)}. "
        f"Before stopping, one of: {'; '.join(ways)}. Others see only these."
    )


def _is_id(task: str) -> bool:
    return task.startswith("T-") and task[2:].isdigit()
