"""Compares the schemas of an API: what callers send must not shrink, what they get not grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.plugins.builtin.contracts import schemas, wording
from orchestrator.plugins.builtin.contracts.compare import compare
from orchestrator.plugins.builtin.contracts.documents import Read
from orchestrator.plugins.builtin.contracts.normal import Source, normalise
from orchestrator.plugins.builtin.contracts.openapi_model import Api, Content, Operation
from orchestrator.plugins.builtin.contracts.openapi_rules import answering
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Finding, Json

__all__ = ["Side", "Undecided", "bodies"]

_GAINED = replace(wording.GAINED, refuses="today's callers do not expect")


@dataclass(frozen=True, slots=True)
class Undecided:
    """A surface whose schemas could not be compared, and why."""

    surface: str
    reason: str


class Side:
    """One version of an API, whose schemas are normalised once for each direction."""

    def __init__(self, api: Api, path: str, read: Read) -> None:
        self.api = api
        self._sources = {
            sent: Source(_directed(api.document, hidden), path, read, api.dialect)
            for sent, hidden in ((True, "readOnly"), (False, "writeOnly"))
        }

    def schema(self, place: str, *, sent: bool) -> dict[str, Json]:
        """The schema at a pointer, as callers send it or get it; raises ``Unmodelled``."""
        return normalise(self._sources[sent], place)


@dataclass(frozen=True, slots=True)
class _Surface:
    """A schema of both versions: what it is called, where it stands, which way it goes."""

    operation: str
    name: str
    old: str
    new: str
    sent: bool
    is_parameter: bool = False


def bodies(old: Side, new: Side, content_model: str) -> Iterator[tuple[str, Finding] | Undecided]:
    """Findings, each with the pointer of its place in the new document."""
    for key, operation in old.api.operations.items():
        if key in new.api.operations:
            for surface in _surfaces(operation, new.api.operations[key]):
                yield from _compared(surface, old, new, content_model)


def _surfaces(old: Operation, new: Operation) -> Iterator[_Surface]:
    for key, parameter in old.parameters.items():
        other = new.parameters.get(key)
        if other and parameter.schema and other.schema:
            name = f"{parameter.location} parameter {parameter.name}"
            yield _Surface(new.name, name, parameter.schema, other.schema, True, True)
    yield from _contents(new.name, "request", old.body or {}, new.body or {}, sent=True)
    for status, content in old.responses.items():
        answer = answering(status, new.responses)
        if answer is not None:
            name = f"response {status}"
            yield from _contents(new.name, name, content, new.responses[answer], sent=False)


def _contents(
    operation: str, name: str, old: Content, new: Content, *, sent: bool
) -> Iterator[_Surface]:
    for media, place in old.items():
        other = new.get(media)
        if place and other:
            yield _Surface(operation, f"{name} {media}", place, other, sent)


def _compared(
    surface: _Surface, old: Side, new: Side, content_model: str
) -> Iterator[tuple[str, Finding] | Undecided]:
    called = f"{surface.operation}, {surface.name}"
    try:
        before = old.schema(surface.old, sent=surface.sent)
        after = new.schema(surface.new, sent=surface.sent)
        writer, reader = (before, after) if surface.sent else (after, before)
        pair = Pair(writer, reader, content_model=content_model)
    except ValueError as error:
        yield Undecided(called, str(error))
        return
    if surface.is_parameter and schemas.same(reader, {"type": "string"}):
        return  # parameters travel as text: whatever was accepted is text
    comparison = compare(pair)
    if comparison.answer is Answer.UNKNOWN:
        yield Undecided(called, comparison.reason)
    elif comparison.answer is Answer.NO:
        situation = wording.LOST if surface.sent else _GAINED
        evidence: dict[str, Json] = {"operation": surface.operation, "surface": surface.name}
        for finding in wording.findings(
            comparison, situation, prefix=f"{called}: ", evidence=evidence
        ):
            yield surface.new, finding


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
