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
        "candidate tree base run verdict approved_by waiting landed rollback closed_at data",
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
    # a live client; ``parent`` for a sub-agent; ``seen`` the last event its briefing told,
    # ``prompted_at`` its last prompt, ``stops`` how often it was kept from stopping since,
    # ``told`` the last one it heard of as news
    "sessions": _table(
        "id",
        "instance parent client agent pid pid_started host cwd token started_at heartbeat_at "
        "ended_at seen told moved prompted_at stops",
    ),
    # how an idle session is woken: its client's socket, its newest waiter and that one's process
    "bells": _table("session", "socket waiter pid pid_started"),
    # what an instance offers besides its configuration: JSON lists, 0/1
    "profiles": _table("instance", "expertise specializations consultation note"),
    # a held or ended lease; ``kind`` file, folder or glob; ``prefix`` the longest path without
    # wildcards that everything it covers begins with; ``handoff`` once it has passed to one
    "leases": _table(
        "id",
        "instance session kind path prefix lines_from lines_to mode fence hash intent status "
        "acquired_at expires_at ended_at handoff reason",
    ),
    # who waits for what, in a fair queue; ``wants`` is JSON
    "lease_waits": _table("id", "instance session wants mode priority asked_at expires_at"),
    # what a session (or sub-agent) last saw or made of a file: the sha1 of its content, or "-"
    "sightings": _table("session path", "hash at"),
    # an edit under way for which a lease was taken, by the client's id of the call
    "calls": _table("id", "session path lease at"),
    # whose files are whose, compiled from ``file_patterns``; kinds in config.compiled
    "owned": _table("prefix pattern instance", "kind"),
    # a piece of work; ``dependencies``, ``deliverables``, ``required_expertise``, ``files``: JSON
    "tasks": _table(
        "id",
        "title description status priority assigned_to proposed_to suggested created_by "
        "created_at updated_at due_at started_at closed_at dependencies deliverables "
        "required_expertise files blocked_reason handoff version origin data",
    ),
    # ``recipient`` as written: an instance, role:R or all; ``thread`` is the first message's id
    "messages": _table(
        "id",
        "thread reply_to sender recipient kind subject body priority task files "
        "requires_response due_at status created_at closed_at origin data",
    ),
    # one row an addressee: where a message got to
    "receipts": _table("message instance", "delivered_at read_at answered_at undeliverable"),
    # proposed, accepted, implemented, deprecated, superseded, objected; lists are JSON
    "decisions": _table(
        "id",
        "title description category scope status decision rationale decided_by proposed_by "
        "created_at decided_at deadline_at fallback options inputs_needed affects related_tasks "
        "files dependencies superseded_by origin archived version data",
    ),
    # what instances said about a decision; ``kind`` input or objection
    "opinions": _table("decision instance", "kind body at"),
    # how far git's log of a branch was read for commits that no hook checked; bytes, seconds
    "branch_logs": _table("ref", "size at"),
    # how each check of a run ended, and what became of it: ``truth`` confirmed or overruled
    "results": _table("check run", "handoff outcome flaky preexisting cached millis at truth"),
    # a check whose failures decide nothing until ``expires_at``
    "quarantines": _table("check", "created_at expires_at reason approver"),
    # what a run measured of one name of a benchmark (``""``: the command), on which machine
    "measurements": _table("benchmark name run", "machine handoff verdict at data"),
    # what health has told already, so that a ghost is reported once
    "told": _table("name", "at"),
}

#: The record. Read like a table (``find("events", …)``), written only by ``record``.
EVENTS = _table("seq", "at kind actor instance handoff reason before after data prev hash")

#: Columns that hold integers, whatever their table; every other column holds text.
INTEGERS = (
    "version", "pid", "configured", "attempt", "fence", "level", "repeats", "uses", "used",
    "seq", "at", "before", "after",
    "heartbeat_at", "registered_at", "created_at", "updated_at", "closed_at", "started_at",
    "ended_at", "next_at", "opened_at", "acknowledged_at", "answered_at", "expires_at",
    "acquired_at", "lines_from", "lines_to", "seen", "told", "waiter", "consultation", "asked_at",
    "due_at", "requires_response", "delivered_at", "read_at", "decided_at", "deadline_at",
    "archived", "size", "flaky", "preexisting", "cached", "millis",
    "prompted_at", "stops",
)  # fmt: skip
