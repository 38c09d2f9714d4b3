"""One version of an API and its schemas, normalised once for each direction."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.documents import Read
from orchestrator.plugins.builtin.contracts.normal import Source, normalise
from orchestrator.plugins.builtin.contracts.openapi_model import Api
from orchestrator.plugins.spec import Json

__all__ = ["Side"]

_PLAIN: Json = {"type": ["string", "number", "boolean", "null"]}


class Side:
    """One version of an API."""

    def __init__(self, api: Api, path: str, read: Read) -> None:
        self.api = api
        self.path = path
        self._sources = {
            sent: Source(_directed(api.document, hidden), path, read, api.dialect)
            for sent, hidden in ((True, "readOnly"), (False, "writeOnly"))
        }
        self._made: dict[tuple[str, bool], dict[str, Json]] = {}

    def schema(self, place: str, *, sent: bool) -> dict[str, Json]:
        """The schema at a pointer, as callers send it or get it; raises ``Unmodelled``."""
        key = (place, sent)
        if key not in self._made:
            self._made[key] = normalise(self._sources[sent], place)
        return self._made[key]

    def is_plain(self, place: str) -> bool:
        """Whether a schema is proven to admit neither lists nor objects."""
        return schemas.covers(_PLAIN, self.schema(place, sent=True)) is schemas.Answer.YES


def _directed(value: Json, hidden: str) -> Json:
    """The document without the properties that do not travel in this direction."""
    if isinstance(value, list):
        return [_directed(part, hidden) for part in value]
    if not isinstance(value, Mapping):
        return value
    shown = {key: _directed(part, hidden) for key, part in value.items()}
    properties = shown.get("properties")
    if not isinstance(properties, dict):
        return shown
    names = {n for n, part in properties.items() if isinstance(part, dict) and part.get(hidden)}
    if names:
        shown["properties"] = {n: part for n, part in properties.items() if n not in names}
        if isinstance(shown.get("required"), list):
            shown["required"] = [n for n in shown["required"] if n not in names]
    return shown
