"""Proves property by property what the library would take minutes for: very wide objects.

Only for objects said with ``type``, ``properties``, ``required`` and
``additionalProperties`` on both sides; of anything else nothing is proven.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Json

__all__ = ["proves"]

_PLAIN = frozenset(("type", "properties", "required", "additionalProperties"))
_CLOSED: Json = {"not": {}}


def proves(reader: Mapping[str, Json], writer: Mapping[str, Json]) -> bool:
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
