"""The tables and their keys, as data; ``schema.sql`` holds their SQL.

Both stores and the schema test are made from this. A JSON column is text that
holds JSON. Times are integers, ms since the epoch.
"""

from typing import NamedTuple

__all__ = ["EVENTS", "INTEGERS", "TABLES", "Table"]


class Table(NamedTuple):
    """A table: its key columns, the others, and columns that are unique together."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()


def _table(key: str, columns: str, *unique: str) -> Table:
    return Table(
        tuple(key.split()), tuple(columns.split()), tuple(tuple(u.split()) for u in unique)
    )


TABLES: dict[str, Table] = {
    # name → value: schema version, project, project settings compiled from the YAML
    "meta": _table("name", "value"),
    # a named instance and where it stands; ``handoff`` is its one open handoff
    "instances": _table(
        "id",
        "role state version handoff task session pid pid_started host worktree branch "
        "heartbeat_at registered_at configured attempt",
    ),
    # one piece of work on its way; ``attempt`` grows with every ready after a FAILED
    "handoffs": _table(
        "id",
        "producer target task ref head notes status version attempt created_at updated_at "
        "candidate tree base run verdict approved_by landed rollback closed_at data",
    ),
    # one verification of one candidate; ``status``: running, done, errored, abandoned
    "runs": _table(
        "id",
        "handoff attempt fence status head commit_id tree base config_digest verdict "
        "fingerprint report started_at ended_at",
    ),
    # a question only a human (or another entitled instance) can answer
    "escalations": _table(
        "id",
        "type handoff instance run status question reason dedupe ladder level next_at repeats "
        "opened_at acknowledged_by acknowledged_at answer answered_by answered_at answer_reason "
        "head fingerprint data",
    ),
    # a finding that somebody other than its producer accepted for a while
    "waivers": _table("id", "fingerprint reason approver producer created_at expires_at uses used"),
    # who may coordinate: one row, name "coordinator"
    "coordinators": _table("name", "holder pid pid_started host fence acquired_at expires_at"),
}

#: The record. Read like a table (``find("events", …)``), written only by ``record``.
EVENTS = _table("seq", "at kind actor instance handoff reason before after data prev hash")

#: Columns that hold integers, whatever their table; every other column holds text.
INTEGERS = (
    "version", "pid", "configured", "attempt", "fence", "level", "repeats", "uses", "used",
    "seq", "at", "before", "after",
    "heartbeat_at", "registered_at", "created_at", "updated_at", "closed_at", "started_at",
    "ended_at", "next_at", "opened_at", "acknowledged_at", "answered_at", "expires_at",
    "acquired_at",
)  # fmt: skip
