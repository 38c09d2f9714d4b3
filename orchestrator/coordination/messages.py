"""Messages between instances: kept before they are acknowledged, and never lost.

A thread is named by its first message. Each addressee has a receipt: delivered
when the message was put before them, read, answered, or why it never will be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.model import Config
from orchestrator.coordination.addressing import Addressed, reachable, resolve
from orchestrator.coordination.lookup import named
from orchestrator.coordination.texts import body as checked_body
from orchestrator.coordination.texts import line, one_of
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "ANSWER_MS",
    "KINDS",
    "PRIORITIES",
    "Draft",
    "NotInThread",
    "Sent",
    "ThreadEnded",
    "acknowledge",
    "close",
    "inbox",
    "mark_read",
    "notify",
    "overdue",
    "reply",
    "send",
    "sent",
    "thread_of",
    "threads",
    "with_receipts",
]

#: What a message may be; ``reply`` is made by answering.
KINDS = (
    "info",
    "question",
    "consultation_request",
    "review_request",
    "blocker",
    "handoff",
)
#: Kinds that want an answer unless their sender says otherwise.
ASKING = ("question", "consultation_request", "review_request", "blocker")
PRIORITIES = ("low", "medium", "high", "critical")
#: An answer is late after this long where no due time is given: 4 hours.
ANSWER_MS = 4 * 3600 * 1000


class NotInThread(OrchestrateError):
    """This thread is not yours to do that in.

    Those it was sent to and its asker reply; only the asker acknowledges an
    answer or closes the thread.
    """

    code = "E378"
    exit_status = EXIT["failed"]


class ThreadEnded(OrchestrateError):
    """The thread is not open for that any more, or not yet.

    A closed thread takes no reply, and an answer is acknowledged once there is
    one. Start a new thread with ``orchestrate message send``.
    """

    code = "E379"
    exit_status = EXIT["stale"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is said. ``due_at`` is ms since the epoch; ``requires_response`` None: by kind."""

    subject: str
    body: str = ""
    kind: str = "info"
    priority: str = "medium"
    task: str | None = None
    files: tuple[str, ...] = ()
    requires_response: bool | None = None
    due_at: int | None = None

    @property
    def asks(self) -> bool:
        """Whether an answer is wanted; a due time says so too."""
        if self.requires_response is None:
            return self.kind in ASKING or self.due_at is not None
        return self.requires_response


@dataclass(frozen=True, slots=True)
class Sent:
    """The kept message and whom it reaches."""

    message: Row
    to: Addressed


def send(
    tx: Transaction, config: Config, sender: str, recipient: str, draft: Draft, *, actor: str
) -> Sent:
    """Keep a new thread's first message with a receipt for every addressee.

    ``sender`` is an instance or ``human:NAME``, ``actor`` who is recorded.
    What reaches nobody is kept too, as ``undeliverable``. Raises ``BadText``.
    """
    to = resolve(tx, config, recipient, sender=sender)
    name = f"M-{tx.number('message')}"
    row = _row(tx, name, sender, recipient, draft, thread=name)
    row["status"] = "open" if to.reached else "undeliverable"
    _keep(tx, row, to, "send", actor)
    return Sent(row, to)


def notify(tx: Transaction, sender: str, to: str, draft: Draft, *, actor: str) -> Row | None:
    """Tell one instance or human something; None where nobody is there any more to be told."""
    addressed = reachable(tx, [to])
    if not addressed.reached:
        return None
    name = f"M-{tx.number('message')}"
    row = _row(tx, name, sender, to, draft, thread=name)
    _keep(tx, row, addressed, "send", actor)
    return row


def _row(
    tx: Transaction, name: str, sender: str, recipient: str, draft: Draft, *, thread: str
) -> Row:
    return {
        "id": name,
        "thread": thread,
        "sender": sender,
        "recipient": recipient,
        "kind": one_of(draft.kind, (*KINDS, "reply"), "type"),
        "subject": line(draft.subject, "subject"),
        "body": checked_body(draft.body),
        "priority": one_of(draft.priority, PRIORITIES, "priority"),
        "task": draft.task,
        "files": json.dumps(list(draft.files)),
        "requires_response": int(draft.asks),
        "due_at": draft.due_at,
        "status": "open",
        "created_at": tx.now,
    }


