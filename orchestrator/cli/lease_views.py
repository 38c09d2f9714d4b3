"""Leases as ``orchestrate lease`` shows them, from the store or from a status document."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.cli.status import StatusUnreadable, read_document
from orchestrator.coordination import leases
from orchestrator.coordination.callers import caller
from orchestrator.coordination.leases import Standing
from orchestrator.coordination.paths import Target, file_target, normalise
from orchestrator.engine.leasing import content
from orchestrator.errors import OrchestrateError
from orchestrator.git import NotARepository, Repository, find
from orchestrator.status.document import lease_entry
from orchestrator.status.times import ago, parse
from orchestrator.store.port import Row, Transaction
from orchestrator.testing import MemoryStore

__all__ = [
    "document_leases",
    "lease_json",
    "lease_line",
    "overlapping",
    "standing_json",
    "standing_line",
]

lease_json = lease_entry


def lease_line(entry: dict[str, Any], now: int | None = None) -> str:
    """One lease in one line."""
    lines = f":{entry['lines'][0]}-{entry['lines'][1]}" if entry["lines"] else ""
    folder = "/" if entry["kind"] == "folder" and entry["path"] != "." else ""
    parts = [f"{entry['path']}{folder}{lines}", entry["instance"], entry["mode"], entry["id"]]
    parts.append(_until(entry, now))
    return "  ".join([*parts, *([entry["intent"]] if entry["intent"] else [])])


def _until(entry: dict[str, Any], now: int | None) -> str:
    if entry["expiresAt"] is None:
        return f"until {entry['handoff']} lands"
    left = parse(entry["expiresAt"]) - (_now() if now is None else now)
    return f"{ago(left)} left" if left > 0 else "ran out"


def standing_json(standing: Standing) -> dict[str, Any]:
    """How a target stands, for programs."""
    return {
        "path": str(standing.target),
        "state": standing.state,
        "leases": [lease_entry(row) for row in standing.leases],
    }


_WORDS = {"held": "is held", "expired": "ran out", "changed": "changed since you took it"}


def standing_line(standing: Standing, words: dict[str, str]) -> str:
    """How a target stands, in one line."""
    said = {**_WORDS, **words}[standing.state]
    who = "; ".join(lease_line(lease_entry(row)) for row in standing.leases)
    return f"{standing.target} {said}" + (f": {who}" if standing.state == "held" else "")


def document_leases(source: str) -> list[dict[str, Any]]:
    """The leases of a status document. Raises ``StatusUnreadable``."""
    found = read_document(source).get("leases", [])
    wanted = {"id", "instance", "path", "kind", "mode", "lines", "expiresAt", "acquiredAt"}
    if not isinstance(found, list) or not all(wanted <= set(entry) for entry in found):
        raise StatusUnreadable(f"{source} has leases of another version")
    return found


def overlapping(source: str, paths: Iterable[str], instance: str | None) -> list[Standing]:
    """How paths stand by a status document alone; works without a repository."""
    rows = [_row(entry) for entry in document_leases(source)]
    name = instance or os.environ.get("ORCHESTRATE_INSTANCE") or _mine(source)
    store = MemoryStore()

    def fill(tx: Transaction) -> list[Standing]:
        for row in rows:
            tx.insert("leases", row)
        found = [_target(path) for path in paths]
        return [
            leases.check(tx, want, instance=name, digest=content(want, missing=True))
            for want in found
        ]

    return store.write(fill)


def _row(entry: dict[str, Any]) -> Row:
    """A lease of the document as a row again."""
    kind, path = entry["kind"], entry["path"]
    first, last = entry["lines"] or (None, None)
    until = entry["expiresAt"]
    same = ("id", "instance", "session", "kind", "path", "mode", "fence", "hash", "intent")
    return {
        **{name: entry[name] for name in same},
        "prefix": _prefix(kind, path),
        "lines_from": first,
        "lines_to": last,
        "handoff": entry["handoff"],
        "status": "held",
        "acquired_at": parse(entry["acquiredAt"]),
        "expires_at": None if until is None else parse(until),
    }


def _prefix(kind: str, path: str) -> str:
    if kind != "glob":
        return "" if path == "." else path
    return path[: min(map(path.find, _signs(path)))].rpartition("/")[0]


def _signs(path: str) -> list[str]:
    return [sign for sign in "*?[" if sign in path] or [path[-1:]]


def _target(text: str) -> Target:
    """The target in the repository around, or, without one, what the text says by itself."""
    place = _repository()
    if place is not None:
        return normalise(place, Path.cwd(), text)
    path = posixpath.normpath(text)
    if any(sign in path for sign in "*?["):
        return Target("glob", path, _prefix("glob", path))
    if text.endswith("/") or path == ".":
        return Target("folder", path, _prefix("folder", path))
    return file_target(path)


def _repository() -> Repository | None:
    try:
        return find()
    except (NotARepository, OrchestrateError):
        return None


def _mine(source: str) -> str:
    """Who asks: the instance of this client's session in the document, else a human."""
    names = os.environ
    session = names.get("CLAUDE_CODE_SESSION_ID") or names.get("ORCHESTRATE_SESSION")
    known = read_document(source).get("instances", {})
    found = (name for name, entry in known.items() if session and entry["session"] == session)
    return next(found, MemoryStore().read(caller).actor)


def _now() -> int:
    return time.time_ns() // 1_000_000
