"""The only place that knows the library JSON Schemas are compared and validated with.

Its canonical form is experimental, so its version is pinned and everything
else speaks of ``Answer``, plain schemas and ``Violation``. Schemas that are
compared must have been normalised (``normal``). An answer of ``UNKNOWN``
proves nothing: callers must not read it as either of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import jsonschema_rs
from jsonschema_rs import canonical

from orchestrator.plugins.builtin.contracts.documents import pointer
from orchestrator.plugins.spec import Json

__all__ = [
    "Answer",
    "Violation",
    "admits",
    "both",
    "covers",
    "invalid",
    "json_path",
    "lost",
    "reduced",
    "references",
    "remarks",
    "same",
    "scoped",
    "violations",
]

_DRAFT = 20
#: The largest pair of schemas that is subtracted, in characters of JSON.
_MAX_SUBTRACTED = 12_000
#: Properties of one object beyond which the library may take minutes to answer.
_MAX_WIDE = 80
_DIALECTS: Mapping[int, type] = {
    4: jsonschema_rs.Draft4Validator,
    6: jsonschema_rs.Draft6Validator,
    7: jsonschema_rs.Draft7Validator,
    19: jsonschema_rs.Draft201909Validator,
    20: jsonschema_rs.Draft202012Validator,
}


class Answer(StrEnum):
    """Whether one schema admits every value another does."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a value: where in it, as a JSON path and as a pointer, and what."""

    path: str
    message: str
    pointer: str = ""


def covers(reader: Json, writer: Json) -> Answer:
    """Whether ``reader`` admits every value ``writer`` admits.

    Unknown for objects of very many properties, see ``proofs``.
    """
    if max(_widest(reader), _widest(writer)) > _MAX_WIDE:
        return Answer.UNKNOWN
    try:
        contained = _canonical(reader).covers(_canonical(writer))
    except ValueError:
        return Answer.UNKNOWN
    return Answer(contained.value)


def lost(writer: Json, reader: Json) -> Json | None:
    """The schema of exactly what ``writer`` admits and ``reader`` refuses, if it can be written.

    Large schemas have none: its size is the product of theirs, and so is the time.
    """
    if len(json.dumps(writer)) + len(json.dumps(reader)) > _MAX_SUBTRACTED:
        return None
    try:
        left = _canonical(writer).subtract(_canonical(reader))
    except ValueError:
        return None
    return _written(left)


def both(one: Json, other: Json) -> Json | None:
    """The schema of what both admit, or None where it admits nothing or cannot be written."""
    try:
        shared = _canonical(one).intersect(_canonical(other))
    except ValueError:
        return None
    if shared.satisfiability() == canonical.Satisfiability.NO:
        return None
    return _written(shared)


def scoped(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> dict[str, Json]:
    """A part of a schema as one of its own, with the definitions it needs and no others."""
    needed: dict[str, Json] = {}
    todo = [schema]
    while todo:
        for name in references(todo.pop()):
            if name not in needed and name in definitions:
                needed[name] = definitions[name]
                todo.append(definitions[name])
    return {**schema, "$defs": needed}


def references(schema: Json) -> Iterator[str]:
    """The names of the definitions a schema refers to."""
    if isinstance(schema, list):
        for part in schema:
            yield from references(part)
    elif isinstance(schema, dict):
        for keyword, part in schema.items():
            if keyword == "$ref" and isinstance(part, str):
                yield part.removeprefix("#/$defs/")
            elif keyword not in ("const", "enum", "$defs"):
                yield from references(part)


def same(one: Json, other: Json) -> bool:
    """Whether two schemas are proven to admit the same values."""
    return covers(one, other) is Answer.YES and covers(other, one) is Answer.YES


def reduced(schema: Json) -> Json | None:
    """An equivalent schema in its simplest form, or None where it has none."""
    try:
        return _written(_canonical(schema))
    except ValueError:
        return None


class Admits:
    """Whether values are valid under a schema; ``format`` is an annotation here."""

    def __init__(self, schema: Json) -> None:
        self._validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)

    def __call__(self, value: Json) -> bool:
        try:
            return bool(self._validator.is_valid(value))
        except ValueError:
            return False


def admits(schema: Json) -> Admits:
    """A test of values against a normalised schema; raises ``ValueError`` for an invalid one."""
    return Admits(schema)


def violations(
    schema: Json, value: Json, *, dialect: int = _DRAFT, most: int = 10
) -> list[Violation]:
    """What is wrong with a value, formats included; raises ``ValueError`` for a wrong schema."""
    validator = _DIALECTS[dialect](schema, validate_formats=True, offline=True)
    return list(_violations(validator.iter_errors(value), most))


def invalid(schema: Json, dialect: int, most: int = 10) -> list[Violation]:
    """What makes a schema no valid schema of its draft; empty when it is one.

    Formats count: a pattern must be a regular expression. A meta-schema is
    made of several that say the same: each place is named once.
    """
    found = violations({"$ref": _URIS[dialect]}, schema, dialect=dialect, most=10 * most)
    return list({violation.pointer: violation for violation in found}.values())[:most]


_URIS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    19: "https://json-schema.org/draft/2019-09/schema",
    20: "https://json-schema.org/draft/2020-12/schema",
}


#: Keywords that say something no comparison looks at.
_ANNOTATIONS = {
    "format": "format (counts for samples only)",
    "default": "default",
    "readOnly": "readOnly",
    "writeOnly": "writeOnly",
    "contentEncoding": "contentEncoding",
    "contentMediaType": "contentMediaType",
    "contentSchema": "contentSchema",
}


def remarks(schema: Json, named: bool = False) -> set[str]:
    """What a schema says and no comparison looks at. ``named``: its keys are names."""
    if isinstance(schema, list):
        return set[str]().union(*(remarks(part) for part in schema))
    if not isinstance(schema, dict):
        return set()
    found = set() if named else {_ANNOTATIONS[key] for key in schema if key in _ANNOTATIONS}
    for key, part in schema.items():
        if named or key not in ("const", "enum", "default", "examples"):
            found |= remarks(part, not named and key in _NAMED)
    return found


_NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))


def _violations(errors: Iterator[Json], most: int) -> Iterator[Violation]:
    """``Json`` because the library's error type is untyped where it is optional."""
    for error in islice(errors, most):
        path = error.instance_path
        yield Violation(json_path(path), error.message, pointer(*path))


def json_path(parts: Sequence[str | int]) -> str:
    """``["lines", 0, "the tea"]`` as ``$.lines[0]["the tea"]``."""
    written = "$"
    for part in parts:
        if isinstance(part, int):
            written += f"[{part}]"
        elif part.isidentifier():
            written += f".{part}"
        else:
            written += f'["{part}"]'
    return written


def _widest(schema: Json) -> int:
    """The most properties of any object in a schema."""
    if isinstance(schema, list):
        return max(map(_widest, schema), default=0)
    if not isinstance(schema, dict):
        return 0
    properties = schema.get("properties")
    here = len(properties) if isinstance(properties, dict) else 0
    return max(here, *map(_widest, schema.values()), 0)


def _canonical(schema: Json) -> jsonschema_rs.CanonicalSchema:
    return jsonschema_rs.canonicalize(schema, draft=_DRAFT, validate_formats=False, offline=True)


def _written(schema: jsonschema_rs.CanonicalSchema) -> Json:
    written = schema.to_json_schema()
    if isinstance(written, dict):
        written.pop("$schema", None)
    return written