def _keep(tx: Transaction, row: Row, to: Addressed, verb: str, actor: str) -> None:
    tx.insert("messages", row)
    for name in to.reached:
        tx.insert("receipts", {"message": row["id"], "instance": name})
    for name, why in to.unreachable:
        tx.insert("receipts", {"message": row["id"], "instance": name, "undeliverable": why})
    told = {"recipient": row["recipient"], "type": row["kind"], "reached": list(to.reached)}
    _tell(tx, row, verb, actor, undeliverable=dict(to.unreachable), **told)


def _tell(tx: Transaction, row: Row, verb: str, actor: str, **data: Any) -> None:
    sender = row["sender"]
    instance = None if sender.startswith("human:") else sender
    tx.record(NewEvent(f"message.{verb}", actor, instance, data={"message": row["id"], **data}))


def reply(tx: Transaction, sender: str, name: str, body: str, *, actor: str) -> Sent:
    """Answer message ``name``: to whoever wrote it, or, by the asker, to all it had reached.

    Raises ``NoSuchName``, ``NotInThread``, ``ThreadEnded``, ``BadText``.
    """
    message = _message(tx, name)
    first = _message(tx, message["thread"])
    if first["status"] in ("closed", "undeliverable"):
        raise ThreadEnded(f"thread {first['id']} is {first['status']}")
    if sender not in _members(tx, first):
        raise NotInThread(f"{sender} is not in thread {first['id']}")
    to = _others(tx, first) if message["sender"] == sender else (message["sender"],)
    if first["sender"] != sender:
        _answered(tx, first, sender)
    draft = Draft(_subject(first["subject"]), body, "reply", first["priority"], first["task"])
    new = _row(tx, f"M-{tx.number('message')}", sender, ", ".join(to), draft, thread=first["id"])
    new["reply_to"] = message["id"]
    addressed = reachable(tx, to)
    _keep(tx, new, addressed, "reply", actor)
    return Sent(new, addressed)


def _subject(first: str) -> str:
    return first if first.startswith("Re: ") else f"Re: {first}"[:200]


def _members(reader: Reader, first: Row) -> set[str]:
    return {first["sender"], *_reached(reader, first)}


def _reached(reader: Reader, first: Row) -> list[str]:
    rows = reader.find("receipts", {"message": first["id"], "undeliverable": None})
    return [row["instance"] for row in rows]


def _others(reader: Reader, first: Row) -> tuple[str, ...]:
    """Whom a follow-up goes to: by the asker all addressees, by one of them the asker."""
    return tuple(name for name in _reached(reader, first) if name != first["sender"]) or (
        first["sender"],
    )


def _answered(tx: Transaction, first: Row, by: str) -> None:
    """Note the answer; the thread is answered when everyone it reached has answered."""
    for message in tx.find("messages", {"thread": first["id"]}, columns=("id",)):
        key = {"message": message["id"], "instance": by}
        tx.update("receipts", key, {"answered_at": tx.now}, expect={"answered_at": None})
        tx.update("receipts", key, {"read_at": tx.now}, expect={"read_at": None})
        tx.update("receipts", key, {"delivered_at": tx.now}, expect={"delivered_at": None})
    waiting = {"message": first["id"], "answered_at": None, "undeliverable": None}
    if first["status"] == "open" and not tx.count("receipts", waiting):
        tx.update("messages", {"id": first["id"]}, {"status": "answered"})


def acknowledge(tx: Transaction, asker: str, name: str, *, actor: str) -> Row:
    """The asker takes note of the answers. Raises ``NotInThread``, ``ThreadEnded``."""
    first = _asked_by(tx, asker, name)
    answers = [r for r in tx.find("receipts", {"message": first["id"]}) if r["answered_at"]]
    if first["status"] not in ("open", "answered") or not answers:
        state = first["status"] if answers else "not answered"
        raise ThreadEnded(
            f"thread {first['id']} is {state}", hint="close ends it without an answer"
        )
    return _end(tx, first, "acknowledged", "acknowledge", actor)


def close(tx: Transaction, asker: str, name: str, *, actor: str) -> Row:
    """The asker ends the thread, answered or not; nobody is asked any more."""
    first = _asked_by(tx, asker, name)
    if first["status"] == "closed":
        return first
    return _end(tx, first, "closed", "close", actor)


