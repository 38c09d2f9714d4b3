"""What needs somebody's attention in the coordination of the project. Pure over a reader.

Red: something does not go on until somebody acts. Yellow: a habit to mend, or
something that ends by itself. Few words: what is the same is said once, and a
*ghost* (gone, and without open work) is told one time only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from orchestrator.coordination.sessions import session_liveness
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "CHECK_IN_MS",
    "RULES",
    "Concern",
    "Surroundings",
    "concerns",
    "counts",
    "news",
]

#: An instance with work should check in within a day.
CHECK_IN_MS: Final = 24 * 3600 * 1000

#: States of an instance in which nothing is open.
_IDLE = (None, "STANDBY", "HANDOFF_COMPLETE")
#: Messages asked about in one query.
_AT_ONCE = 400
#: Statuses of a task that somebody has promised to do, and of any that is not over.
_PROMISED = ("assigned", "in_progress", "blocked")
_OPEN_TASKS = ("open", "ready", "proposed", *_PROMISED)

Live = Callable[[Row, int], bool | None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the store cannot tell, asked of the machine and of git.

    ``live`` says of a row of ``sessions`` or ``instances``, and the time in
    ms, whether its client runs; ``exists`` whether a folder is there;
    ``worktrees`` are git's, as ``Git.worktrees`` gives them.
    """

    live: Live = session_liveness
    exists: Callable[[str], bool] = lambda path: True
    worktrees: Sequence[Mapping[str, str]] = ()


class Concern(NamedTuple):
    """One thing to look at. ``since`` is in ms; ``once``: told one time only."""

    name: str
    level: str
    subject: str
    message: str
    hint: str
    since: int | None = None
    once: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, without ``once``."""
        return {name: value for name, value in self._asdict().items() if name != "once"}


def concerns(
    reader: Reader, around: Surroundings | None = None, rules: Iterable[str] | None = None
) -> list[Concern]:
    """Everything to look at by the ``rules`` (default: all), red first, the oldest first."""
    around = around or Surroundings()
    found = [c for name in rules or RULES for c in RULES[name](reader, around)]
    return sorted(found, key=lambda c: (c.level != "red", c.since or 0, c.name, c.subject))


def _absent(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Instances that should be there and have not checked in for a day."""
    busy = {row["assigned_to"] for row in reader.find("tasks", {"status": _PROMISED})}
    seen = _seen(reader)
    for row in reader.find("instances"):
        last = max(seen.get(row["id"], 0), row["heartbeat_at"] or 0) or None
        if row["state"] not in _IDLE or row["id"] in busy:
            yield from _absent_at_work(reader, row, last)
        elif last is not None and reader.now - last > CHECK_IN_MS and _lingers(reader, row, around):
            message = "has not checked in for a day; it has no open work"
            hint = f"orchestrate instance retire {row['id']}, if it is not coming back"
            yield Concern("ghost", "yellow", row["id"], message, hint, last, once=True)


def _lingers(reader: Reader, row: Row, around: Surroundings) -> bool:
    """Somebody occupies it who never checked out. One known dead is told of as a session."""
    session = reader.get("sessions", id=row["session"]) if row["session"] else None
    held = session or row
    if row["session"] is None or held.get("ended_at") is not None:
        return False
    return session is None or around.live(held, reader.now) is not False


def _absent_at_work(reader: Reader, row: Row, last: int | None) -> Iterator[Concern]:
    """Work is open, and for a day neither a sign of life nor an event came of it."""
    if last is not None and reader.now - last <= CHECK_IN_MS:
        return
    events = reader.find(
        "events", {"instance": row["id"]}, order="-seq", limit=1, columns=("seq", "at")
    )
    at = max([last or row["registered_at"] or 0, *(event["at"] for event in events)])
    if reader.now - at > CHECK_IN_MS:
        message = f"has not checked in for a day and has open work ({row['state']})"
        hint = f'orchestrate release --instance {row["id"]} --reason "…" gives it to others'
        yield Concern("check-in", "red", row["id"], message, hint, at)


