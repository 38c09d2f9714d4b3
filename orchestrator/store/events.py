"""The chain of events: how one event's hash is made of the one before it.

Pure, and shared by every store. The recipe is written down in
``docs/reference/events.md`` so that anybody can check a record without this
program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from orchestrator.store.errors import Tampered
from orchestrator.store.port import NewEvent, Row, Value

__all__ = ["FIELDS", "START", "Head", "hash_of", "link", "sha256", "verify"]

#: The fields that are hashed, in the record's order.
FIELDS = (
    "seq", "at", "kind", "actor", "instance", "handoff", "reason", "before", "after", "data",
)  # fmt: skip


class Head(NamedTuple):
    """The end of the chain: the last event's number, time and hash."""

    seq: int
    at: int
    hash: str

    def text(self) -> str:
        """As kept in the store."""
        return f"{self.seq} {self.at} {self.hash}"

    @classmethod
    def parse(cls, text: str | None) -> Head:
        """Read ``text()`` back; None is the start. Raises ``Tampered``."""
        if text is None:
            return START
        try:
            seq, at, digest = text.split()
            return cls(int(seq), int(at), digest)
        except ValueError as error:
            raise Tampered("the end of the chain of events is unreadable") from error


#: Canonical JSON: keys sorted, no spaces, ASCII.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
_quoted = json.encoder.encode_basestring_ascii
_SORTED = sorted(FIELDS)

#: Before the first event.
START = Head(0, 0, "0" * 64)


def hash_of(row: Row, prev: str) -> str:
    """sha256 (hex) over the hash before and the canonical JSON of the event's fields."""
    fields = [f'"{name}":{_value(row[name])}' for name in _SORTED]
    return sha256()(f"{prev}\n{{{','.join(fields)}}}".encode())


@cache
def sha256() -> Callable[[bytes], str]:
    """For hex digests. Imported when first asked for: most commands only read."""
    from hashlib import sha256

    return lambda data: sha256(data).hexdigest()


def _value(value: Value) -> str | int:
    """As ``_canonical`` writes it, in a third of the time."""
    return "null" if value is None else _quoted(value) if isinstance(value, str) else value


def link(head: Head, event: NewEvent, at: int) -> Row:
    """The row that appends ``event`` to the chain that ends at ``head``."""
    row: Row = {
        "seq": head.seq + 1,
        "at": at,
        "kind": event.kind,
        "actor": _text(event.actor),
        "instance": event.instance,
        "handoff": event.handoff,
        "reason": None if event.reason is None else _text(event.reason),
        "before": event.before,
        "after": event.after,
        "data": _canonical(dict(event.data)),
        "prev": head.hash,
    }
    row["hash"] = hash_of(row, head.hash)
    return row


def _text(value: str) -> str:
    """File names that are not UTF-8 arrive as surrogates, which no database stores."""
    return value if value.isascii() else value.encode(errors="backslashreplace").decode()


def verify(rows: Iterable[Row], head: Head) -> int:
    """Check a whole record against its head; how many events. Raises ``Tampered``."""
    prev, count = START.hash, 0
    for row in rows:
        if row["seq"] != count + 1:
            raise Tampered(f"event {count + 1} is missing: the next one there is {row['seq']}")
        if row["prev"] != prev or row["hash"] != hash_of(row, prev):
            raise Tampered(f"event {row['seq']} is not as it was recorded")
        prev, count = row["hash"], count + 1
    if count < head.seq:
        raise Tampered(f"event {count + 1} is missing: {head.seq} were recorded, {count} are there")
    if (count, prev) != (head.seq, head.hash):
        raise Tampered(f"event {min(count, head.seq + 1)} was not recorded by this store")
    return count
