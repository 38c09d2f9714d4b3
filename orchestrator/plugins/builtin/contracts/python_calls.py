"""Calls that show a break of a Python function: bound by the one signature, not by the other.

Nothing is imported or called: signatures are made from what was read.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Shown", "known", "shown"]

_KINDS = {
    "positional-only": inspect.Parameter.POSITIONAL_ONLY,
    "positional or keyword": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "variadic positional": inspect.Parameter.VAR_POSITIONAL,
    "keyword-only": inspect.Parameter.KEYWORD_ONLY,
    "variadic keyword": inspect.Parameter.VAR_KEYWORD,
}
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Shown:
    """A call as text, and what the other signature makes of it."""

    call: str
    refused: str


def shown(name: str, old: Any, new: Any) -> Shown | None:
    """A call the old function takes and the new one refuses or understands otherwise.

    ``Any``: objects of the library that read them; None where none is found.
    """
    before, after = _signature(old), _signature(new)
    if before is None or after is None:
        return None
    for places, words in _calls(before):
        try:
            meant = before.bind(*places, **words).arguments
        except TypeError:
            continue
        try:
            understood = after.bind(*places, **words).arguments
        except TypeError as error:
            return Shown(_text(name, places, words), str(error))
        other = [n for n, value in meant.items() if n in after.parameters
                 and understood.get(n) != value]  # fmt: skip
        if other:
            return Shown(_text(name, places, words), f"{other[0]} would be another argument")
    return None


def known(old: Any, new: Any) -> bool:
    """True where both can be called as far as was read, so that no call found means no break."""
    return _signature(old) is not None and _signature(new) is not None


def _signature(function: Any) -> inspect.Signature | None:
    """The signature, without the first argument of a method."""
    parameters = getattr(function, "parameters", None)
    if parameters is None:
        return None
    made = []
    for one in parameters:
        kind = _KINDS.get(str(getattr(one.kind, "value", one.kind)))
        if kind is None:
            return None
        default = ... if one.default is not None and kind not in _VARIADIC else inspect._empty
        made.append(inspect.Parameter(one.name, kind, default=default))
    owner = getattr(function, "parent", None)
    labels: set[str] = getattr(function, "labels", set())
    if made and getattr(owner, "is_class", False) and "staticmethod" not in labels:
        made = made[1:]
    try:
        return inspect.Signature(_by_place(made))
    except ValueError:
        return None


def _by_place(made: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Leading ``__names`` are passed by place only: that is how it was written before ``/``."""
    for index, one in enumerate(made):
        dunder = one.name.endswith("__")
        if one.kind not in _BY_PLACE or not one.name.startswith("__") or dunder:
            break
        made[index] = one.replace(kind=inspect.Parameter.POSITIONAL_ONLY)
    return made


def _calls(signature: inspect.Signature) -> Iterator[tuple[list[str], dict[str, str]]]:
    """With what is required; then one more by its name; then all by their place; then others.

    Others are what only ``*args`` and ``**kwargs`` take.
    """
    every = [p for p in signature.parameters.values() if p.kind not in _VARIADIC]
    needed = [p for p in every if p.default is inspect._empty]
    places = [p.name for p in needed if p.kind in _BY_PLACE]
    words = {p.name: p.name for p in needed if p.kind not in _BY_PLACE}
    yield places, words
    for one in every:
        if one.kind is not inspect.Parameter.POSITIONAL_ONLY and one.name not in places:
            yield places, {**words, one.name: one.name}
    yield [], {p.name: p.name for p in needed}
    ordered = [p.name for p in every if p.kind in _BY_PLACE]
    for length in range(len(places) + 1, len(ordered) + 1):
        yield ordered[:length], words
    kinds = {p.kind: p.name for p in signature.parameters.values() if p.kind in _VARIADIC}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        yield [*ordered, kinds[inspect.Parameter.VAR_POSITIONAL]], words
    if inspect.Parameter.VAR_KEYWORD in kinds:
        yield places, {**words, "any_other": "any_other"}


def _text(name: str, places: list[str], words: dict[str, str]) -> str:
    given = [*places, *(f"{word}={value}" for word, value in words.items())]
    return f"{name}({', '.join(given)})"
