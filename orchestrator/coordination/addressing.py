"""Whom a message reaches: an instance, a role, everybody, or whoever knows something.

Decided once, when it is sent, in the transaction that keeps it: who joins later
is not meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.config.model import Config
from orchestrator.coordination.expertise import Candidate, candidates
from orchestrator.store.port import Reader

__all__ = ["Addressed", "adviser", "reachable", "resolve"]


@dataclass(frozen=True, slots=True)
class Addressed:
    """``reached`` are names of instances or humans; ``unreachable`` pairs (name, why not)."""

    reached: tuple[str, ...] = ()
    unreachable: tuple[tuple[str, str], ...] = ()


def resolve(reader: Reader, config: Config, recipient: str, *, sender: str) -> Addressed:
    """The addressees of ``recipient``; nobody is an answer, with the reason.

    ``recipient`` is an instance, ``human:NAME``, ``role:ROLE``, ``all`` or
    ``expertise:WORD``. Nobody writes to themselves except by their own name.
    """
    kind, _, value = recipient.partition(":")
    if kind == "human" and value:
        return Addressed((recipient,))
    others = [c for c in candidates(reader, config) if c.instance != sender]
    if recipient == "all":
        return _group(recipient, others, "nobody else is known")
    if kind == "role" and value:
        same = [c for c in others if c.role.casefold() == value.casefold()]
        roles = ", ".join(sorted({c.role for c in others if c.role})) or "none"
        return _group(recipient, same, f"nobody else has the role {value!r}; roles: {roles}")
    if kind == "expertise" and value:
        return _consultation(recipient, value, others)
    return _one(reader, recipient)


def _group(recipient: str, members: Sequence[Candidate], why: str) -> Addressed:
    if not members:
        return Addressed(unreachable=((recipient, why),))
    return Addressed(tuple(c.instance for c in members))


def _consultation(recipient: str, word: str, others: Sequence[Candidate]) -> Addressed:
    chosen = adviser(others, word)
    if chosen is not None:
        return Addressed((chosen.instance,))
    return Addressed(unreachable=((recipient, _why_nobody(others, word)),))


def adviser(others: Sequence[Candidate], word: str) -> Candidate | None:
    """The least loaded who knows ``word``, takes consultations and is not known dead.

    Those whose client certainly runs come before those of whom it is unknown.
    """
    able = [c for c in others if word.casefold() in c.knows and c.available]
    awake = [c for c in able if c.live is not False]
    return min(awake, key=lambda c: (c.load, c.live is None, c.instance), default=None)


def _why_nobody(others: Sequence[Candidate], word: str) -> str:
    able = [c for c in others if word.casefold() in c.knows]
    if able:
        reasons = [
            f"{c.instance} {'is no longer running' if c.available else 'takes no consultations'}"
            for c in able
        ]
        return f"nobody who knows {word!r} is available: {', '.join(reasons)}"
    known = ", ".join(sorted({word for c in others for word in c.knows})) or "nothing is declared"
    return f"nobody knows {word!r}; known: {known}"


def reachable(reader: Reader, names: Iterable[str]) -> Addressed:
    """Each of ``names`` with why it cannot be reached, where it is so."""
    each = [Addressed((n,)) if n.startswith("human:") else _one(reader, n) for n in names]
    return Addressed(
        tuple(name for one in each for name in one.reached),
        tuple(pair for one in each for pair in one.unreachable),
    )


def _one(reader: Reader, name: str) -> Addressed:
    if reader.get("instances", id=name) is not None:
        return Addressed((name,))
    if reader.find("events", {"instance": name, "kind": "instance.retire"}, limit=1):
        return Addressed(unreachable=((name, f"{name} was retired"),))
    known = [row["id"] for row in reader.find("instances", columns=("id",))]
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"; did you mean {near[0]}?" if near else ""
    return Addressed(unreachable=((name, f"there is no instance {name!r}{guess}"),))
