"""Path patterns: which paths a pattern matches, and whether two patterns share one.

A pattern is a repository-relative path with ``/``, always anchored at the root:

- ``*`` any characters within one name, ``?`` one character, both also a leading dot;
- ``[a-z]``, ``[!a-z]`` one character (not) in a set; ``[*]`` is a literal ``*``;
- ``**`` as a whole name: any number of folders; at the end: everything inside;
- ``folder/`` means ``folder/**``.

Whether two patterns share a path is decided exactly, by searching the product
of the two, never by trying sample paths. Reads no file: case and symbolic
links are the caller's affair.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

__all__ = ["Overlap", "escape", "matches", "overlap", "overlaps"]

T = TypeVar("T")

#: A set of characters, as sorted ranges of code points, both ends included.
_Chars = tuple[tuple[int, int], ...]
#: One name of a pattern; None stands for ``*``.
_Name = tuple[_Chars | None, ...]
#: A whole pattern; None stands for ``**``, any number of folders. Never ends with None.
_Pattern = tuple[_Name | None, ...]

_LAST = 0x10FFFF
_ANY: _Chars = ((1, ord("/") - 1), (ord("/") + 1, _LAST))
_ANYTHING: _Name = (None,)
#: What no file is called.
_NO_NAMES = frozenset({"", ".", ".."})
#: Characters an example path is made of, where there is a choice.
_FRIENDLY = string.ascii_lowercase + string.digits + string.ascii_uppercase + "_-+=@%~,:;!#$&'()^{}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two owners' patterns that both match ``witness``, a path."""

    owner: str
    pattern: str
    other: str
    other_pattern: str
    witness: str


def matches(pattern: str, path: str) -> bool:
    """True when ``pattern`` matches ``path``, a normalised repository-relative path."""
    return _regex(pattern).fullmatch(path) is not None


def overlap(one: str, other: str) -> str | None:
    """A path both patterns match, or None when there is none."""
    found = _search(_parse(one), _parse(other), _share_name, "/", frozenset())
    return _readable(found, one, other) if found else None


def _readable(witness: str, one: str, other: str) -> str:
    """``src/a.py`` rather than ``src/.py``, where both patterns match that too."""
    better = re.sub(r"(^|/)\.", r"\1a.", witness)
    return better if matches(one, better) and matches(other, better) else witness


def overlaps(owned: Mapping[str, Iterable[str]]) -> Iterator[Overlap]:
    """Every pair of patterns of different owners that share a path, in the order given.

    Only pairs where one's folder contains the other's are compared, so that
    thousands of patterns in folders of their own stay cheap.
    """
    seen: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    below: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for owner, patterns in owned.items():
        for pattern in patterns:
            folder = _folder(pattern)
            above = [folder[:depth] for depth in range(len(folder))]
            near = [entry for place in above for entry in seen.get(place, ())]
            for earlier, its in near + below.get(folder, []):
                if earlier != owner and (witness := overlap(its, pattern)) is not None:
                    yield Overlap(earlier, its, owner, pattern, witness)
            seen.setdefault(folder, []).append((owner, pattern))
            for place in (*above, folder):
                below.setdefault(place, []).append((owner, pattern))


