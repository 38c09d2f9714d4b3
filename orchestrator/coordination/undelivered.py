"""What becomes of messages whose addressee is gone for good: their senders are told.

A receipt that nobody will ever touch again says why, and each sender gets one
message that names all of theirs. An addressee that comes back finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.coordination import messages
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["give_up", "restore"]

#: Statuses of a thread in which somebody still waits.
_WAITING = ("open", "answered")


def give_up(tx: Transaction, name: str, *, actor: str) -> tuple[str, ...]:
    """Note that instance ``name`` will neither get nor answer its messages; their ids."""
    lost = list(_lost(tx, name))
    for message in lost:
        key = {"message": message["id"], "instance": name}
        tx.update("receipts", key, {"undeliverable": _why(name)})
        _close_unreachable(tx, message)
    for sender in dict.fromkeys(message["sender"] for message in lost):
        _tell(tx, sender, name, [row for row in lost if row["sender"] == sender], actor)
    return tuple(message["id"] for message in lost)


def restore(tx: Transaction, name: str) -> int:
    """The addressee is back: its messages can reach it again; how many."""
    rows = tx.find("receipts", {"instance": name, "undeliverable": _why(name)})
    for row in rows:
        key = {"message": row["message"], "instance": name}
        tx.update("receipts", key, {"undeliverable": None})
        was = {"status": "undeliverable"}
        tx.update("messages", {"id": row["message"]}, {"status": "open"}, expect=was)
    return len(rows)


def _why(name: str) -> str:
    return f"{name} has left"


def _lost(reader: Reader, name: str) -> Iterable[Row]:
    """What it never saw, and what it was asked and never answered."""
    where = {"instance": name, "answered_at": None, "undeliverable": None}
    for receipt in reader.find("receipts", where):
        (message,) = reader.find("messages", {"id": receipt["message"]})
        (first,) = reader.find("messages", {"id": message["thread"]}, columns=("status",))
        unseen = receipt["delivered_at"] is None
        if first["status"] in _WAITING and (unseen or message["requires_response"]):
            yield message


def _close_unreachable(tx: Transaction, message: Row) -> None:
    """A thread that reached nobody else is one that reaches nobody."""
    left = tx.count("receipts", {"message": message["id"], "undeliverable": None})
    if message["thread"] == message["id"] and message["status"] == "open" and not left:
        tx.update("messages", {"id": message["id"]}, {"status": "undeliverable"})


def _tell(tx: Transaction, sender: str, name: str, lost: list[Row], actor: str) -> None:
    lines = [f"{row['id']}  {row['subject']}" for row in lost]
    draft = messages.Draft(f"{name} has left without what you wrote", "\n".join(lines))
    messages.notify(tx, actor, sender, draft, actor=actor)
