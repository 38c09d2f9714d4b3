"""Two copies of a repository that logged decisions apart become one log.

``merge`` is a pure function of *sets* of decisions: commutative, associative,
idempotent. A decision is the same one in both copies when it has the same
origin. Ids are a function of the whole set: among decisions born with one id
the earliest keeps it, the others get a number from 5000 up that follows from
their origin, so that a later merge hardly ever moves it again. References
(``superseded_by``, ``dependencies``) follow.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.coordination.vocabulary import STATUSES

__all__ = ["ID", "key", "made_up", "merge"]

Json = dict[str, Any]

ID = re.compile(r"DEC-([0-9]{8})-[0-9]{4,}")

#: Renumbered decisions have numbers from here on.
_FIRST = 5000
#: Prefix of a reference to a decision the copy does not have.
_DANGLING = "unknown:"


def key(origin: str) -> str:
    """What makes a decision the same in every copy: its origin without the id at birth."""
    return origin.rpartition(":")[0]


def merge(*copies: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Every decision of every copy, once, in the order of ids.

    A decision is a dict as ``decisions.to_json`` gives. Where two copies
    changed the same decision, the one changed more often counts, then the one
    decided later; opinions are united.
    """
    records: dict[str, Json] = {}
    for copy in copies:
        for record in _detached(copy):
            name = key(record["origin"])
            records[name] = _joined(records[name], record) if name in records else record
    ids = _numbered(records)
    return sorted((_attached(record, ids) for record in records.values()), key=lambda r: r["id"])


def _detached(copy: Sequence[Mapping[str, Any]]) -> Iterator[Json]:
    """The copy's decisions with keys in place of ids, so that ids may change."""
    whole = [{**record, "origin": record.get("origin") or made_up(record)} for record in copy]
    keys = {record["id"]: key(record["origin"]) for record in whole}

    def named(reference: str) -> str:
        if reference.startswith(_DANGLING):
            return reference
        return keys.get(reference, f"{_DANGLING}{reference}")

    for record in whole:
        later = record.get("superseded_by")
        before = [named(name) for name in record.get("dependencies", ())]
        said = _sorted_opinions(record.get("opinions", ()))
        yield {
            **{name: value for name, value in record.items() if name != "id"},
            "superseded_by": named(later) if later else None,
            "dependencies": before,
            "opinions": said,
        }


def made_up(record: Mapping[str, Any]) -> str:
    """An origin for a decision that has none, the same wherever it is made."""
    text = "\n".join(str(record.get(name)) for name in ("id", "created_at", "title"))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}:{record['id']}"


def _attached(record: Json, ids: Mapping[str, str]) -> Json:
    """A decision with ids again."""
    later = record["superseded_by"]
    return {
        "id": ids[key(record["origin"])],
        **record,
        "superseded_by": ids.get(later, later) if later else None,
        "dependencies": [ids.get(name, name) for name in record["dependencies"]],
    }


def _joined(one: Json, other: Json) -> Json:
    """Two states of one decision as one; the order does not matter."""
    winner = max(one, other, key=_rank)
    return {
        **winner,
        "origin": min(one["origin"], other["origin"]),
        "archived": bool(one["archived"] or other["archived"]),
        "opinions": _sorted_opinions([*one["opinions"], *other["opinions"]]),
    }


def _rank(record: Json) -> tuple[int, int, int, str]:
    """Total, so that a draw is decided the same way everywhere."""
    body = {k: v for k, v in record.items() if k not in ("origin", "archived", "opinions")}
    status = list(STATUSES).index(record["status"])
    decided = record.get("decided_at") or 0
    return (record["version"], decided, status, json.dumps(body, sort_keys=True))


def _sorted_opinions(opinions: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The latest opinion of each instance, in the order of instances."""
    latest: dict[str, Json] = {}
    for opinion in sorted(opinions, key=lambda o: (o["at"], o["kind"], o["body"])):
        latest[opinion["instance"]] = dict(opinion)
    return [latest[instance] for instance in sorted(latest)]


def _numbered(records: Mapping[str, Json]) -> dict[str, str]:
    """Key → id: the earliest born with an id keeps it, the others move out of its way."""
    order = sorted(records.values(), key=lambda r: (r["created_at"], r["origin"]))
    owner: dict[str, str] = {}
    moving = [r for r in order if owner.setdefault(_born(r), key(r["origin"])) != key(r["origin"])]
    for record in moving:
        name = key(record["origin"])
        owner[next(free for free in _candidates(record) if free not in owner)] = name
    return {name: number for number, name in owner.items()}


def _born(record: Json) -> str:
    return str(record["origin"].rpartition(":")[2])


def _candidates(record: Json) -> Iterator[str]:
    """Ids of the same day for a decision that has to move, the first that is free counts."""
    day = _born(record).split("-")[1]
    start = int(hashlib.sha256(key(record["origin"]).encode()).hexdigest()[:8], 16)
    numbers = ((start + step) % _FIRST + _FIRST for step in range(_FIRST))
    for number in itertools.chain(numbers, itertools.count(2 * _FIRST)):
        yield f"DEC-{day}-{number:04}"
