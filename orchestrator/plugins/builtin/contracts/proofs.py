"""Proves that one schema admits what another does, where the library leaves it open.

*By induction*, for recursive schemas. Both are sets of definitions that refer
to each other. Definitions of the same name are paired. If every reader's
definition admits what its writer's definition admits *under the assumption
that below it the pairs already do* (the reader's references are taken to be
the writer's), then it does for values of every depth: values are finite, and a
reference that is not at the same value is always further down. The induction
needs a reader that never refuses a value because something below it is
admitted. Where a reference stands under ``not``, ``if``, ``oneOf``,
``contains`` with a maximum or ``unevaluated…``, nothing is proven.

*By property*, for very wide objects, which the library would take minutes for:
only those said with ``type``, ``properties``, ``required`` and
``additionalProperties`` on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Json

__all__ = ["proves"]

_TURNING = ("not", "if", "oneOf", "unevaluatedItems", "unevaluatedProperties")
_PREFIX = "#/$defs/"
_PLAIN = frozenset(("type", "properties", "required", "additionalProperties"))
_CLOSED: Json = {"not": {}}


def proves(reader: Mapping[str, Json], writer: Mapping[str, Json]) -> bool:
    """Whether it is proven; False proves nothing."""
    return _by_induction(reader, writer) or _by_property(reader, writer)


def _by_induction(reader: Mapping[str, Json], writer: Mapping[str, Json]) -> bool:
    """Whether it is proven; False proves nothing."""
    theirs, ours = writer.get("$defs", {}), reader.get("$defs", {})
    if reader.get("$ref") is None or reader.get("$ref") != writer.get("$ref"):
        return False
    todo, paired = [reader["$ref"].removeprefix(_PREFIX)], set[str]()
    while todo:
        name = todo.pop()
        if name in paired:
            continue
        paired.add(name)
        if name not in theirs or not _step(name, ours, theirs):
            return False
        todo += [other for other in schemas.references(ours[name]) if other in theirs]
    return True


def _step(name: str, ours: Mapping[str, Json], theirs: Mapping[str, Json]) -> bool:
    """One pair, below which the pairs are assumed to hold."""
    reader, turning = ours[name], list(_turned(ours[name]))
    if any(True for part in turning for _ in schemas.references(part)):
        return False
    if any(other not in theirs for other in schemas.references(reader)):
        return False
    return schemas.covers(
        schemas.scoped(reader, theirs), schemas.scoped(theirs[name], theirs)
    ) is Answer.YES  # fmt: skip


def _turned(schema: Json) -> Iterator[Json]:
    """Parts of a schema under which admitting more may refuse more."""
    if isinstance(schema, list):
        for part in schema:
            yield from _turned(part)
    elif isinstance(schema, dict):
        yield from (schema[keyword] for keyword in _TURNING if keyword in schema)
        if "maxContains" in schema and "contains" in schema:
            yield schema["contains"]
        for part in schema.values():
            yield from _turned(part)


def _by_property(reader: Mapping[str, Json], writer: Mapping[str, Json]) -> bool:
    """Whether the reader is proven to admit what the writer does; False proves nothing."""
    return _Proof(reader.get("$defs", {}), writer.get("$defs", {})).holds(reader, writer, 4)


class _Proof:
    """One proof; ``ours`` are the reader's definitions, ``theirs`` the writer's."""

    def __init__(self, ours: Mapping[str, Json], theirs: Mapping[str, Json]) -> None:
        self._ours = ours
        self._theirs = theirs

    def holds(self, reader: Json, writer: Json, depth: int) -> bool:
        read, sent = schemas.scoped(reader, self._ours), schemas.scoped(writer, self._theirs)
        if schemas.covers(read, sent) is Answer.YES:
            return True
        return depth > 0 and self._object(
            _followed(reader, self._ours), _followed(writer, self._theirs), depth
        )

    def _object(self, reader: Json, writer: Json, depth: int) -> bool:
        plain = not (reader.keys() | writer.keys()) - _PLAIN and writer.get("type") == "object"
        if not plain or reader.get("type", "object") != "object":
            return False
        if not set(reader.get("required", ())) <= set(writer.get("required", ())):
            return False
        ours, theirs = reader.get("properties", {}), writer.get("properties", {})
        others = reader.get("additionalProperties", {})
        if not self._others(reader, writer, depth):
            return False
        return all(self.holds(ours.get(n, others), part, depth - 1) for n, part in theirs.items())

    def _others(self, reader: Json, writer: Json, depth: int) -> bool:
        """What the writer sends under names it does not declare."""
        sent = writer.get("additionalProperties", {})
        if sent == _CLOSED:
            return True
        only_read = reader.get("properties", {}).keys() - writer.get("properties", {}).keys()
        read = [reader.get("additionalProperties", {})]
        read += [reader["properties"][name] for name in only_read]
        return all(self.holds(part, sent, depth - 1) for part in read)


def _followed(schema: Json, definitions: Mapping[str, Json]) -> Json:
    name = schema.get("$ref")
    if name is not None:
        return definitions.get(name.rpartition("/")[2], {})
    return {key: part for key, part in schema.items() if key not in ("$defs", "$schema")}
