"""Ready-made invariants: what must be the same, or all there, at several places of a flow.

Each compares the payloads at its places in order, and names the first place
that differs from the one before it, so the step in between is to blame.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from orchestrator.config.payload_places import EVERY, BadPlace, Place, parsed
from orchestrator.plugins.builtin.contracts.schemas import json_path
from orchestrator.plugins.builtin.contracts.verdict import shown
from orchestrator.plugins.spec import Json

__all__ = ["INVARIANTS", "Broken", "Unclear", "broken"]

_LISTED = 20


class Unclear(ValueError):
    """An invariant cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What does not hold, at which place, and the values that show it."""

    place: Place
    message: str
    evidence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A place with what is there: ``value``, or several where the way goes through entries."""

    place: Place
    values: tuple[Json, ...]
    several: bool

    @property
    def entries(self) -> Sequence[Json]:
        """Its entries: of the one list or object that is there, or all that the way leads to."""
        if self.several:
            return self.values
        [value] = self.values
        if isinstance(value, list | dict):
            return list(value)
        raise Unclear(f"{self.place.text} is {shown(value, 40)}, no list or object")

    @property
    def document(self) -> Json:
        return list(self.values) if self.several else self.values[0]


def broken(invariant: Mapping[str, Json], steps: Mapping[str, Json]) -> Broken | None:
    """What of a ready-made invariant does not hold, or None. Raises ``Unclear``."""
    [(name, texts)] = invariant.items()
    try:
        places = [parsed(text, steps) for text in texts]
    except BadPlace as error:
        raise Unclear(str(error)) from error
    seen = [_seen(place, steps) for place in places]
    return next(INVARIANTS[name](seen), None)


def _seen(place: Place, steps: Mapping[str, Json]) -> _Seen:
    values = [steps[place.step][place.side]]
    for part in place.way:
        values = [found for value in values for found in _below(value, part, place)]
    return _Seen(place, tuple(values), EVERY in place.way)


def _below(value: Json, part: str | int | None, place: Place) -> Iterator[Json]:
    if part is EVERY and isinstance(value, list | dict):
        yield from value.values() if isinstance(value, dict) else value
    elif _has(value, part):
        yield value[part]
    else:
        step = "[]" if part is EVERY else json_path([part])[1:]
        raise Unclear(f"{place.text}: there is no {step} in {shown(value, 60)}")


def _has(value: Json, part: str | int | None) -> bool:
    if isinstance(value, dict):
        return isinstance(part, str) and part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _conserved_count(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for before, after in pairwise(seen):
        had, has = len(before.entries), len(after.entries)
        if had != has:
            yield Broken(
                after.place,
                f"{before.place.text} has {_many(had)}, {after.place.text} has {_many(has)}",
                {before.place.text: had, after.place.text: has},
            )


def _conserved_keys(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for before, after in pairwise(seen):
        had, has = _counted(before), _counted(after)
        lost, gained = had - has, has - had
        if lost or gained:
            yield _moved(before, after, lost, gained)


def _kept_keys(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for before, after in pairwise(seen):
        lost = _counted(before) - _counted(after)
        if lost:
            yield _moved(before, after, lost, Counter())


def _conserved_sum(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for before, after in pairwise(seen):
        had, has = _sum(before), _sum(after)
        if not math.isclose(had, has, rel_tol=1e-9, abs_tol=1e-9):
            yield Broken(
                after.place,
                f"{before.place.text} comes to {had:.12g}, {after.place.text} to {has:.12g}",
                {before.place.text: had, after.place.text: has},
            )


def _round_trip(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for before, after in pairwise(seen):
        found = _difference(before.document, after.document, [])
        if found is not None:
            way, had, has = found
            yield Broken(
                after.place,
                f"{after.place.text} is not {before.place.text}: at {json_path(way)} it has "
                f"{_or_nothing(has)} instead of {_or_nothing(had)}",
                {"path": json_path(way)},
            )


def _unique(seen: Sequence[_Seen]) -> Iterator[Broken]:
    for here in seen:
        twice = {key: n for key, n in _counted(here).items() if n > 1}
        if twice:
            yield Broken(
                here.place,
                f"{here.place.text} has {_list(twice)} more than once",
                {"repeated": [json.loads(key) for key in list(twice)[:_LISTED]]},
            )


#: Name → what finds where it does not hold.
INVARIANTS: Mapping[str, Callable[[Sequence[_Seen]], Iterator[Broken]]] = {
    "conserved_count": _conserved_count,
    "conserved_keys": _conserved_keys,
    "conserved_sum": _conserved_sum,
    "kept_keys": _kept_keys,
    "round_trip": _round_trip,
    "unique": _unique,
}


def _moved(before: _Seen, after: _Seen, lost: Counter[str], gained: Counter[str]) -> Broken:
    parts = [f"lost {_list(lost)}"] if lost else []
    parts += [f"gained {_list(gained)}"] if gained else []
    return Broken(
        after.place,
        f"from {before.place.text} to {after.place.text}: {', '.join(parts)}",
        {
            "lost": [json.loads(key) for key in list(lost)[:_LISTED]],
            "gained": [json.loads(key) for key in list(gained)[:_LISTED]],
        },
    )


def _counted(seen: _Seen) -> Counter[str]:
    """How often each entry is there, by its canonical JSON."""
    return Counter(_canonical(entry) for entry in seen.entries)


def _canonical(value: Json) -> str:
    """Equal JSON as equal text: ``1`` and ``1.0`` are one number."""
    return json.dumps(_plain_numbers(value), sort_keys=True, ensure_ascii=False)


def _plain_numbers(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain_numbers(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain_numbers(part) for key, part in value.items()}
    return value


def _sum(seen: _Seen) -> float:
    values = seen.values if seen.several or not isinstance(seen.values[0], list) else seen.values[0]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unclear(f"{seen.place.text}: {shown(value, 40)} is no number")
    try:
        return math.fsum(values)
    except OverflowError as error:
        raise Unclear(f"{seen.place.text}: the sum is too large") from error


_NOTHING = object()


def _difference(
    one: Json, other: Json, way: list[str | int]
) -> tuple[list[str | int], object, object] | None:
    """The way to the first difference, with both sides; None where they are equal JSON."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys: list[str | int] = [*one, *(key for key in other if key not in one)]
        sides = [(key, one.get(key, _NOTHING), other.get(key, _NOTHING)) for key in keys]
    elif isinstance(one, list) and isinstance(other, list):
        length = max(len(one), len(other))
        padded = ([*part, *[_NOTHING] * (length - len(part))] for part in (one, other))
        sides = [(place, *pair) for place, pair in enumerate(zip(*padded, strict=True))]
    else:
        return None if _equal(one, other) else (way, one, other)
    found = (_difference(had, has, [*way, key]) for key, had, has in sides)
    return next((difference for difference in found if difference), None)


def _equal(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _or_nothing(value: object) -> str:
    return "nothing" if value is _NOTHING else shown(value, 60)


def _many(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _list(keys: Mapping[str, int]) -> str:
    texts = [key if len(key) <= 40 else f"{key[:40]}…" for key in keys]
    more = f" and {len(texts) - 5} more" if len(texts) > 5 else ""
    return ", ".join(texts[:5]) + more
