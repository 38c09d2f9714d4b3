"""A few strings that match a regular expression, for examples; not every expression has one here.

The candidates are only candidates: callers test each against the schema, so a
difference between the dialects of expressions costs an example, never truth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["matching"]

_ALPHABET = "aZ0 _-.b9Ay!é/"
_CATEGORIES = {"DIGIT": "0", "NOT_DIGIT": "a", "SPACE": " ", "NOT_SPACE": "a", "WORD": "a",
               "NOT_WORD": "-"}  # fmt: skip
#: How one string is chosen: which character of a set, and how many more repeats than the least.
_CHOICES = ((0, 0), (-1, 0), (0, 1), (-1, 2), (1, 4), (-1, 12))


def matching(pattern: str) -> Iterator[str]:
    """Up to six different candidates, none for what is not understood."""
    parser = getattr(re, "_parser", None)  # the standard library's own, and private: may vanish
    if parser is None:
        return
    try:
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return
    seen = set()
    for which, extra in _CHOICES:
        try:
            text = _sequence(tree, which, extra)
        except (KeyError, ValueError, RecursionError):
            return
        if text not in seen and len(text) <= 4096:
            seen.add(text)
            yield text


def _sequence(tree: Any, which: int, extra: int) -> str:  # Any: the parser's tree is untyped
    return "".join(_part(str(kind), value, which, extra) for kind, value in tree)


def _part(kind: str, value: Any, which: int, extra: int) -> str:
    return _PARTS[kind](value, which, extra)


def _repeat(value: Any, which: int, extra: int) -> str:
    least, most, tree = value
    times = min(int(least) + extra, int(most), int(least) + 12)
    return _sequence(tree, which, extra) * times


def _set(value: Any, which: int, extra: int) -> str:
    del extra
    if str(value[0][0]) == "NEGATE":
        refused = set().union(*(_characters(*item) for item in value[1:]))
        allowed = [c for c in _ALPHABET if c not in refused]
    else:
        allowed = [c for item in value for c in _ends(*item)]
    return allowed[which if which == -1 or which < len(allowed) else 0]


def _ends(kind: Any, value: Any) -> list[str]:
    """The characters at both ends of one item of a set."""
    if str(kind) == "RANGE":
        return [chr(value[0]), chr(value[1])]
    return sorted(_characters(kind, value))


def _characters(kind: Any, value: Any) -> set[str]:
    if str(kind) == "LITERAL":
        return {chr(value)}
    if str(kind) == "RANGE":
        return set(map(chr, range(value[0], min(value[1], value[0] + 512) + 1)))
    return {_CATEGORIES[str(value).removeprefix("CATEGORY_")]}


def _branch(value: Any, which: int, extra: int) -> str:
    branches = value[1]
    return _sequence(branches[which if which == -1 or which < len(branches) else 0], which, extra)


_PARTS: dict[str, Callable[[Any, int, int], str]] = {
    "LITERAL": lambda value, _w, _e: chr(value),
    "NOT_LITERAL": lambda value, _w, _e: "a" if value != ord("a") else "b",
    "ANY": lambda _v, which, _e: _ALPHABET[which],
    "IN": _set,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "BRANCH": _branch,
    "SUBPATTERN": lambda value, which, extra: _sequence(value[-1], which, extra),
    "ATOMIC_GROUP": lambda value, which, extra: _sequence(value, which, extra),
    "AT": lambda _v, _w, _e: "",
}
