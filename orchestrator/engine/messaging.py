"""Messages as a caller sends and reads them: who they are, one transaction each."""

from __future__ import annotations

from typing import Any

from orchestrator.coordination import messages
from orchestrator.coordination.addressing import Addressed
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.messages import Draft, Sent
from orchestrator.coordination.tasks import task_of
from orchestrator.engine.acting import act
from orchestrator.engine.project import Project
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "acknowledge",
    "close",
    "mine",
    "read_inbox",
    "read_thread",
    "reply",
    "send",
]


def send(
    project: Project, who: Caller, sender: str, to: str, draft: Draft, *, key: str | None = None
) -> Sent:
    """Send a message; with ``key`` a repeated call sends nothing more.

    Raises ``BadText``, and ``NoSuchName`` for an unknown related task.
    """

    def body(tx: Transaction, actor: str) -> dict[str, Any]:
        if draft.task is not None:
            task_of(tx, draft.task)
        done = messages.send(tx, project.config, sender, to, draft, actor=actor)
        return {"message": done.message, **_addressed(done.to)}

    done = act(project, who, sender, body, key)
    reached, unreachable = done["reached"], done["unreachable"]
    return Sent(done["message"], Addressed(tuple(reached), tuple((n, w) for n, w in unreachable)))


def _addressed(to: Addressed) -> dict[str, Any]:
    """As JSON, because the result of a call with a key is kept."""
    return {"reached": list(to.reached), "unreachable": [list(pair) for pair in to.unreachable]}


def reply(project: Project, who: Caller, sender: str, name: str, text: str) -> Sent:
    """Answer message ``name``."""
    return act(
        project, who, sender, lambda tx, actor: messages.reply(tx, sender, name, text, actor=actor)
    )


def acknowledge(project: Project, who: Caller, asker: str, name: str) -> Row:
    """Take note of the answers in one's own thread."""
    return act(
        project, who, asker, lambda tx, actor: messages.acknowledge(tx, asker, name, actor=actor)
    )


def close(project: Project, who: Caller, asker: str, name: str) -> Row:
    """End one's own thread."""
    return act(project, who, asker, lambda tx, actor: messages.close(tx, asker, name, actor=actor))


def read_inbox(project: Project, who: Caller, instance: str, *, everything: bool) -> list[Row]:
    """What is addressed to ``instance``; from now on it counts as delivered and read."""

    def body(tx: Transaction, actor: str) -> list[Row]:
        rows = messages.inbox(tx, instance, everything=everything)
        messages.mark_read(tx, instance, [row["id"] for row in rows], actor=actor)
        return rows

    return act(project, who, instance, body)


def read_thread(project: Project, who: Caller, reader_name: str, name: str) -> list[Row]:
    """A whole thread; what of it is addressed to ``reader_name`` counts as read."""

    def body(tx: Transaction, actor: str) -> list[Row]:
        names = [row["id"] for row in messages.thread_of(tx, name)]
        messages.mark_read(tx, reader_name, names, actor=actor)
        return messages.thread_of(tx, name)

    return act(project, who, reader_name, body)


def mine(project: Project, name: str, *, sent: bool, everything: bool) -> list[Row]:
    """Threads of ``name`` (their first messages), newest first, with receipts.

    ``sent``: every message it wrote. ``everything``: everybody's threads.
    """

    def body(reader: Reader) -> list[Row]:
        if sent:
            return messages.sent(reader, name)
        rows = messages.threads(reader, None if everything else name)
        return [messages.with_receipts(reader, row) for row in rows]

    return project.store.read(body)
