"""What instances talk about, as the Python API gives it: tasks, messages, decisions.

Frozen values; times as in ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from orchestrator.api.records import listed, made
from orchestrator.coordination.decisions import Option

__all__ = [
    "Completed",
    "Decision",
    "Message",
    "Opinion",
    "Receipt",
    "Sent",
    "Task",
]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A task. ``status``: open (it waits for others), ready, proposed, assigned, …, done."""

    id: str
    title: str
    description: str
    status: str
    priority: str
    assigned_to: str | None
    proposed_to: str | None
    suggested: str | None
    created_by: str
    created_at: int
    updated_at: int
    due_at: int | None
    started_at: int | None
    closed_at: int | None
    dependencies: tuple[str, ...]
    deliverables: tuple[str, ...]
    required_expertise: tuple[str, ...]
    files: tuple[str, ...]
    blocked_reason: str | None
    handoff: str | None

    @classmethod
    def of(cls, row: Row) -> Task:
        """From a row of ``tasks``."""
        names = ("dependencies", "deliverables", "required_expertise", "files")
        return made(cls, row, **{name: listed(row[name]) for name in names})


@dataclass(frozen=True, slots=True)
class Completed:
    """``handoff`` is its id when the task is done only once that has landed."""

    task: Task
    handoff: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message got to with one addressee; ``undeliverable`` says why it did not."""

    instance: str
    delivered_at: int | None
    read_at: int | None
    answered_at: int | None
    undeliverable: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message. ``thread`` is the id of its thread's first message, ``recipient`` as written.

    In an inbox ``delivered_at``, ``read_at`` and ``answered_at`` are the reader's
    own, from before the call; ``receipts`` and ``overdue`` (whose answer is late)
    are there where threads are listed or shown.
    """

    id: str
    thread: str
    reply_to: str | None
    sender: str
    recipient: str
    kind: str
    subject: str
    body: str
    priority: str
    task: str | None
    files: tuple[str, ...]
    requires_response: bool
    due_at: int | None
    status: str
    created_at: int
    closed_at: int | None
    delivered_at: int | None = None
    read_at: int | None = None
    answered_at: int | None = None
    receipts: tuple[Receipt, ...] = ()
    overdue: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Row) -> Message:
        """From a row of ``messages``, with what a list added to it."""
        receipts = tuple(made(Receipt, one) for one in row.get("receipts", ()))
        return made(
            cls,
            row,
            files=listed(row["files"]),
            requires_response=bool(row["requires_response"]),
            receipts=receipts,
            overdue=tuple(row.get("overdue", ())),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """The kept message, whom it reaches, and why it does not reach others (name → why)."""

    message: Message
    reached: tuple[str, ...]
    undeliverable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an instance said about a decision; ``kind`` is input or objection."""

    instance: str
    kind: str
    body: str
    at: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision. ``id`` is ``DEC-YYYYMMDD-NNNN``; ``fallback`` holds after ``deadline_at``."""

    id: str
    title: str
    description: str
    category: str
    scope: str
    status: str
    decision: str | None
    rationale: str | None
    proposed_by: str | None
    created_at: int
    decided_at: int | None
    deadline_at: int | None
    fallback: str | None
    superseded_by: str | None
    archived: bool
    decided_by: tuple[str, ...] = ()
    inputs_needed: tuple[str, ...] = ()
    affects: tuple[str, ...] = ()
    related_tasks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    opinions: tuple[Opinion, ...] = ()

    @classmethod
    def of(cls, view: Row) -> Decision:
        """From ``coordination.decisions.to_json``."""
        lists = {name: tuple(value) for name, value in view.items() if isinstance(value, list)}
        options = tuple(
            Option(one["option"], tuple(one.get("pros", ())), tuple(one.get("cons", ())))
            for one in view["options"]
        )
        said = tuple(made(Opinion, one) for one in view["opinions"])
        known = {one.name for one in fields(cls)}
        kept = {name: value for name, value in lists.items() if name in known}
        return made(cls, view, **{**kept, "options": options, "opinions": said})
