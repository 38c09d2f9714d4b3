"""What each draft of JSON Schema means by its keywords, said in the words of 2020-12."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.plugins.spec import Json

__all__ = ["DIALECT", "OPENAPI_30", "dialect_of", "knows", "modern", "static"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: OpenAPI 3.0 speaks a dialect of its own: draft 4 with ``nullable``.
OPENAPI_30 = 3

_DRAFTS = {"draft-04": 4, "draft-06": 6, "draft-07": 7, "2019-09": 19, "2020-12": 20}
#: Keyword → the first draft that knows it; the others are known to all.
_SINCE: Mapping[str, int] = {
    **dict.fromkeys(("const", "contains", "propertyNames"), 6),
    **dict.fromkeys(("if", "then", "else"), 7),
    **dict.fromkeys(
        ("dependentRequired", "dependentSchemas", "minContains", "maxContains",
         "unevaluatedItems", "unevaluatedProperties", "$recursiveRef"),
        19,
    ),
    **dict.fromkeys(("prefixItems", "$dynamicRef"), 20),
}  # fmt: skip
#: Keyword → the last draft that knows it.
_UNTIL: Mapping[str, int] = {"dependencies": 7, "$recursiveRef": 19}


def dialect_of(document: Json, default: int = 20) -> int:
    """4, 6, 7, 19 or 20 by ``$schema``; ``default`` where it says nothing or something else."""
    named = document.get("$schema") if isinstance(document, dict) else None
    if isinstance(named, str):
        for part, draft in _DRAFTS.items():
            if part in named:
                return draft
    return default


def knows(dialect: int, keyword: str) -> bool:
    """Whether a keyword means anything in a dialect."""
    return _SINCE.get(keyword, 0) <= dialect <= _UNTIL.get(keyword, 99)


def modern(schema: Mapping[str, Json], dialect: int) -> dict[str, Json]:
    """The keywords of a dialect as 2020-12 writes them, without those it does not know."""
    known = {keyword: value for keyword, value in schema.items() if knows(dialect, keyword)}
    if dialect <= 4:
        _exclusive(known, "minimum", "exclusiveMinimum")
        _exclusive(known, "maximum", "exclusiveMaximum")
    if dialect == OPENAPI_30 and known.get("nullable") is True:
        _nullable(known)
    if dialect < 20 and isinstance(known.get("items"), list):
        known["prefixItems"] = known.pop("items")
        if "additionalItems" in known:
            known["items"] = known["additionalItems"]
    dependencies = known.pop("dependencies", None)
    if isinstance(dependencies, dict):
        _dependencies(known, dependencies)
    return known


def static(document: Json, dialect: int) -> Json:
    """The document with its dynamic references made plain, where only one schema can be meant.

    That is so in a document on its own, without embedded ones, whose dynamic
    anchors have different names. Elsewhere they stay.
    """
    dynamic = {19: "$recursiveRef", 20: "$dynamicRef"}.get(dialect)
    if dynamic is None or not any(dynamic in part for part in _objects(document)):
        return document
    parts = list(_objects(document))
    anchors = [part["$dynamicAnchor"] for part in parts if "$dynamicAnchor" in part]
    embedded = any("$id" in part for part in parts[1:])
    outside = any(not str(part.get("$ref", "#")).startswith("#") for part in parts)
    if embedded or outside or len(set(map(str, anchors))) < len(anchors):
        return document
    return _plain(document, dynamic)


def _plain(value: Json, dynamic: str) -> Json:
    if isinstance(value, list):
        return [_plain(part, dynamic) for part in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _plain(part, dynamic) for key, part in value.items()}
    if isinstance(inner.get(dynamic), str) and "$ref" not in inner:
        inner["$ref"] = inner.pop(dynamic)
    return inner


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, dict):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _objects(part)


def _exclusive(schema: dict[str, Json], bound: str, exclusive: str) -> None:
    """Draft 4 says ``minimum: 3, exclusiveMinimum: true`` for ``exclusiveMinimum: 3``."""
    flag = schema.get(exclusive)
    if isinstance(flag, bool):
        del schema[exclusive]
        if flag and bound in schema:
            schema[exclusive] = schema.pop(bound)


def _nullable(schema: dict[str, Json]) -> None:
    """``nullable`` counts only beside ``type``; an enum without null still refuses null."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]


def _dependencies(schema: dict[str, Json], dependencies: Mapping[str, Json]) -> None:
    lists = {name: part for name, part in dependencies.items() if isinstance(part, list)}
    schemas = {name: part for name, part in dependencies.items() if name not in lists}
    if lists:
        schema["dependentRequired"] = lists
    if schemas:
        schema["dependentSchemas"] = schemas
