"""Closes the objects of a schema: what it does not name, its writer does not send.

Adding an optional property to an object is, strictly, a break: a writer might
have sent something else under that name. Nobody expects to be told so, hence
``content_model: closed``: the writer's side of a comparison is closed first.
An object that says itself what else it takes (``additionalProperties`` in any
form), or names no property at all (a map), is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.plugins.builtin.contracts.normal import PART
from orchestrator.plugins.spec import Json

__all__ = ["closed"]

Definitions = Mapping[str, Json]

_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE = ("if", "then", "else", "not")
_VALUES = ("items", "additionalProperties", "contains", "unevaluatedItems", "unevaluatedProperties")


def closed(schema: Mapping[str, Json]) -> dict[str, Json]:
    """A normalised schema with every object of named properties closed."""
    definitions = schema.get("$defs", {})
    inside = {
        name: _inside(part, definitions) if name.endswith(PART) else _value(part, definitions)
        for name, part in definitions.items()
    }
    root = {name: part for name, part in schema.items() if name != "$defs"}
    return {**_value(root, definitions), "$defs": inside}


@dataclass(slots=True)
class _Known:
    """What a schema says about the properties of its value."""

    names: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    decided: bool = False


def _value(schema: Json, definitions: Definitions) -> Json:
    """A schema of a value of its own, closed."""
    if not isinstance(schema, dict):
        return schema
    inner = _inside(schema, definitions)
    known = _Known()
    _collect(schema, known, definitions)
    if known.decided or not (known.names or known.patterns):
        return inner
    inner["properties"] = {
        **{name: {} for name in sorted(known.names)},
        **inner.get("properties", {}),
    }
    patterns: dict[str, Json] = {pattern: {} for pattern in sorted(known.patterns)}
    if patterns:
        inner["patternProperties"] = {**patterns, **inner.get("patternProperties", {})}
    inner["additionalProperties"] = {"not": {}}
    return inner


def _inside(schema: Mapping[str, Json], definitions: Definitions) -> dict[str, Json]:
    """The same schema with the values below it closed, not itself."""
    inner = dict(schema)
    for keyword in ("properties", "patternProperties"):
        if keyword in inner:
            inner[keyword] = {
                name: _value(part, definitions) for name, part in inner[keyword].items()
            }
    for keyword in _VALUES:
        if keyword in inner:
            inner[keyword] = _value(inner[keyword], definitions)
    if "prefixItems" in inner:
        inner["prefixItems"] = [_value(part, definitions) for part in inner["prefixItems"]]
    for keyword in _SAME_VALUE_LISTS:
        if keyword in inner:
            inner[keyword] = [_inside(part, definitions) for part in inner[keyword]]
    for keyword in ("then", "else"):
        if keyword in inner:
            inner[keyword] = _inside(inner[keyword], definitions)
    if "dependentSchemas" in inner:
        inner["dependentSchemas"] = {
            k: _inside(v, definitions) for k, v in inner["dependentSchemas"].items()
        }
    return inner


def _collect(schema: Mapping[str, Json], known: _Known, definitions: Definitions) -> None:
    known.names |= {*schema.get("properties", {}), *schema.get("required", ())}
    known.patterns |= {*schema.get("patternProperties", {})}
    for name, needed in schema.get("dependentRequired", {}).items():
        known.names |= {name, *needed}
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        known.decided = known.decided or keyword in schema
    for part in _same_value(schema):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        _collect(definitions.get(name, part), known, definitions)


def _same_value(schema: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Schemas inside this one that judge the same value."""
    for keyword in _SAME_VALUE_LISTS:
        yield from schema.get(keyword, ())
    for keyword in _SAME_VALUE:
        if keyword in schema:
            yield schema[keyword]
    yield from schema.get("dependentSchemas", {}).values()
