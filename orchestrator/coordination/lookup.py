"""Find a task or message by its id, or by the name it had where it was imported from."""

from __future__ import annotations

import difflib

from orchestrator.errors import OrchestrateError
from orchestrator.store.port import Reader, Row

__all__ = ["NoSuchName", "named"]


class NoSuchName(OrchestrateError):
    """There is no task or message of that name.

    The hint names the nearest. ``orchestrate task list`` and ``orchestrate
    message list --all`` show what there is; imported ones are found by their
    old names too.
    """

    code = "E371"


def named(reader: Reader, table: str, name: str) -> Row:
    """The row of ``tasks`` or ``messages``. Raises ``NoSuchName``."""
    row = reader.get(table, id=name) or reader.get(table, id=name.upper())
    row = row or next(iter(reader.find(table, {"origin": name}, limit=1)), None)
    if row is None:
        known = [r["id"] for r in reader.find(table, columns=("id",))]
        near = ", ".join(difflib.get_close_matches(name.upper(), known)) or "none like it"
        raise NoSuchName(f"there is no {table.removesuffix('s')} {name!r}", hint=f"known: {near}")
    return row
