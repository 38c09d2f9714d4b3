"""Says in words where one schema refuses what another admits, and names the lost values.

Walks both schemas side by side, only where the reader is not proven to admit
what the writer does. What it says is a reading of the difference; each comes
with a whole value that proves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.instances import merged
from orchestrator.plugins.builtin.contracts.pair import Example, Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer, json_path
from orchestrator.plugins.spec import Json

__all__ = ["Difference", "Kind", "explain"]

#: Where in a value: property names, indices, ``*`` for any item, ``.*`` for any other property.
Path = tuple[str | int, ...]

_MOST = 20
_DEPTH = 12
_ITEM, _MEMBER = "*", ".*"
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_GREATEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


class Kind:
    """What sort of difference; the last part of its sentence is made from it."""

    VALUES, TYPES, REQUIRED, REFUSED = "values", "types", "required", "refused"
    BOUND, PATTERN, OTHER = "bound", "pattern", "other"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where values are refused.

    ``path`` is a JSON path with ``[*]`` for "any item", ``at`` its parts. ``names`` are the lost
    values or types, or the name of the property; ``keyword``, ``wrote`` and
    ``reads`` are the limit on both sides. ``lost`` is the lost set at that
    place, ``example`` a whole value that shows this very difference.
    """

    kind: str
    path: str = "$"
    at: Path = ()
    names: tuple[Json, ...] = ()
    keyword: str = ""
    wrote: Json = None
    reads: Json = None
    lost: Json | None = None
    example: Example | None = None


def explain(pair: Pair) -> list[Difference]:
    """Every difference that can be named, at most 20; empty when none can."""
    walk = _Walk(pair)
    walk.node(pair.writer, pair.reader, ())
    return walk.found


class _Walk:
    """Collects differences of one pair."""

    def __init__(self, pair: Pair) -> None:
        self.found: list[Difference] = []
        self._pair = pair
        self._ours: Mapping[str, Json] = pair.reader.get("$defs", {})
        self._theirs: Mapping[str, Json] = pair.writer.get("$defs", {})
        #: Pairs of references → whether what differs there is told; assumed while it is walked.
        self._seen: dict[tuple[str, str], bool] = {}

    def node(self, writer: Json, reader: Json, path: Path) -> bool:
        """Compare the schemas of one place; whether what differs in it is told somewhere.

        Recursive schemas are walked once: what a circle leads back to is told where it began.
        """
        pair = (str(_reference(writer)), str(_reference(reader)))
        if pair in self._seen:
            return self._seen[pair]
        if len(path) > _DEPTH or len(self.found) >= _MOST:
            return False
        if pair != ("None", "None"):
            self._seen[pair] = True
            self._seen[pair] = self._walked(writer, reader, path)
            return self._seen[pair]
        return self._walked(writer, reader, path)

    def _walked(self, writer: Json, reader: Json, path: Path) -> bool:
        writer, reader = _followed(writer, self._theirs), _followed(reader, self._ours)
        sent, read = schemas.scoped(writer, self._theirs), schemas.scoped(reader, self._ours)
        if schemas.covers(read, sent) is Answer.YES:
            return False
        before = len(self.found)
        sender, receiver = _flat(writer), _flat(reader)
        for difference in _here(sender, receiver, schemas.admits(read)):
            self._add(difference, path)
        told = [self.node(one, other, (*path, *part)) for one, other, part
                in _below(sender, receiver)]  # fmt: skip
        if len(self.found) == before and not any(told) and path:
            self._add(Difference(Kind.OTHER, lost=schemas.lost(sent, read)), path)
        return any(told) or len(self.found) > before

    def _add(self, difference: Difference, path: Path) -> None:
        """Give a difference its path and an example of its own; drop it where there is none."""
        example = self._example(difference.lost, path)
        if example is not None and len(self.found) < _MOST:
            where = json_path(path).replace('["*"]', "[*]").replace('[".*"]', ".*")
            self.found.append(replace(difference, path=where, at=path, example=example))

    def _example(self, lost: Json | None, path: Path) -> Example | None:
        """A whole value the writer may send, with a lost one at ``path``."""
        if lost is None:
            return None
        pinned = {**_pinned(lost, path), "$defs": self._theirs}
        joined = {"allOf": [self._pair.writer, pinned], "$defs": self._theirs}
        return self._pair.example(schemas.both(self._pair.writer, pinned), joined)


