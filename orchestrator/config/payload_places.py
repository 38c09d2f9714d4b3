"""Places in the payloads of a flow, as ready-made invariants name them. Pure.

``keep.output.lines[].id``: of the step ``keep``, its output, the ``id`` of
every entry of ``lines``. A key that is no plain word stands in ``["…"]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["EVERY", "BadPlace", "Place", "parsed"]

#: In ``Place.way``: every entry.
EVERY = None
_PART = re.compile(r'\.([^.\[\]"\s]+)|\[(\d*)\]|\["([^"]*)"\]')


class BadPlace(ValueError):
    """A text is no place in a payload; ``hint`` says what would be."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Place:
    """A step, its ``input`` or ``output``, and the way into it: keys, numbers, ``EVERY``."""

    text: str
    step: str
    side: str
    way: tuple[str | int | None, ...] = ()


def parsed(text: str, steps: Iterable[str]) -> Place:
    """The place ``text`` names, among these steps; raises ``BadPlace``."""
    plain = text.removeprefix("steps.")
    names = sorted(steps, key=len, reverse=True)
    for name in names:
        for side in ("input", "output"):
            start = f"{name}.{side}"
            if plain.startswith(start) and plain[len(start) : len(start) + 1] in ("", ".", "["):
                return Place(plain, name, side, _way(plain, len(start)))
    word = plain.split(".")[0]
    if word in names:
        raise BadPlace(f'after step "{word}" has to come .input or .output')
    raise BadPlace(f'there is no step "{word}"', f"steps: {', '.join(sorted(names))}")


def _way(text: str, start: int) -> tuple[str | int | None, ...]:
    way: list[str | int | None] = []
    while start < len(text):
        part = _PART.match(text, start)
        if part is None:
            raise BadPlace(
                f'"{text[start:]}" leads nowhere', "write .KEY, [0], or [] for every entry"
            )
        key, number, quoted = part.groups()
        way.append(key if key is not None else quoted if quoted is not None else _index(number))
        start = part.end()
    return tuple(way)


def _index(number: str) -> int | None:
    return int(number) if number else EVERY