def escape(path: str) -> str:
    """The pattern that matches ``path`` and nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", path)


@lru_cache(maxsize=4096)
def _parse(pattern: str) -> _Pattern:
    """Names of the pattern. ``**`` at the end becomes ``**/*``: a folder is no file in itself."""
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if pattern.endswith("/"):
        names.append("**")
    parsed = [None if name == "**" else _parse_name(name) for name in names]
    if parsed and parsed[-1] is None:
        parsed.append(_ANYTHING)
    return tuple(parsed)


def _parse_name(name: str) -> _Name:
    """Characters and stars of one name; a run of stars is one."""
    found: list[_Chars | None] = []
    place = 0
    while place < len(name):
        sign, end = name[place], place + 1
        if sign == "*":
            if not found or found[-1] is not None:
                found.append(None)
        elif sign == "?":
            found.append(_ANY)
        elif sign == "[" and (close := _closing(name, place)) > 0:
            found.append(_parse_set(name[place + 1 : close]))
            end = close + 1
        else:
            found.append(((ord(sign), ord(sign)),))
        place = end
    return tuple(found)


def _closing(name: str, opening: int) -> int:
    """Where the ``]`` of a set is, or -1; a ``]`` that comes first is a member."""
    first = opening + 1
    if name[first : first + 1] in ("!", "^"):
        first += 1
    return name.find("]", first + 1)


def _parse_set(body: str) -> _Chars:
    """The characters of ``[body]``; never ``/``."""
    negated = body[0] in "!^"
    rest = body[1:] if negated else body
    ranges: list[tuple[int, int]] = []
    while rest:
        if len(rest) > 2 and rest[1] == "-":
            ranges.append((ord(rest[0]), ord(rest[2])))
            rest = rest[3:]
        else:
            ranges.append((ord(rest[0]), ord(rest[0])))
            rest = rest[1:]
    chosen = _merged(ranges)
    return _common(_complement(chosen) if negated else chosen, _ANY)


def _merged(ranges: Iterable[tuple[int, int]]) -> _Chars:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(r for r in ranges if r[0] <= r[1]):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(chars: _Chars) -> _Chars:
    edges = [0, *(edge for low, high in chars for edge in (low - 1, high + 1)), _LAST]
    return tuple((low, high) for low, high in zip(edges[::2], edges[1::2], strict=True)
                 if low <= high)  # fmt: skip


def _common(one: _Chars, other: _Chars) -> _Chars:
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((low, high) for low, high in pairs if low <= high)


def _folder(pattern: str) -> tuple[str, ...]:
    """The literal folders a pattern begins with."""
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    literal: list[str] = []
    for name in names if pattern.endswith("/") else names[:-1]:
        if re.search(r"[*?\[]", name):
            break
        literal.append(name)
    return tuple(literal)


def _search(
    one: Sequence[T | None],
    other: Sequence[T | None],
    share: Callable[[T | None, T | None], str | None],
    glue: str,
    forbidden: frozenset[str],
) -> str | None:
    """A shortest word both sequences accept and ``forbidden`` lacks, or None.

    In a sequence None repeats anything, any number of times. Beside the two
    places a state keeps the word itself while it can still become forbidden.
    """
    start = (0, 0, "" if "" in forbidden else None)
    queue: deque[tuple[int, int, str | None, tuple[str, ...]]] = deque([(*start, ())])
    seen = {start}
    while queue:
        i, j, kept, word = queue.popleft()
        if i == len(one) and j == len(other):
            if kept is None:
                return glue.join(word)
            continue
        a_star, b_star = i < len(one) and one[i] is None, j < len(other) and other[j] is None
        steps = [(i + 1, j, kept, word)] if a_star else []
        steps += [(i, j + 1, kept, word)] if b_star else []
        if i < len(one) and j < len(other) and (piece := share(one[i], other[j])) is not None:
            longer = None if kept is None else kept + piece
            kept_on = longer if longer in forbidden else None
            steps.append((i + (not a_star), j + (not b_star), kept_on, (*word, piece)))
        for step in steps:
            if step[:3] not in seen:
                seen.add(step[:3])
                queue.append(step)
    return None


def _share_char(one: _Chars | None, other: _Chars | None) -> str | None:
    """A character of both sets, a friendly one if there is; a dot only if nothing else is."""
    both = _common(_ANY if one is None else one, _ANY if other is None else other)
    for char in _FRIENDLY:
        if any(low <= ord(char) <= high for low, high in both):
            return char
    others = [chr(low) for low, _ in both if chr(low) != "."]
    return next(iter(others), "." if both else None)


@lru_cache(maxsize=4096)
def _share_name(one: _Name | None, other: _Name | None) -> str | None:
    """A name both match; None is any name at all."""
    left, right = (_ANYTHING if name is None else name for name in (one, other))
    return _search(left, right, _share_char, "", _NO_NAMES)


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression whose time is bounded.

    After a star the earliest match of what follows is as good as any later
    one, so all but the last star are atomic: nothing is tried twice.
    """
    names = _parse(pattern)
    last = max((i for i, name in enumerate(names) if name is None), default=-1)
    text, opened = "", False
    for place, name in enumerate(names):
        if name is None:
            text += ")" if opened else ""
            opened = place != last
            text += ("(?>" if opened else "") + r"(?:[^/]+/)*?"
        else:
            text += _name_regex(name) + ("/" if place < len(names) - 1 else "")
    return re.compile(text or r"(?!)", re.DOTALL)


def _name_regex(name: _Name) -> str:
    if name == _ANYTHING:
        return "[^/]+"
    last = max((i for i, chars in enumerate(name) if chars is None), default=-1)
    text, opened = "", False
    for place, chars in enumerate(name):
        if chars is None:
            text += ")" if opened else ""
            opened = place != last
            text += ("(?>" if opened else "") + "[^/]*?"
        else:
            text += _set_regex(chars)
    # The name has to end here, else an atomic group around it would settle for a beginning.
    return text + r"(?=/|\Z)" if last >= 0 else text


def _set_regex(chars: _Chars) -> str:
    if len(chars) == 1 and chars[0][0] == chars[0][1]:
        return re.escape(chr(chars[0][0]))
    if not chars:
        return "(?!)"
    body = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in chars)
    return f"[{body}]"
