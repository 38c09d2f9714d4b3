"""What the Python API gives: frozen values, never rows that somebody else may change.

Times are milliseconds since the epoch, UTC, or None where it did not happen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from orchestrator.coordination.briefing import Briefing

__all__ = [
    "CheckedIn",
    "Created",
    "Escalation",
    "Event",
    "Handoff",
    "Instance",
    "Lease",
    "Marked",
    "Run",
    "Standing",
]

T = TypeVar("T")
Row = Mapping[str, Any]


def made(cls: type[T], row: Row, **more: Any) -> T:
    """A record of the columns that ``cls`` has; ``more`` are the fields that are no columns.

    A row that was just inserted has only what was written: what it lacks is None.
    """
    known = fields(cls)  # type: ignore[arg-type]  # every record is a dataclass
    needed = {one.name: None for one in known if one.default is one.default_factory is MISSING}
    columns = {one.name: row[one.name] for one in known if one.name in row}
    return cls(**{**needed, **columns, **more})


def listed(text: Any) -> tuple[Any, ...]:
    """A column that holds a JSON list, as a tuple."""
    return tuple(json.loads(text or "[]"))


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance and what it is doing.

    ``state`` is one of ``lifecycle.states.State``; ``client`` says whether its
    client runs: ``live``, ``dead``, ``unknown``. ``possible`` (events), ``agents``
    and what the configuration gives it are there in ``instances.show`` only.
    """

    id: str
    role: str
    state: str
    task: str | None
    handoff: str | None
    branch: str | None
    worktree: str | None
    session: str | None
    host: str | None
    client: str
    heartbeat_at: int | None
    specializations: tuple[str, ...] = ()
    expertise: tuple[str, ...] = ()
    available_for_consultation: bool | None = None
    agents: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    file_patterns: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    hands_off_to: str | None = None

    @classmethod
    def of(cls, view: Row) -> Instance:
        """From ``engine.overview``."""
        lists = {name: tuple(value) for name, value in view.items() if isinstance(value, list)}
        lists.pop("handed_to_it", None)
        return made(cls, view, **lists)


@dataclass(frozen=True, slots=True)
class Created:
    """A made instance; the flags say what was made by this very call."""

    instance: Instance
    worktree_made: bool
    branch_made: bool


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """``session`` is the id, also for a sub-agent; ``made``: it was made here."""

    session: str
    instance: str
    made: bool
    briefing: Briefing


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease. ``kind`` is file, folder or glob; ``mode`` exclusive or shared.

    ``path`` is repository-rooted; ``lines`` (first, last) from 1, None: all of it.
    ``expires_at`` None: as long as ``handoff`` is open. ``hash``: sha1, in hex.
    """

    id: str
    instance: str
    session: str | None
    kind: str
    path: str
    lines: tuple[int, int] | None
    mode: str
    fence: int
    hash: str | None
    intent: str | None
    handoff: str | None
    acquired_at: int
    expires_at: int | None

    @classmethod
    def of(cls, row: Row) -> Lease:
        """From a row of ``leases``."""
        lines = (row["lines_from"], row["lines_to"]) if row["lines_from"] else None
        return made(cls, row, lines=lines)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a path stands for you.

    ``state``: free, mine, held (by another), expired (yours ran out), changed
    (yours, and its content is not what it was). ``leases`` are those that say so.
    """

    path: str
    state: str
    leases: tuple[Lease, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One verification of a handoff; ``verdict`` is None until it ended."""

    id: str
    attempt: int
    status: str
    verdict: str | None
    head: str
    base: str | None
    started_at: int | None
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Handoff:
    """A handoff. ``status``: open, landed, withdrawn, released.

    ``state`` is its producer's while it is at work on it, else the status.
    ``head``, ``base``, ``candidate``, ``landed`` and ``rollback`` are commits;
    ``escalations`` are ids.
    """

    id: str
    producer: str
    target: str | None
    task: str | None
    ref: str | None
    head: str
    status: str
    state: str
    attempt: int
    verdict: str | None
    base: str | None
    candidate: str | None
    approved_by: str | None
    landed: str | None
    rollback: str | None
    created_at: int
    updated_at: int
    closed_at: int | None
    notes: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    escalations: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: Row) -> Handoff:
        """From ``engine.overview``."""
        runs = tuple(made(Run, one) for one in view["runs"])
        return made(
            cls, view, runs=runs, escalations=tuple(one["id"] for one in view["escalations"])
        )


@dataclass(frozen=True, slots=True)
class Marked:
    """What marking ready gave; ``again``: this commit was marked already."""

    handoff: Handoff
    remarks: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Escalation:
    """A question for a human. ``status``: open, acknowledged, answered, moot."""

    id: str
    type: str
    handoff: str | None
    instance: str
    run: str | None
    status: str
    question: str
    reason: str
    level: int
    next_at: int | None
    opened_at: int
    acknowledged_by: str | None
    acknowledged_at: int | None
    answer: str | None
    answered_by: str | None
    answered_at: int | None
    answer_reason: str | None
    head: str | None
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row) -> Escalation:
        """From a row of ``escalations``."""
        return made(cls, row, data=json.loads(row["data"] or "{}"))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the record. ``before`` and ``after`` are versions of what changed."""

    seq: int
    at: int
    kind: str
    actor: str
    instance: str | None
    handoff: str | None
    reason: str | None
    before: int | None
    after: int | None
    data: Mapping[str, Any]

    @classmethod
    def of(cls, row: Row) -> Event:
        """From a row of ``events``."""
        return made(cls, row, data=json.loads(row["data"]))