def _asked_by(reader: Reader, asker: str, name: str) -> Row:
    first = _message(reader, _message(reader, name)["thread"])
    if first["sender"] != asker:
        raise NotInThread(f"thread {first['id']} was opened by {first['sender']}, not {asker}")
    return first


def _end(tx: Transaction, first: Row, status: str, verb: str, actor: str) -> Row:
    new = {"status": status, "closed_at": tx.now}
    tx.update("messages", {"id": first["id"]}, new)
    _tell(tx, first, verb, actor, before=first["status"])
    return {**first, **new}


def inbox(reader: Reader, instance: str, *, everything: bool = False) -> list[Row]:
    """What is addressed to ``instance``, oldest first, each with its receipt's times.

    ``wants_answer`` says that one of this instance is wanted. Without
    ``everything``: what is unread or still wants an answer.
    """
    rows = _received(reader, {"instance": instance, "undeliverable": None})
    found = [{**row, "wants_answer": _wanted(reader, row)} for row in rows]
    return found if everything else [r for r in found if r["read_at"] is None or r["wants_answer"]]


def _wanted(reader: Reader, row: Row) -> bool:
    if not row["requires_response"] or row["answered_at"]:
        return False
    return _message(reader, row["thread"])["status"] in ("open", "answered")


def _received(reader: Reader, where: Any) -> list[Row]:
    receipts = {row["message"]: row for row in reader.find("receipts", where)}
    if not receipts:
        return []
    times = ("delivered_at", "read_at", "answered_at")
    rows = reader.find("messages", {"id": list(receipts)})
    joined = [{**row, **{t: receipts[row["id"]][t] for t in times}} for row in rows]
    return sorted(joined, key=_order)


def mark_read(tx: Transaction, instance: str, names: Sequence[str], *, actor: str) -> int:
    """Note that ``instance`` has read these messages; how many it had not before."""
    new = []
    for name in names:
        key = {"message": name, "instance": instance}
        tx.update("receipts", key, {"delivered_at": tx.now}, expect={"delivered_at": None})
        if tx.update("receipts", key, {"read_at": tx.now}, expect={"read_at": None}):
            new.append(name)
    if new:
        who = None if instance.startswith("human:") else instance
        tx.record(NewEvent("message.read", actor, who, data={"messages": new}))
    return len(new)


def sent(reader: Reader, sender: str) -> list[Row]:
    """What ``sender`` wrote, newest first, with ``receipts`` and ``overdue`` (names)."""
    rows = sorted(reader.find("messages", {"sender": sender}), key=_order, reverse=True)
    return [with_receipts(reader, row) for row in rows]


def threads(reader: Reader, name: str | None = None) -> list[Row]:
    """The first messages of the threads ``name`` is in, or of all, newest first."""
    if name is None:
        rows = [row for row in reader.find("messages") if row["thread"] == row["id"]]
    else:
        received = _received(reader, {"instance": name})
        names = {row["thread"] for row in [*received, *reader.find("messages", {"sender": name})]}
        rows = reader.find("messages", {"id": list(names)}) if names else []
    return sorted(rows, key=_order, reverse=True)


def with_receipts(reader: Reader, row: Row) -> Row:
    """A message with its ``receipts`` and, in ``overdue``, whose answer is late."""
    receipts = reader.find("receipts", {"message": row["id"]})
    late = [r["instance"] for r in receipts if overdue(row, r, reader.now)]
    return {**row, "receipts": receipts, "overdue": late}


def overdue(message: Row, receipt: Row, now: int) -> bool:
    """Whether this addressee's answer is late: past its due time, or past 4 hours."""
    if not message["requires_response"] or message["status"] not in ("open", "answered"):
        return False
    if receipt["answered_at"] or receipt["undeliverable"]:
        return False
    due = message["due_at"]
    return bool(now > (message["created_at"] + ANSWER_MS if due is None else due))


def thread_of(reader: Reader, name: str) -> list[Row]:
    """The whole thread message ``name`` is in, in order, with receipts."""
    rows = reader.find("messages", {"thread": _message(reader, name)["thread"]})
    return [with_receipts(reader, row) for row in sorted(rows, key=_order)]


def _order(row: Row) -> tuple[int, int, str]:
    """By time, then by number: ``M-10`` comes after ``M-9``."""
    return (row["created_at"], len(row["id"]), row["id"])


def _message(reader: Reader, name: str) -> Row:
    return named(reader, "messages", name)
