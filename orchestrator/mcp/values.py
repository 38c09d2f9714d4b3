"""Results as a model reads them: plain JSON without what is empty, times as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

__all__ = ["LIMIT", "plain", "some"]

#: Entries of a list that are given; the others are counted.
LIMIT = 50
#: What a list says that is whole.
_ALL_TOLD = ("omitted", 0)


def plain(value: Any, name: str = "") -> Any:
    """Records as objects, tuples as lists; None and empty lists are left out.

    A number (ms since the epoch) whose name ends in ``at`` is RFC 3339 text, UTC.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        made = {str(k): plain(v, str(k)) for k, v in value.items()}
        return {
            k: v for k, v in made.items() if v not in (None, [], {}, "") and (k, v) != _ALL_TOLD
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return str(value)
    if (name == "at" or name.endswith("_at")) and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
    return value


def some(name: str, values: Iterable[Any], keys: str = "") -> dict[str, Any]:
    """A list under ``name``, at most ``LIMIT`` entries of it; ``keys``: only these fields.

    How many were left out stands under ``NAME_omitted``.
    """
    found = list(values)
    kept = [_only(one, keys.split()) for one in found[:LIMIT]]
    more = {f"{name}_omitted": len(found) - LIMIT} if len(found) > LIMIT else {}
    return {name: kept, **more}


def _only(value: Any, keys: list[str]) -> Any:
    return {key: getattr(value, key) for key in keys} if keys else value
