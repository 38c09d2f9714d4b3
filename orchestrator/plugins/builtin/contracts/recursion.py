"""Proves that one recursive schema admits what another does, which the library leaves open.

Both schemas are sets of definitions that refer to each other. Definitions of
the same name are paired. If every reader's definition admits what its writer's
definition admits *under the assumption that below it the pairs already do*
(the reader's references are taken to be the writer's), then it does for
values of every depth, by induction: values are finite, and a reference that
is not at the same value is always further down.

The induction needs a reader that never refuses a value because something
below it is admitted. Where a reference stands under ``not``, ``if``,
``oneOf``, ``contains`` with a maximum or ``unevaluated…``, nothing is proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Json

__all__ = ["proves"]

_TURNING = ("not", "if", "oneOf", "unevaluatedItems", "unevaluatedProperties")
_PREFIX = "#/$defs/"


def proves(reader: Mapping[str, Json], writer: Mapping[str, Json]) -> bool:
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
