"""The files of the lock and registry scripts: who is here, what is held, what was decided.

Pure: made of a view of the store and the status document of the same moment.
Every value is valid against its schema in ``view_schemas``.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import Any

from orchestrator.coordination.liveness import TTL_MS, host
from orchestrator.status.times import parse
from orchestrator.status.view_names import (
    decision_id,
    instance_id,
    listed,
    lock_id,
    role,
    seconds,
    shortened,
)
from orchestrator.store.port import Reader, Row

__all__ = [
    "CATEGORIES",
    "SCOPES",
    "decision_entry",
    "decision_log",
    "heartbeats",
    "locks",
    "present",
    "work_registry",
]

Json = dict[str, Any]

#: Categories and scopes a decision log may name; the first stands for every other one.
CATEGORIES = (
    "architecture", "api-design", "database-schema", "security", "performance", "testing",
    "workflow", "ui-pattern", "integration",
)  # fmt: skip
SCOPES = ("module", "local", "service", "system", "global")
_STATUSES = ("proposed", "accepted", "implemented", "deprecated", "superseded")

_HASH = re.compile(r"[a-f0-9]{40}")
_NEVER = "9999-12-31T23:59:59Z"


def present(document: Mapping[str, Any]) -> dict[str, Json]:
    """The instances of a status document that are here: a session, or a held lease."""
    holders = {lease["instance"] for lease in document["leases"]}
    known: Mapping[str, Json] = document["instances"]
    here = {name: row for name, row in known.items() if row.get("session") or name in holders}
    since = {lease["instance"]: lease["acquiredAt"] for lease in reversed(document["leases"])}
    visitors = {name: {"since": since[name]} for name in sorted(holders - set(known))}
    return {**here, **visitors}


def work_registry(
    document: Mapping[str, Any], heartbeat_folder: str, updated: str | None = None
) -> Json:
    """``work-registry.json``; ``heartbeat_folder`` is where the heartbeat files are.

    ``updated`` is when something last changed; default: when the document was made.
    """
    files: dict[str, list[str]] = {}
    for lease in document["leases"]:
        files.setdefault(lease["instance"], []).append(lease["path"])
    rows = [
        _registered(document, name, row, files.get(name, []), heartbeat_folder)
        for name, row in present(document).items()
    ]
    return {
        "schema_version": "1.0.0",
        "registry_updated_at": updated or _short(document["generatedAt"]),
        "instances": rows,
    }


def _registered(
    document: Mapping[str, Any], name: str, row: Json, files: list[str], folder: str
) -> Json:
    since = row.get("since") or row.get("heartbeatAt") or document["generatedAt"]
    entry: Json = {
        "instance_id": instance_id(name),
        "worktree_path": row.get("worktree") or "",
        "pid": row.get("pid"),
        "current_task": {
            "description": shortened(row.get("taskTitle") or "", 200),
            "agent_role": role(row.get("role")),
            "started_at": _short(since),
        },
        "files_locked": files[:100],
        "heartbeat": {
            "last_ping": _short(row.get("heartbeatAt") or since),
            "heartbeat_file": f"{folder}/{instance_id(name)}.json",
        },
        "status": _liveness(document, row),
        # The only free text of this form: it holds the name the instance has here.
        "metadata": {"os": platform.system(), "branch": row.get("branch") or "", "user": name},
    }
    return {key: value for key, value in entry.items() if value is not None}


def _liveness(document: Mapping[str, Any], row: Json) -> str:
    """active, idle (no task), stale (silent for too long), crashed (its process is gone)."""
    if row.get("client") == "dead":
        # Where its process cannot be looked at, only its silence is known.
        return "crashed" if row.get("pid") and row.get("host") == host() else "stale"
    beat = row.get("heartbeatAt")
    silent = beat is not None and parse(document["generatedAt"]) - parse(beat) > TTL_MS
    if silent and row.get("client") != "live":
        return "stale"
    return "idle" if row.get("state") == "STANDBY" and not row.get("task") else "active"


def heartbeats(document: Mapping[str, Any]) -> dict[str, Json]:
    """File name → one heartbeat. ``pid`` is 0 where it is unknown; pings are not counted."""
    return {
        f"{instance_id(name)}.json": {
            "instance_id": instance_id(name),
            "pid": row.get("pid") or 0,
            "last_ping": _short(
                row.get("heartbeatAt") or row.get("since") or document["generatedAt"]
            ),
            "ping_count": 0,
            "status": "active",
        }
        for name, row in present(document).items()
    }


def locks(reader: Reader) -> dict[str, Json]:
    """File name → one held lease. Further leases of one path have ``~ID`` in their names."""
    found: dict[str, Json] = {}
    for row in reader.find("leases", {"status": "held"}, order="fence"):
        name = lock_id(row["path"])
        unique = name if f"{name}.json" not in found else f"{name}~{row['id']}"
        found[f"{unique}.json"] = _lock(row)
    return found


def _lock(row: Row) -> Json:
    entry: Json = {
        "schema_version": "1.0.0",
        "file_path": row["path"],
        "lock_type": "read-many" if row["mode"] == "shared" else "write",
        "locked_by": _who(row["instance"]),
        "locked_at": seconds(row["acquired_at"]),
        # A lease that passed to a handoff ends with it and not at a time.
        "expires_at": seconds(row["expires_at"]) or _NEVER,
    }
    if row["hash"] and _HASH.fullmatch(row["hash"]):
        entry["file_hash"] = row["hash"]
    if row["intent"]:
        entry["intent"] = shortened(row["intent"], 100)
    return entry


def decision_log(reader: Reader) -> Json:
    """``decision-log.json``: every decision that is not archived, oldest first."""
    rows = reader.find("decisions", {"archived": (None, 0)}, order="created_at")
    first = reader.find("events", order="seq", limit=1, columns=("at",))
    return {
        "schema_version": "1.0.0",
        "log_created_at": seconds(first[0]["at"] if first else 0),
        "decisions": [decision_entry(row) for row in rows],
    }


def decision_entry(row: Row) -> Json:
    """One decision as the log has it: texts shortened, unknown words replaced by the first."""
    by = [str(name) for name in listed(row["decided_by"])] or [row["proposed_by"] or "unknown"]
    files, needs = _texts(row["files"]), _texts(row["dependencies"])
    impact: Json = {"scope": row["scope"] if row["scope"] in SCOPES else SCOPES[0]}
    entry: Json = {
        "decision_id": decision_id(row["id"]),
        "timestamp": seconds(row["decided_at"] or row["created_at"] or 0),
        "made_by": _who(by[0]),
        "category": row["category"] if row["category"] in CATEGORIES else CATEGORIES[0],
        "title": shortened(row["title"], 100),
        "description": shortened(row["description"] or row["decision"], 500),
        "impact": impact,
        "status": row["status"] if row["status"] in _STATUSES else "proposed",
    }
    if row["rationale"]:
        entry["context"] = {"rationale": row["rationale"]}
    impact.update({"files_affected": files} if files else {})
    impact.update({"dependencies": needs} if needs else {})
    if row["superseded_by"]:
        entry["superseded_by"] = decision_id(row["superseded_by"])
    return entry


def _who(name: str) -> Json:
    """An instance; one whose id had to be mapped keeps its name in ``agent_role``."""
    identity = instance_id(name)
    return {"instance_id": identity, **({} if identity == name else {"agent_role": name})}


def _texts(column: str | None) -> list[str]:
    return [str(value) for value in listed(column)]


def _short(time: str) -> str:
    """A time of the document, without its fraction."""
    return time[:19] + "Z"
