"""Takes over what the replaced systems kept: once, findable by its old ids.

Runs in the caller's transaction. What was taken over before is left alone, also
where its file changed since: then a remark says so. Dead sessions, heartbeats
and locks are not taken over: sessions register themselves, locks run out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.coordination import decisions, texts
from orchestrator.coordination.deliverables import rooted
from orchestrator.coordination.foreign import (
    DECISION_STATUSES,
    FILES,
    MESSAGE_STATUSES,
    PRIORITIES,
    TASK_STATUSES,
    Entry,
    Fault,
    moment,
    read,
)
from orchestrator.coordination.lookup import named
from orchestrator.coordination.messages import KINDS
from orchestrator.coordination.vocabulary import CATEGORIES, SCOPES
from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.states import State
from orchestrator.store.port import NewEvent, Reader, Row, Transaction

__all__ = ["FOLDERS", "Imported", "collect", "find_task", "take_over"]

#: Where the files are, in a folder.
FOLDERS = ("coordination", ".claude/coordination")
_MANIFEST = ".orchestrate-views"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST = 64 * 1024 * 1024


@dataclass(slots=True)
class Imported:
    """``taken``: kind → old id → id here. ``known``: taken over before. ``left`` on purpose."""

    taken: dict[str, dict[str, str]] = field(default_factory=dict)
    known: int = 0
    left: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, old: str, new: str) -> None:
        self.taken.setdefault(kind, {})[old] = new

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        faults = [{"where": fault.where, "message": fault.message} for fault in self.faults]
        return {"taken": self.taken, "known": self.known, "left": self.left, "faults": faults}


def find_task(reader: Reader, name: str) -> Row:
    """The task with this id, or with the id it had where it came from. Raises ``NoSuchName``."""
    return named(reader, "tasks", name)


def collect(top: Path) -> list[Entry | Fault]:
    """Everything in the files below ``top``, a repository or one of the two folders.

    Files that orchestrate wrote itself are skipped; where it replaced one, the
    ``.original`` beside it is read.
    """
    found: list[Entry | Fault] = []
    for folder in dict.fromkeys([*(top / name for name in FOLDERS), top]):
        for name, path in _files(folder):
            found += _read(name, path, top)
    return found


def _files(folder: Path) -> Iterable[tuple[str, Path]]:
    manifest = folder / _MANIFEST
    lines = manifest.read_text(errors="replace").splitlines() if manifest.is_file() else []
    ours = {Path(line).name for line in lines}
    locks = sorted((folder / "locks").glob("*.json")) if folder.name == "coordination" else []
    places = [(name, folder / name) for name in FILES if name != "lock"]
    for name, path in [*places, *(("lock", path) for path in locks)]:
        kept = path.with_name(f"{path.name}.original")
        if kept.is_file():
            yield name, kept
        elif path.is_file() and path.name not in ours:
            yield name, path


def _read(name: str, path: Path, top: Path) -> list[Entry | Fault]:
    where = path.relative_to(top).as_posix()
    try:
        if path.stat().st_size > _LARGEST:
            return [Fault(where, f"larger than {_LARGEST} bytes")]
        return read(name, path.read_text(encoding="utf-8", errors="surrogateescape"), where)
    except OSError as error:
        return [Fault(where, str(error.strerror))]


def take_over(tx: Transaction, found: Sequence[Entry | Fault], *, actor: str) -> Imported:
    """Take over what is new in ``found``; one event says what it was."""
    result = Imported(faults=[entry for entry in found if isinstance(entry, Fault)])
    entries = [entry for entry in found if isinstance(entry, Entry)]
    for kind in ("instance", "task", "message", "decision", "session", "lock"):
        for entry in (entry for entry in entries if entry.kind == kind):
            try:
                _TAKE[kind](tx, entry, result, actor)
            except (OrchestrateError, TypeError, ValueError, AttributeError) as error:
                result.faults.append(Fault(entry.where, f"{kind} {entry.name}: {error}"))
    _depend(tx, entries, result)
    if result.taken:
        tx.record(NewEvent("import.take", actor, data={"taken": result.taken}))
    return result


def _instance(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    """A named instance, standing by, with what it knows about."""
    if tx.get("instances", id=entry.name) is not None:
        result.known += 1
        return
    if not _NAME.fullmatch(entry.name):
        raise ValueError("this cannot be the name of an instance")
    value = entry.value
    role = texts.line(_text(value, "role") or "UNSPECIFIED", "role")
    start: Row = {"id": entry.name, "role": role, "state": str(State.STANDBY), "version": 1}
    tx.insert("instances", {**start, "attempt": 0, "configured": 0, "registered_at": tx.now})
    offered = json.dumps(_texts(value, "expertise_areas"))
    available = value.get("available_for_consultation")
    profile: Row = {"instance": entry.name, "expertise": offered, "specializations": "[]"}
    tx.insert(
        "profiles", {**profile, "consultation": None if available is None else int(available)}
    )
    result.add("instance", entry.name, entry.name)


def _task(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    if _before(tx, "tasks", entry, result):
        return
    value, now = entry.value, tx.now
    status = _word(TASK_STATUSES, value, "status")
    assigned, wanted = _text(value, "assigned_to"), _text(value, "suggested_assignee")
    if status in ("assigned", "in_progress", "blocked") and not assigned:
        status = "ready"
    if status == "proposed" and not wanted:
        status = "ready"
    name = f"T-{tx.number('task')}"
    tx.insert(
        "tasks",
        {
            "id": name,
            "title": texts.line((_text(value, "title") or entry.name)[:200], "title"),
            "description": texts.body(_text(value, "description") or "", "description"),
            "status": status,
            "priority": _word(PRIORITIES, value, "priority"),
            "assigned_to": assigned if status not in ("ready", "proposed") else None,
            "proposed_to": wanted if status == "proposed" else None,
            "suggested": wanted,
            "created_by": actor,
            "created_at": moment(value.get("created")) or now,
            "updated_at": now,
            "due_at": moment(value.get("due")),
            "started_at": now if status == "in_progress" else None,
            "closed_at": now if status in ("done", "cancelled") else None,
            "dependencies": "[]",
            "deliverables": json.dumps([rooted(p) for p in _texts(value, "deliverables")]),
            "required_expertise": json.dumps(_texts(value, "required_expertise")),
            "files": "[]",
            "version": 1,
            "origin": entry.name,
            "data": _kept(entry),
        },
    )
    result.add("task", entry.name, name)


def _depend(tx: Transaction, entries: Sequence[Entry], result: Imported) -> None:
    """Name what the new tasks depend on by its id here; who waits for it is open."""
    new = result.taken.get("task", {})
    for entry in entries:
        if entry.kind != "task" or entry.name not in new:
            continue
        names = [_here(tx, "tasks", old) for old in _texts(entry.value, "dependencies")]
        if not names or (row := tx.get("tasks", id=new[entry.name])) is None:
            continue
        done = [r["id"] for r in tx.find("tasks", {"id": names, "status": "done"})]
        waits = row["status"] == "ready" and set(names) - set(done)
        changes: Row = {"dependencies": json.dumps(names)}
        tx.update("tasks", {"id": row["id"]}, {**changes, **({"status": "open"} if waits else {})})


def _message(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    if _before(tx, "messages", entry, result):
        return
    value = entry.value
    sender, recipient = _text(value, "from") or "unknown", _text(value, "to") or "all"
    context = value.get("context") if isinstance(value.get("context"), dict) else {}
    kind = _text(value, "type") or "info"
    answers = _text(value, "in_reply_to") or _text(value, "responding_to")
    first = tx.find("messages", {"origin": answers}, limit=1) if answers else []
    name = f"M-{tx.number('message')}"
    status = _word(MESSAGE_STATUSES, value, "status")
    task = _text(context, "related_task")
    tx.insert(
        "messages",
        {
            "id": name,
            "thread": first[0]["thread"] if first else name,
            "reply_to": first[0]["id"] if first else None,
            "sender": sender,
            "recipient": recipient,
            "kind": "reply" if first else kind if kind in KINDS else "info",
            "subject": texts.line((_text(value, "subject") or entry.name)[:200], "subject"),
            "body": texts.body(_text(value, "message") or ""),
            "priority": _word(PRIORITIES, value, "priority"),
            "task": _here(tx, "tasks", task) if task else None,
            "files": json.dumps([rooted(path) for path in _texts(context, "related_files")]),
            "requires_response": int(bool(value.get("requires_response"))),
            "due_at": moment(value.get("expected_response_time")),
            "status": status,
            "created_at": moment(value.get("timestamp")) or tx.now,
            "closed_at": tx.now if status == "closed" else None,
            "origin": entry.name,
            "data": _kept(entry),
        },
    )
    answered = tx.now if status != "open" else None
    for instance in _reached(tx, recipient, sender):
        receipt: Row = {"message": name, "instance": instance, "answered_at": answered}
        tx.insert("receipts", receipt)
    result.add("message", entry.name, name)


def _reached(reader: Reader, recipient: str, sender: str) -> list[str]:
    known = [row["id"] for row in reader.find("instances", columns=("id",))]
    return [name for name in known if recipient in ("all", name) and name != sender]


def _decision(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    value = entry.value
    made = value.get("made_by") if isinstance(value.get("made_by"), dict) else {}
    impact = value.get("impact") if isinstance(value.get("impact"), dict) else {}
    context = value.get("context") if isinstance(value.get("context"), dict) else {}
    category, scope = _text(value, "category"), _text(impact, "scope")
    by = _texts(value, "decided_by") or [name for name in [_text(made, "instance_id")] if name]
    options = [option for option in value.get("options") or () if isinstance(option, dict)]
    draft = decisions.Draft(
        title=_text(value, "title") or entry.name,
        description=_text(value, "description") or "",
        category=category if category in CATEGORIES else "architecture",
        scope=scope if scope in SCOPES else "module",
        decision=_text(value, "decision"),
        rationale=_text(value, "rationale") or _text(context, "rationale"),
        decided_by=tuple(by),
        affects=tuple(_texts(value, "affects_instances")),
        related_tasks=tuple(_here(tx, "tasks", old) for old in _texts(value, "related_tasks")),
        files=tuple(_texts(impact, "files_affected")),
        dependencies=tuple(_texts(impact, "dependencies")),
        options=tuple(_option(option) for option in options),
        inputs_needed=tuple(_texts(value, "input_needed_from")),
        deadline_at=moment(value.get("deadline")),
        data=json.loads(_kept(entry)),
    )
    at = moment(value.get("timestamp")) or moment(value.get("date"))
    row = decisions.bring(
        tx,
        draft,
        source=entry.name,
        # One without a date is told apart by its text, so always by the same time.
        at=at if at is not None else draft.deadline_at or 0,
        status=_word(DECISION_STATUSES, value, "status"),
        actor=actor,
        proposed_by=by[0] if by else None,
    )
    if row is None:
        result.known += 1
    else:
        result.add("decision", _unique(result, entry.name), row["id"])


def _unique(result: Imported, name: str) -> str:
    """A log that gave one id twice has two decisions of that name."""
    taken = result.taken.get("decision", {})
    return name if name not in taken else f"{name} ({len(taken) + 1})"


def _option(value: Mapping[str, Any]) -> decisions.Option:
    name = _text(value, "option") or _text(value, "name") or "unnamed"
    return decisions.Option(name, tuple(_texts(value, "pros")), tuple(_texts(value, "cons")))


def _session(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    result.left.append(f"{entry.where}: session {entry.name}: a live one registers itself")


def _lock(tx: Transaction, entry: Entry, result: Imported, actor: str) -> None:
    until = moment(entry.value.get("expires_at"))
    if until is not None and until > tx.now:
        holder = entry.value.get("locked_by")
        who = _text(holder, "instance_id") if isinstance(holder, dict) else None
        text = f"lock on {entry.name} of {who or 'somebody'}, until {entry.value['expires_at']}"
        result.left.append(f"{entry.where}: {text}: wait for it before you work there")


def _before(tx: Transaction, table: str, entry: Entry, result: Imported) -> bool:
    """Whether it was taken over before; a remark where its file says something else now."""
    rows = tx.find(table, {"origin": entry.name}, limit=1)
    if not rows:
        return False
    result.known += 1
    if json.loads(rows[0]["data"] or "{}").get("digest") != entry.digest:
        name = rows[0]["id"]
        text = f"{entry.name} is {name} here and differs now; {name} is left as it is"
        result.left.append(f"{entry.where}: {text}")
    return True


def _kept(entry: Entry) -> str:
    """What the columns do not hold: the digest, and the original words."""
    return json.dumps({"digest": entry.digest, "imported": dict(entry.value)})


def _here(reader: Reader, table: str, old: str) -> str:
    rows = reader.find(table, {"origin": old}, limit=1)
    return str(rows[0]["id"]) if rows else old


def _text(value: Mapping[str, Any] | Any, key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def _texts(value: Mapping[str, Any] | Any, key: str) -> list[str]:
    found = value.get(key)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _word(words: Mapping[str, str], value: Mapping[str, Any], key: str) -> str:
    return words.get(_text(value, key) or "", words[""])


_TAKE = {
    "instance": _instance,
    "task": _task,
    "message": _message,
    "decision": _decision,
    "session": _session,
    "lock": _lock,
}
