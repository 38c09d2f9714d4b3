"""Where in a schema's document the part stands that judges a place of a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.plugins.builtin.contracts.documents import pointer
from orchestrator.plugins.spec import Json

__all__ = ["place_of"]

_STEPS = 100
_COMBINED = ("allOf", "anyOf", "oneOf")
_ITEMS = ("items", "prefixItems", "additionalItems", "contains", "unevaluatedItems")
_OTHERS = ("additionalProperties", "unevaluatedProperties")

#: Keys that lead from the root of a document to a part of it.
Keys = tuple[str | int, ...]


def place_of(document: Json, at: Sequence[str | int], root: str = "") -> str:
    """The JSON pointer of the schema for the value at path ``at``, or of the nearest around it.

    ``*`` in the path is any item, ``.*`` any undeclared property. ``root`` is
    the pointer of the schema that judges the whole value.
    """
    keys: Keys = tuple(_unescaped(part) for part in root.split("/")[1:])
    keys = _followed(document, keys)
    for part in at:
        found = next(_below(document, keys, part, _STEPS), None)
        if found is None:
            break
        keys = _followed(document, found)
    return pointer(*keys)


def _below(document: Json, keys: Keys, part: str | int, steps: int) -> Iterator[Keys]:
    """The schemas of one part of a value, those that name it first."""
    schema = _at(document, keys)
    if not isinstance(schema, dict) or steps <= 0:
        return
    if part in schema.get("properties", {}):
        yield (*keys, "properties", part)
    for keyword in _ITEMS if isinstance(part, int) or part == "*" else ():
        inner = schema.get(keyword)
        if isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            yield (*keys, keyword, part)
        elif isinstance(inner, dict):
            yield (*keys, keyword)
    for keyword in _COMBINED:
        for index in range(len(schema.get(keyword, ()))):
            inside = _followed(document, (*keys, keyword, index))
            yield from _below(document, inside, part, steps - 1)
    for keyword in _OTHERS:
        if isinstance(schema.get(keyword), dict):
            yield (*keys, keyword)


def _followed(document: Json, keys: Keys) -> Keys:
    """Where references within the document lead."""
    for _ in range(_STEPS):
        schema = _at(document, keys)
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target = tuple(_unescaped(part) for part in reference[1:].split("/")[1:])
        if _at(document, target) is None:
            break
        keys = target
    return keys


def _at(document: Json, keys: Keys) -> Json:
    for key in keys:
        if isinstance(document, dict) and str(key) in document:
            document = document[str(key)]
        elif isinstance(document, list) and str(key).isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
