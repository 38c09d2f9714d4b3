"""Permission to change another instance's files (``approval.ownership: ask``), as it stands.

A question is an escalation of kind ``permission``: ``instance`` asks, its data name
the ``owner`` and the ``targets``. The newest one that covers a target counts.
Asking, waiting and answering are the engine's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from orchestrator.config.ownership import matches
from orchestrator.coordination import messages
from orchestrator.coordination.paths import ROOT, Target
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "ALLOWED_MS",
    "KIND",
    "REFUSED_MS",
    "allowed",
    "covers",
    "drop",
    "owner_of",
    "plain",
    "standing",
    "targets_of",
    "tell",
]

KIND = "permission"
#: How long a yes and a no hold, from the answer: 7 days, 1 day.
ALLOWED_MS = 7 * 24 * 3600 * 1000
REFUSED_MS = 24 * 3600 * 1000

_OPEN = ("open", "acknowledged")


def standing(reader: Reader, asker: str, owner: str, want: Target) -> tuple[str, Row] | None:
    """``asked``, ``allowed`` or ``refused`` with the question, or None: to be asked."""
    where = {"type": KIND, "instance": asker, "status": (*_OPEN, "answered")}
    rows = reader.find("escalations", where)
    for row in sorted(rows, key=_newest, reverse=True):
        state = _state(row, reader.now)
        if state and owner_of(row) == owner and any(covers(t, want) for t in targets_of(row)):
            return state, row
    return None


def allowed(reader: Reader, asker: str, owner: str, want: Target) -> bool:
    """Whether the last word on it was a yes that still holds."""
    found = standing(reader, asker, owner, want)
    return found is not None and found[0] == "allowed"


def _newest(row: Row) -> tuple[int, int]:
    return (row["answered_at"] or row["opened_at"], row["opened_at"])


def _state(row: Row, now: int) -> str | None:
    if row["status"] in _OPEN:
        return "asked"
    age = now - row["answered_at"]
    if row["answer"] == "approve":
        return "allowed" if age < ALLOWED_MS else None
    return "refused" if age < REFUSED_MS else None


def owner_of(row: Row) -> str:
    """Whose permission is wanted."""
    return str(json.loads(row["data"])["owner"])


def targets_of(row: Row) -> list[Target]:
    """What a question is about."""
    found: list[dict[str, Any]] = json.loads(row["data"])["targets"]
    return [Target(one["kind"], one["path"], one["prefix"]) for one in found]


def plain(targets: Iterable[Target]) -> list[dict[str, str]]:
    """Targets as ``targets_of`` reads them; whole files, because so is ownership."""
    return [{"kind": t.kind, "path": t.path, "prefix": t.prefix} for t in targets]


def covers(one: Target, want: Target) -> bool:
    """Whether every file of ``want`` is one of ``one``. Where it cannot be told: no."""
    if (one.kind, one.path) == (want.kind, want.path):
        return True
    if one.kind == "folder":
        place = want.prefix if want.kind == "glob" else want.path
        return one.path == ROOT or f"{place}/".startswith(f"{one.path}/")
    return one.kind == "glob" and want.kind == "file" and matches(one.path, want.path)


def drop(tx: Transaction, asker: str) -> None:
    """Close what an instance that is gone for good still asks."""
    for row in tx.find("escalations", {"type": KIND, "instance": asker, "status": _OPEN}):
        tx.update("escalations", {"id": row["id"]}, {"status": "moot", "next_at": None})


def tell(tx: Transaction, row: Row, given: str, reason: str, *, actor: str) -> None:
    """Bring the answer to the asker: in the owner's thread, or as a message of its own."""
    owner, name = owner_of(row), json.loads(row["data"])["message"]
    text = f"{'yes' if given == 'approve' else 'no'}: {reason}"
    thread = tx.get("messages", id=name)
    waits = thread is not None and thread["status"] in ("open", "answered")
    if waits and actor == owner:
        messages.reply(tx, owner, name, text, actor=actor)
        return
    draft = messages.Draft(f"{row['id']}: {row['question']}"[:200], text)
    messages.notify(tx, actor, row["instance"], draft, actor=actor)
    if waits:
        messages.close(tx, row["instance"], name, actor=actor)