def _here(writer: Json, reader: Json, is_read: schemas.Admits) -> Iterator[Difference]:
    """Differences of the keywords at one place."""
    gone = [name for name in _kinds(writer) if name not in _kinds(reader)]
    gone = [name for name in gone if not (name == "integer" and "number" in _kinds(reader))]
    values = (
        writer["enum"] if "enum" in writer else [writer["const"]] if "const" in writer else None
    )
    if values is not None:
        refused = tuple(value for value in values if not is_read(value))
        if refused:
            yield Difference(Kind.VALUES, names=refused, lost={"enum": list(refused)})
        return
    if gone and ("type" in writer or not {"anyOf", "oneOf"} & writer.keys()):
        yield Difference(Kind.TYPES, names=tuple(gone), lost=_of_types(gone, reader))
    if "enum" in reader or "const" in reader:
        allowed = reader["enum"] if "enum" in reader else [reader["const"]]
        yield Difference(Kind.BOUND, keyword="enum", reads=allowed, lost={"not": {"enum": allowed}})
    yield from _limits(writer, reader)
    yield from _properties(writer, reader)


def _of_types(gone: list[str], reader: Json) -> Json:
    if gone == ["number"] and "integer" in _kinds(reader):
        return {"type": "number", "not": {"multipleOf": 1}}
    return {"type": gone}


def _limits(writer: Json, reader: Json) -> Iterator[Difference]:
    for keyword in (*_LEAST, *_GREATEST, "multipleOf", "pattern", "uniqueItems"):
        wrote, reads = writer.get(keyword), reader.get(keyword)
        if reads is None or wrote == reads or not _tighter(keyword, wrote, reads):
            continue
        kind = Kind.PATTERN if keyword == "pattern" else Kind.BOUND
        lost = {"not": {keyword: reads}}
        yield Difference(kind, keyword=keyword, wrote=wrote, reads=reads, lost=lost)


def _tighter(keyword: str, wrote: Json, reads: Json) -> bool:
    if wrote is None or keyword not in (*_LEAST, *_GREATEST):
        return True
    return bool(reads > wrote if keyword in _LEAST else reads < wrote)


def _properties(writer: Json, reader: Json) -> Iterator[Difference]:
    for name in reader.get("required", ()):
        if name not in writer.get("required", ()):
            lost = {"type": "object", "not": {"required": [name]}}
            yield Difference(Kind.REQUIRED, names=(name,), lost=lost)
    if reader.get("additionalProperties") != {"not": {}}:
        return
    for name in writer.get("properties", {}):
        if name not in reader.get("properties", {}):
            lost = {"type": "object", "required": [name]}
            yield Difference(Kind.REFUSED, names=(name,), lost=lost)


def _below(writer: Json, reader: Json) -> Iterator[tuple[Json, Json, Path]]:
    """The schemas of the places below, and of parts that judge the same place."""
    theirs, ours = writer.get("properties", {}), reader.get("properties", {})
    for name in theirs:
        if name in ours:
            yield theirs[name], ours[name], (name,)
        elif "not" not in reader.get("additionalProperties", {"not": {}}):
            yield theirs[name], reader["additionalProperties"], (name,)
    if "additionalProperties" in writer and "additionalProperties" in reader:
        yield writer["additionalProperties"], reader["additionalProperties"], (_MEMBER,)
    if "items" in writer and "items" in reader:
        yield writer["items"], reader["items"], (_ITEM,)
    elif "items" in reader:
        yield {}, reader["items"], (_ITEM,)
    for index, (one, other) in enumerate(
        zip(writer.get("prefixItems", ()), reader.get("prefixItems", ()), strict=False)
    ):
        yield one, other, (index,)
    for part in (*writer.get("anyOf", ()), *writer.get("oneOf", ())):
        yield part, reader, ()


def _pinned(lost: Json, path: Path) -> dict[str, Json]:
    """A schema of values that have, at ``path``, a value of ``lost``."""
    schema: dict[str, Json] = lost if isinstance(lost, dict) else {}
    for part in reversed(path):
        if part == _ITEM:
            schema = {"type": "array", "minItems": 1, "items": schema}
        elif part == _MEMBER:
            schema = {"type": "object", "minProperties": 1, "additionalProperties": schema}
        elif isinstance(part, int):
            before: list[Json] = [{}] * part
            schema = {"type": "array", "minItems": part + 1, "prefixItems": [*before, schema]}
        else:
            schema = {"type": "object", "required": [part], "properties": {part: schema}}
    return schema


def _reference(schema: Json) -> Json:
    return schema.get("$ref") if isinstance(schema, dict) else None


def _followed(schema: Json, definitions: Mapping[str, Json]) -> dict[str, Json]:
    """The schema a reference leads to, without its definitions."""
    name = _reference(schema)
    if name is not None:
        schema = definitions.get(str(name).rpartition("/")[2], {})
    if isinstance(schema, dict):
        return {key: part for key, part in schema.items() if key not in ("$defs", "$schema")}
    return {}


def _flat(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The schema with its ``allOf`` merged in: for reading, not for deciding."""
    parts = schema.get("allOf")
    if not parts:
        return dict(schema)
    rest = {key: part for key, part in schema.items() if key != "allOf"}
    return merged((rest, *(_flat(part) for part in parts)))


def _kinds(schema: Json) -> list[str]:
    kind = schema.get("type", list(_TYPES))
    return [kind] if isinstance(kind, str) else list(kind)
