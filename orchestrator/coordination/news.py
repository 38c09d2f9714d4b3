"""News: what an instance was not told yet, each piece told once, by whoever is first.

Hooks, waiters and sockets all tell news; what keeps them from telling the same
twice is that ``tell`` notes it as told in the transaction that reads it. News
is messages (answers, questions, offered tasks) and verdicts about one's work.
Imports only what costs nothing: hooks use it on every turn.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["KINDS", "LIMIT", "lines", "plain", "tell", "waiting"]

#: Events about an instance that are news to it when somebody else caused them.
KINDS = (
    "escalation.answer",
    "instance.approve",
    "instance.assign",
    "instance.complete",
    "instance.reject",
    "instance.release",
    "instance.rollback",
    "instance.void",
)
#: Pieces told at once; more of them are counted.
LIMIT = 20
#: Characters of a message's text that are told with it.
_BODY = 600

_SENTENCE = {
    "instance.approve": "{handoff} was approved by {actor}",
    "instance.assign": "{actor} gave you a task: {task}",
    "instance.complete": "{handoff} has landed",
    "instance.reject": "{handoff} was rejected by {actor}",
    "instance.release": "{actor} gave your task back",
    "instance.rollback": "{handoff} was undone by {actor}; mend it",
    "instance.void": "the approval of {handoff} is void, it is verified again",
    "escalation.answer": "{escalation} was answered by {actor}: {answer}",
}
_WHAT_NOW = {"instance.reject": "orchestrate explain {handoff}"}


def waiting(reader: Reader, session: str) -> bool:
    """Whether there is anything to tell to ``session``. Costs two look-ups by index."""
    row = _open(reader, session)
    if row is None:
        return False
    return bool(_receipts(reader, row, limit=1) or _events(reader, row))


def tell(tx: Transaction, session: str) -> list[Row]:
    """What is new for ``session``, from now on told to it: the caller has to say it.

    Oldest first, at most ``LIMIT`` pieces, each ``{"what": "message", …}`` or
    ``{"what": "event", …}`` with the columns of that table; when there are more,
    the last is ``{"what": "more", "count": n}``. Nothing for a session that is
    unknown, has ended, or is a sub-agent (its session is told).
    """
    row = _open(tx, session)
    if row is None:
        return []
    events, messages = _events(tx, row), _messages(tx, row)
    if events:
        told = {"told": events[-1]["seq"]}
        tx.update("sessions", {"id": session}, told, expect={"told": row["told"]})
    found = sorted([*messages, *events], key=_when)
    kept, more = found[:LIMIT], len(found) - LIMIT
    return [*kept, {"what": "more", "count": more}] if more > 0 else kept


def _when(item: Row) -> int:
    return int(item.get("at") or item.get("created_at") or 0)


def _open(reader: Reader, session: str) -> Row | None:
    row = reader.get("sessions", id=session)
    return None if row is None or row["ended_at"] is not None or row["parent"] else row


def _receipts(reader: Reader, row: Row, limit: int | None = None) -> list[Row]:
    where = {"instance": row["instance"], "delivered_at": None, "undeliverable": None}
    return reader.find("receipts", where, limit=limit)


def _messages(tx: Transaction, row: Row) -> list[Row]:
    """Messages nobody put before the instance yet, now delivered; closed ones are no news."""
    found = []
    for receipt in _receipts(tx, row):
        key = {"message": receipt["message"], "instance": row["instance"]}
        if tx.update("receipts", key, {"delivered_at": tx.now}, expect={"delivered_at": None}):
            message = tx.get("messages", id=receipt["message"])
            if message is not None and message["status"] != "closed":
                found.append({"what": "message", **message})
    return found


def _events(reader: Reader, row: Row) -> list[Row]:
    """News among the events, the oldest first: after what this instance heard of before."""
    where = {"instance": row["instance"], "kind": KINDS}
    rows = reader.find("events", where, order="seq", after=("seq", _heard(reader, row)))
    return [{"what": "event", **one} for one in rows if one["actor"] != row["instance"]]


def _heard(reader: Reader, row: Row) -> int:
    """The last event told to this session; to an earlier one of its instance, where it is new."""
    own = max(row["seen"] or 0, row["told"] or 0)
    if own:
        return own
    columns = ("seen", "told")
    rows = reader.find("sessions", {"instance": row["instance"]}, columns=columns)
    return max((one[name] or 0 for one in rows for name in columns), default=0)


def lines(items: list[Row]) -> list[str]:
    """News in words, one bounded line each, without anything that steers a terminal."""
    return [_line(item) for item in items]


def _line(item: Row) -> str:
    if item["what"] == "more":
        return f"… and {item['count']} more: orchestrate check-in"
    return _message(item) if item["what"] == "message" else _event(item)


def _message(row: Row) -> str:
    kind = "" if row["kind"] in ("info", "reply") else f" ({row['kind']})"
    head = f"{row['id']} from {row['sender']}{kind}: {row['subject']}"
    if row["body"]:
        head += f" – {plain(' '.join(row['body'].split()), _BODY)}"
    how = f" [answer it: orchestrate message reply {row['id']} --body TEXT]"
    return plain(head, _BODY + 300) + (how if row["requires_response"] else "")


def _event(row: Row) -> str:
    words: dict[str, Any] = {**_data(row), **{k: row[k] for k in ("actor", "handoff")}}
    text = _SENTENCE[row["kind"]].format_map(_Known(words))
    why = f": {row['reason']}" if row["reason"] else ""
    how = _WHAT_NOW.get(row["kind"])
    return plain(text + why, _BODY) + (f" [{how.format_map(_Known(words))}]" if how else "")


class _Known(dict[str, object]):
    """Words for a sentence; one that is missing does not spoil it."""

    def __missing__(self, key: str) -> str:
        return "–"


def _data(row: Row) -> dict[str, Any]:
    from json import loads

    value = loads(row["data"] or "{}")
    return value if isinstance(value, dict) else {}


def plain(text: str, width: int) -> str:
    """One line of at most ``width`` characters, control characters written out."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
