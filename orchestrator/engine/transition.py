"""One step of an instance's lifecycle in the store: compare-and-set, with its event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.lifecycle.machine import Facts, step
from orchestrator.lifecycle.states import Event, State
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = ["Moved", "NoSuchRow", "change_handoff", "move", "row_of", "tell"]


class Moved(OrchestrateError):
    """Somebody else changed it at the same moment; nothing was changed here.

    Look again (``orchestrate status``) and repeat the call if it still makes
    sense.
    """

    code = "E303"
    exit_status = EXIT["conflict"]


class NoSuchRow(OrchestrateError):
    """There is nothing of that name.

    The hint lists what there is.
    """

    code = "E304"


def row_of(reader: Reader, table: str, name: str) -> Row:
    """The row with id ``name``; raises ``NoSuchRow`` listing the nearest ids."""
    row = reader.get(table, id=name)
    if row is None:
        known = ", ".join(r["id"] for r in reader.find(table, limit=20)) or "none yet"
        noun = table.removesuffix("s")
        raise NoSuchRow(f"there is no {noun} {name!r}", hint=f"known: {known}")
    return row


def move(
    tx: Transaction,
    row: Row,
    event: Event,
    facts: Facts,
    *,
    reason: str | None = None,
    handoff: str | None = None,
    changes: Row | None = None,
    data: Mapping[str, Any] | None = None,
) -> Row:
    """Fire ``event`` on instance ``row``; the row as it is afterwards.

    Raises what ``lifecycle.machine.step`` raises, and ``Moved`` when the row
    no longer is as it was read.
    """
    before = State(row["state"])
    after = step(before, event, facts)
    new = {"state": str(after), "version": row["version"] + 1, **(changes or {})}
    read = {"state": row["state"], "version": row["version"]}
    if not tx.update("instances", {"id": row["id"]}, new, expect=read):
        raise Moved(f"instance {row['id']} moved on while {event} was decided")
    tx.record(
        NewEvent(
            kind=f"instance.{event}",
            actor=facts.actor,
            instance=row["id"],
            handoff=handoff or row["handoff"],
            reason=reason,
            before=row["version"],
            after=new["version"],
            data={"from": str(before), "to": str(after), **(data or {})},
        )
    )
    return {**row, **new}


def change_handoff(tx: Transaction, row: Row, **changes: Any) -> Row:
    """Change a handoff, guarded by its version. Raises ``Moved``."""
    new = {**changes, "version": row["version"] + 1, "updated_at": tx.now}
    if not tx.update("handoffs", {"id": row["id"]}, new, expect={"version": row["version"]}):
        raise Moved(f"handoff {row['id']} moved on")
    return {**row, **new}


def tell(
    tx: Transaction,
    kind: str,
    actor: str,
    handoff: Row | None = None,
    reason: str | None = None,
    **data: Any,
) -> None:
    """Record something that happened to a handoff without moving its instance."""
    producer, name = (handoff["producer"], handoff["id"]) if handoff else (None, None)
    tx.record(NewEvent(kind, actor, producer, name, reason, data=data))
