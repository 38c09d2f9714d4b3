"""Decisions: what was decided or is proposed, why, and whom it affects.

Ids are ``DEC-YYYYMMDD-NNNN``: the UTC day, and a number of that day from 0001.
Each decision has an ``origin``, drawn once and never changed, by which two
copies of a repository know the same decision again: 16 random hex digits (not
the store's name: a copied folder has that too), a colon, and the id it was
born with.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.ownership import matches
from orchestrator.coordination import texts
from orchestrator.coordination.vocabulary import word
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = [
    "LISTS",
    "Draft",
    "NoSuchDecision",
    "Option",
    "UnusableDecision",
    "add",
    "bring",
    "change",
    "concerns_path",
    "day_of",
    "find",
    "known_as",
    "listed",
    "propose",
    "to_json",
]

#: Columns that hold a JSON list.
LISTS = (
    "decided_by", "options", "inputs_needed", "affects", "related_tasks", "files", "dependencies",
)  # fmt: skip

_ID = re.compile(r"DEC-([0-9]{8})-[0-9]{4,}")


class NoSuchDecision(OrchestrateError):
    """There is no decision of that name.

    The hint names the nearest. ``orchestrate decision list --all`` shows every
    one, also the archived; imported and renumbered ones are found by their old
    names too.
    """

    code = "E381"


class UnusableDecision(OrchestrateError):
    """A decision cannot be recorded like this; nothing was.

    The message says which part is empty, too long, or names something that is
    not there.
    """

    code = "E385"
    exit_status = EXIT["usage"]


@dataclass(frozen=True, slots=True)
class Option:
    """One way to decide: its name, what speaks for it, what against."""

    option: str
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the shared files have it."""
        return {"option": self.option, "pros": list(self.pros), "cons": list(self.cons)}


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision as it is written down.

    ``decision`` is what was decided, in words; ``affects`` instances, or
    ``all``; ``files`` paths or patterns. ``deadline_at`` is in ms; the
    ``fallback`` is the option that holds when nobody has decided by then.
    """

    title: str
    description: str
    category: str = "architecture"
    scope: str = "module"
    decision: str | None = None
    rationale: str | None = None
    decided_by: tuple[str, ...] = ()
    affects: tuple[str, ...] = ()
    related_tasks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    inputs_needed: tuple[str, ...] = ()
    deadline_at: int | None = None
    fallback: str | None = None
    data: Mapping[str, Any] | None = None


def add(tx: Transaction, draft: Draft, *, actor: str) -> Row:
    """Record a decision that is taken already. Raises ``UnusableDecision``, ``UnknownWord``."""
    taken = {
        "status": "accepted",
        "decided_by": json.dumps(list(draft.decided_by or (actor,))),
        "decided_at": tx.now,
    }
    return _insert(tx, draft, "add", actor, taken)


def propose(tx: Transaction, draft: Draft, *, actor: str) -> Row:
    """Put options on the table. Raises ``UnusableDecision``, ``UnknownWord``."""
    names = [option.option for option in draft.options]
    if len(set(names)) != len(names):
        raise UnusableDecision("two options have the same name")
    if draft.fallback is not None and draft.fallback not in names:
        raise UnusableDecision(
            f"the default {draft.fallback!r} is no option",
            hint=f"options: {', '.join(names) or 'none'}",
        )
    if draft.fallback is not None and draft.deadline_at is None:
        raise UnusableDecision(
            "a default needs a deadline", hint="say when it takes effect: --deadline 4h"
        )
    return _insert(tx, draft, "propose", actor, {"status": "proposed", "decided_by": "[]"})


def bring(
    tx: Transaction,
    draft: Draft,
    *,
    source: str,
    at: int,
    status: str,
    actor: str,
    proposed_by: str | None = None,
) -> Row | None:
    """Record a decision another system logged at ``at`` (ms) under the name ``source``.

    It keeps an id of our form where that is free, and stays findable by
    ``source``. None when it was brought before: doing it twice changes nothing.
    """
    digest = hashlib.sha256(f"{at}\n{draft.title}".encode()).hexdigest()[:16]
    key = f"{source}~{digest}"
    origins = (row["origin"] or "" for row in tx.find("decisions", columns=("origin",)))
    if any(origin.rpartition(":")[0] == key for origin in origins):
        return None
    free = _ID.fullmatch(source) and tx.get("decisions", id=source) is None
    name = source if free else _next_id(tx, at)
    standing: Row = {
        "status": word("status", status),
        "decided_by": json.dumps([*draft.decided_by]),
    }
    standing |= {"decided_at": None if status == "proposed" else at, "created_at": at}
    standing |= {"id": name, "origin": f"{key}:{name}", "proposed_by": proposed_by or actor}
    return _insert(tx, draft, "import", actor, standing)


def _insert(tx: Transaction, draft: Draft, verb: str, actor: str, standing: Row) -> Row:
    name = standing.get("id") or _next_id(tx, tx.now)
    made = {"id": name, "origin": f"{secrets.token_hex(8)}:{name}", "created_at": tx.now}
    row: Row = {**_columns(draft), **made, "proposed_by": actor, **standing}
    if verb != "import":
        row["dependencies"] = _list([find(tx, other)["id"] for other in draft.dependencies])
    row |= {"archived": 0, "version": 1, "superseded_by": None}
    tx.insert("decisions", row)
    told = {"decision": name, "title": draft.title[:200], "affects": list(draft.affects)}
    tx.record(
        NewEvent(f"decision.{verb}", actor, _instance(actor), after=1,
                 reason=draft.rationale, data=told)
    )  # fmt: skip
    return row


def _columns(draft: Draft) -> Row:
    """The columns a draft fills, checked."""
    lists = {name: _list(getattr(draft, name)) for name in LISTS if name != "options"}
    options = [option.to_json() for option in draft.options]
    return {
        "title": _title(draft.title),
        "description": texts.body(draft.description, "description"),
        "category": word("category", draft.category),
        "scope": word("scope", draft.scope),
        "decision": draft.decision and texts.body(draft.decision, "decision"),
        "rationale": draft.rationale and texts.body(draft.rationale, "rationale"),
        "deadline_at": draft.deadline_at,
        "fallback": draft.fallback,
        **lists,
        "options": texts.body(_list(options), "list of options"),
        "data": json.dumps(dict(draft.data)) if draft.data else "{}",
    }


def _list(values: Sequence[Any]) -> str:
    """A JSON list; most are empty."""
    return json.dumps(list(values)) if values else "[]"


def _title(title: str) -> str:
    if not title.strip():
        raise UnusableDecision("the title is empty", hint="say in one line what is decided")
    return texts.body(title, "title").strip()


def _next_id(tx: Transaction, at: int) -> str:
    """The next free number of the day of ``at``; a merge may have taken some."""
    day = day_of(at)
    while True:
        name = f"DEC-{day}-{tx.number(f'decision {day}'):04}"
        if not tx.find("decisions", {"id": name}, columns=("id",)):
            return name


def day_of(ms: int) -> str:
    """The UTC day as in ids: ``20261121``."""
    return time.strftime("%Y%m%d", time.gmtime(ms / 1000))


def _instance(actor: str) -> str | None:
    return None if actor.startswith("human:") else actor


def change(
    tx: Transaction,
    row: Row,
    verb: str,
    changes: Row,
    *,
    actor: str,
    reason: str | None = None,
    **told: Any,
) -> Row:
    """Change a decision, with its event ``decision.<verb>``; the row afterwards."""
    version = row["version"] + 1
    tx.update("decisions", {"id": row["id"]}, {**changes, "version": version})
    data = {"decision": row["id"], "status": changes.get("status", row["status"]), **told}
    tx.record(
        NewEvent(f"decision.{verb}", actor, _instance(actor), None, reason,
                 before=row["version"], after=version, data=data)
    )  # fmt: skip
    return {**row, **changes, "version": version}


def find(reader: Reader, name: str) -> Row:
    """The decision with this id, or that had this name where it comes from.

    Raises ``NoSuchDecision`` with the nearest ids.
    """
    row = reader.get("decisions", id=name) or reader.get("decisions", id=name.upper())
    if row is not None:
        return row
    rows = reader.find("decisions", columns=("id", "origin"))
    before = [r["id"] for r in rows if name == r["origin"] or name in known_as(r["origin"])]
    if len(before) == 1:
        return find(reader, before[0])
    near = before or difflib.get_close_matches(name.upper(), [r["id"] for r in rows])
    hint = f"nearest: {', '.join(near) or 'none'}; all: orchestrate decision list --all"
    raise NoSuchDecision(f"there is no decision {name!r}", hint=hint)


def known_as(origin: str | None) -> tuple[str, ...]:
    """The names an origin is made of: the id at birth, an imported name."""
    before, _, last = (origin or "").rpartition(":")
    return tuple(name for name in (last, before.rpartition("~")[0]) if name)


def listed(
    reader: Reader,
    *,
    category: str | None = None,
    scope: str | None = None,
    statuses: Sequence[str] = (),
    path: str | None = None,
    since: int | None = None,
    limit: int | None = None,
    archived: bool = False,
) -> list[Row]:
    """The decisions that fit, newest first. ``since`` is in ms; ``path`` a file they concern."""
    where: dict[str, Any] = {} if archived else {"archived": 0}
    where |= {"category": word("category", category)} if category else {}
    where |= {"scope": word("scope", scope)} if scope else {}
    where |= {"status": [word("status", status) for status in statuses]} if statuses else {}
    after = None if since is None else ("created_at", since - 1)
    if limit is not None and path is None:
        after = _before_the_newest(reader, where, limit, after)
    rows = reader.find("decisions", where, after=after)
    rows.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return [row for row in rows if path is None or concerns_path(row, path)][:limit]


def _before_the_newest(
    reader: Reader, where: Mapping[str, Any], limit: int, after: tuple[str, int] | None
) -> tuple[str, int] | None:
    """``after`` so late that hardly more than ``limit`` rows follow, those of one ms together."""
    times = reader.find("decisions", where, order="-created_at", after=after, limit=limit,
                        columns=("created_at",))  # fmt: skip
    return ("created_at", times[-1]["created_at"] - 1) if times else after


def concerns_path(row: Row, path: str) -> bool:
    """True when one of the decision's files is ``path``, a folder above it, or matches it."""
    return any(
        matches(pattern, path) or path.startswith(f"{pattern.rstrip('/')}/")
        for pattern in json.loads(row["files"] or "[]")
    )


def to_json(row: Row, opinions: Iterable[Row] = ()) -> dict[str, Any]:
    """A decision as JSON: lists as lists, what was said about it under ``opinions``."""
    parsed = {name: json.loads(row[name] or "[]") for name in LISTS}
    said = [{name: o[name] for name in ("instance", "kind", "body", "at")} for o in opinions]
    data = json.loads(row["data"] or "{}")
    return {**row, **parsed, "archived": bool(row["archived"]), "data": data, "opinions": said}
