"""What an instance offers the others: expertise, specialisations, whether it may be asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.model import Instance
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Offer", "offer", "profile"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a check-in says of itself; empty and None leave what is there."""

    specializations: Sequence[str] = ()
    expertise: Sequence[str] = ()
    consultation: bool | None = None


def offer(tx: Transaction, instance: str, said: Offer) -> None:
    """Keep what an instance offers. Who never said otherwise may be consulted."""
    old = tx.get("profiles", instance=instance)
    changes: Row = {}
    if said.specializations:
        changes["specializations"] = json.dumps(list(said.specializations))
    if said.expertise:
        changes["expertise"] = json.dumps(list(said.expertise))
    if said.consultation is not None or old is None:
        changes["consultation"] = int(said.consultation is not False)
    if old is None:
        tx.insert("profiles", {"instance": instance, **changes})
    elif changes:
        tx.update("profiles", {"instance": instance}, changes)


def profile(reader: Reader, instance: str, known: Instance | None) -> dict[str, Any]:
    """``specializations`` and ``expertise``, configured ones first.

    With them ``available_for_consultation``: None for one that never checked in.
    """
    row = reader.get("profiles", instance=instance) or {}
    return {
        "specializations": _joined(known.specializations if known else (), row, "specializations"),
        "expertise": _joined(known.expertise if known else (), row, "expertise"),
        "available_for_consultation": bool(row["consultation"]) if row else None,
    }


def _joined(configured: Sequence[str], row: Row, column: str) -> list[str]:
    return list(dict.fromkeys([*configured, *json.loads(row.get(column) or "[]")]))