def _seen(reader: Reader) -> dict[str, int]:
    """The last sign of life of any session of each instance."""
    seen: dict[str, int] = {}
    columns = ("instance", "started_at", "heartbeat_at")
    for row in reader.find("sessions", columns=columns):
        at = max(row["heartbeat_at"] or 0, row["started_at"] or 0)
        seen[row["instance"]] = max(at, seen.get(row["instance"], 0))
    return seen


def _sessions(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Clients that are gone: with leases they stand in the way, without they are ghosts."""
    rows = reader.find("sessions", {"ended_at": None, "parent": None})
    dead = [row for row in rows if around.live(row, reader.now) is False]
    for row in dead:
        held = reader.count("leases", {"session": row["id"], "status": "held", "handoff": None})
        what = f"the client of {row['instance']} is gone"
        if held:
            message = f"{what} and still holds {_count(held, 'lease')}"
            yield Concern("dead-session", "yellow", row["id"], message,
                          "orchestrate cleanup", row["heartbeat_at"])  # fmt: skip
        else:
            yield Concern("ghost", "yellow", row["id"], what, "orchestrate cleanup",
                          row["heartbeat_at"], once=True)  # fmt: skip


def _unanswered(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Questions whose answer is late: past their due time, else past 4 hours."""
    where: Mapping[str, Any] = {"requires_response": 1, "status": ("open", "answered")}
    rows = reader.find("messages", where)
    if not rows:
        return
    # Imported late, as below: the status document asks this and starts without them.
    from orchestrator.coordination import messages

    receipts = _receipts(reader, [row["id"] for row in rows])
    for row in rows:
        mine = receipts.get(row["id"], ())
        late = [r["instance"] for r in mine if messages.overdue(row, r, reader.now)]
        if late:
            message = f"{row['sender']} waits for an answer of {', '.join(sorted(late))}"
            since = row["due_at"] or row["created_at"] + messages.ANSWER_MS
            yield Concern("unanswered", "red", row["id"], message,
                          f"orchestrate message reply {row['id']} --body TEXT", since)  # fmt: skip


def _receipts(reader: Reader, names: Sequence[str]) -> dict[str, list[Row]]:
    """The receipts of these messages, by message; many in one query."""
    found: dict[str, list[Row]] = {}
    for place in range(0, len(names), _AT_ONCE):
        for row in reader.find("receipts", {"message": names[place : place + _AT_ONCE]}):
            found.setdefault(row["message"], []).append(row)
    return found


def _tasks(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Tasks that can never become ready, are late, or have no deadline."""
    known = {
        name for row in reader.find("tasks", columns=("id", "origin")) for name in row.values()
    }
    columns = ("id", "dependencies", "due_at", "created_at")
    for row in reader.find("tasks", {"status": _OPEN_TASKS}, columns=columns):
        unknown = [d for d in json.loads(row["dependencies"] or "[]") if d not in known]
        if unknown:
            message = f"depends on {', '.join(unknown)}, which there is not"
            yield Concern("dependency", "red", row["id"], message,
                          f"orchestrate task show {row['id']}", row["created_at"])  # fmt: skip
        if row["due_at"] is None:
            yield Concern("deadline", "yellow", row["id"], "has no deadline",
                          "say until when: --due 2d", row["created_at"])  # fmt: skip
        elif row["due_at"] < reader.now:
            yield Concern("late", "yellow", row["id"], "is past its deadline",
                          f"orchestrate task show {row['id']}", row["due_at"])  # fmt: skip


def _decisions(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Decisions nobody is named in, and proposals past their deadline."""
    where: Mapping[str, Any] = {"status": ("proposed", "objected", "accepted"), "archived": 0}
    for row in reader.find("decisions", where, columns=("id", "affects", "created_at")):
        if row["affects"] in (None, "[]"):
            hint = f"orchestrate decision show {row['id']}"
            yield Concern("affects", "yellow", row["id"], "names nobody it affects", hint,
                          row["created_at"])  # fmt: skip
    waiting = reader.find("decisions", {"status": "proposed"}, columns=("deadline_at",))
    if any(row["deadline_at"] is not None for row in waiting):
        yield from _undecided(reader)


def _undecided(reader: Reader) -> Iterator[Concern]:
    from orchestrator.coordination.deciding import due

    for row in due(reader, reader.now):
        if row["fallback"] is None:
            yield Concern("undecided", "red", row["id"], "is past its deadline and has no default",
                          f"orchestrate decision decide {row['id']} --option NAME --rationale TEXT",
                          row["deadline_at"])  # fmt: skip


def _leases(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Leases that ran out and still are held, one concern an instance."""
    expired: dict[str, list[int]] = {}
    columns = ("instance", "expires_at")
    for row in reader.find("leases", {"status": "held", "handoff": None}, columns=columns):
        if row["expires_at"] is not None and row["expires_at"] <= reader.now:
            expired.setdefault(row["instance"], []).append(row["expires_at"])
    for instance, times in expired.items():
        message = f"holds {_count(len(times), 'lease')} that ran out"
        yield Concern("expired", "yellow", instance, message, "orchestrate cleanup", min(times))


def _worktrees(reader: Reader, around: Surroundings) -> Iterator[Concern]:
    """Worktrees that are gone, and those on an instance's branch that nobody uses."""
    rows = reader.find("instances")
    listed = {tree["path"]: tree for tree in around.worktrees}
    for row in rows:
        place = row["worktree"]
        # One that never was made is no loss: the configuration may name it for later.
        was_there = row["heartbeat_at"] or place in listed or row["state"] not in _IDLE
        if place and was_there and not around.exists(place):
            level = "yellow" if row["state"] in _IDLE else "red"
            yield Concern("worktree", level, row["id"], f"its worktree is gone: {place}",
                          "git worktree prune, then orchestrate instance create",
                          row["heartbeat_at"])  # fmt: skip
    # A session may work beside its instance's own worktree; nobody is to remove that one.
    there = reader.find("sessions", {"ended_at": None}, columns=("cwd",))
    used = {row["worktree"] for row in rows} | {row["cwd"] for row in there}
    branches = {name: row["id"] for row in rows for name in (row["id"], row["branch"]) if name}
    for path, tree in listed.items():
        branch = tree.get("branch", "").removeprefix("refs/heads/")
        if path not in used and branch in branches and "prunable" not in tree:
            message = f"is on branch {branch}, and no instance uses it"
            yield Concern("orphan", "yellow", path, message,
                          f"git worktree remove {path}", once=True)  # fmt: skip


#: Rule → what finds its concerns.
RULES: Final[Mapping[str, Callable[[Reader, Surroundings], Iterator[Concern]]]] = {
    "instances": _absent,
    "sessions": _sessions,
    "messages": _unanswered,
    "tasks": _tasks,
    "decisions": _decisions,
    "leases": _leases,
    "worktrees": _worktrees,
}


def counts(found: Iterable[Concern]) -> dict[str, int]:
    """How many are ``red`` and how many ``yellow``."""
    levels = [concern.level for concern in found]
    return {level: levels.count(level) for level in ("red", "yellow")}


def news(tx: Transaction, found: Sequence[Concern]) -> list[Concern]:
    """Those to tell now; what is told once is remembered, until it is over. No event."""
    names = {f"health:{c.name}:{c.subject}": c for c in found if c.once}
    told = {row["name"] for row in tx.find("told") if row["name"].startswith("health:")}
    for name in told - names.keys():
        tx.delete("told", {"name": name})
    for name in names.keys() - told:
        tx.insert("told", {"name": name, "at": tx.now})
    silent = {names[name] for name in told & names.keys()}
    return [concern for concern in found if concern not in silent]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
