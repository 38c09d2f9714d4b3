"""Compares the schemas of an API: what callers send must not shrink, what they get not grow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.plugins.builtin.contracts import schemas, witness, wording
from orchestrator.plugins.builtin.contracts.compare import Comparison, compare
from orchestrator.plugins.builtin.contracts.kinds import Undecided
from orchestrator.plugins.builtin.contracts.normal import Source
from orchestrator.plugins.builtin.contracts.openapi_calls import (
    Call,
    Key,
    refusal,
    smallest,
    speaks,
)
from orchestrator.plugins.builtin.contracts.openapi_model import Content, Operation, answering
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.places import place_of
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.spec import Finding, Json, dumps

__all__ = ["bodies"]

#: Other operations with the same trouble that a finding lists.
_LISTED = 50
_GAINED = replace(wording.GAINED, refuses="today's callers do not expect")


@dataclass(frozen=True, slots=True)
class _Surface:
    """A schema of both versions: what it is called, where it stands, which way it goes.

    ``key`` names a parameter, ``media`` a body.
    """

    operation: Operation
    name: str
    old: str
    new: str
    sent: bool
    key: Key | None = None
    media: str | None = None


def bodies(
    old: Side, new: Side, content_model: str, within: float
) -> Iterator[Finding | Undecided]:
    """Findings, each with the pointer of its place in the new document.

    What one schema breaks in several operations is one finding, that lists them. What is
    not compared ``within`` so many seconds is undecided: large documents whose schemas all
    lead to one another take long, and what was found is not to be lost.
    """
    comparer = _Comparer(old, new, content_model, time.monotonic() + within)
    grouped: dict[str, list[tuple[_Surface, Finding]]] = {}
    for key, operation in old.api.operations.items():
        if key in new.api.operations:
            for surface in _surfaces(operation, new.api.operations[key]):
                for found in comparer.compared(surface):
                    if isinstance(found, Undecided):
                        yield found
                    else:
                        grouped.setdefault(_cause(found), []).append((surface, found))
    yield from (_together(findings, old, new) for findings in grouped.values())


def _cause(finding: Finding) -> str:
    """The same for findings that one place of the document makes in several operations."""
    told = (finding.evidence.get(name) for name in ("pointer", "path", "lost_set", "lost_values"))
    return dumps([finding.rule, finding.message.partition(": ")[2], *told])


def _together(found: list[tuple[_Surface, Finding]], old: Side, new: Side) -> Finding:
    """The first finding, with the call that shows it; it lists the other operations."""
    surface, first = found[0]
    call = _call(surface, first, old, new) if surface.sent else None
    more: dict[str, Json] = {"request": call.to_json()} if call else {}
    also = [f"{s.operation.name}, {s.name}" for s, _ in found[1:]]
    if also:
        more["also"] = also[:_LISTED]
    message = f"{first.message} (and in other operations)" if also else first.message
    return replace(first, message=message, evidence={**first.evidence, **more})


def _surfaces(old: Operation, new: Operation) -> Iterator[_Surface]:
    for key, parameter in old.parameters.items():
        other = new.parameters.get(key)
        if other and parameter.schema and other.schema:
            name = f"{parameter.location} parameter {parameter.name}"
            yield _Surface(old, name, parameter.schema, other.schema, True, key)
    yield from _contents(old, "request", old.body or {}, new.body or {}, sent=True)
    for status, reply in old.responses.items():
        answer = answering(status, new.responses)
        if answer is None:
            continue
        there, name = new.responses[answer], f"response {status}"
        yield from _contents(old, name, reply.content, there.content, sent=False)
        for key_, header in reply.headers.items():
            other = there.headers.get(key_)
            if header.schema and other and other.schema:
                named = f"{name} header {header.name}"
                yield _Surface(old, named, header.schema, other.schema, False, ("header", key_))


def _contents(
    operation: Operation, name: str, old: Content, new: Content, *, sent: bool
) -> Iterator[_Surface]:
    for media, place in old.items():
        entry = speaks(media, new)
        other = new[entry] if entry else None
        if place and other:
            yield _Surface(operation, f"{name} {media}", place, other, sent, media=media)


class _Comparer:
    """Compares surfaces; schemas that are the same are compared once."""

    def __init__(self, old: Side, new: Side, content_model: str, until: float) -> None:
        self._old, self._new, self._model = old, new, content_model
        self._until = until
        self._known: dict[str, Comparison] = {}

    def compared(self, surface: _Surface) -> Iterator[Finding | Undecided]:
        called = f"{surface.operation.name}, {surface.name}"
        try:
            before = self._old.schema(surface.old, sent=surface.sent)
            after = self._new.schema(surface.new, sent=surface.sent)
            writer, reader = (before, after) if surface.sent else (after, before)
            if surface.key and schemas.same(reader, {"type": "string"}):
                return  # parameters and headers travel as text: whatever was written is text
            comparison = self._comparison(writer, reader)
            if comparison is None:
                yield Undecided(called, "there was no time left to compare it")
                return
        except ValueError as error:
            yield Undecided(called, str(error))
            return
        if comparison.answer is Answer.UNKNOWN:
            yield Undecided(called, comparison.reason)
        elif comparison.answer is Answer.NO:
            yield from _findings(surface, comparison, self._new)

    def _comparison(self, writer: dict[str, Json], reader: dict[str, Json]) -> Comparison | None:
        """None where it is not known yet and the time is up."""
        key = dumps([writer, reader])
        if key not in self._known:
            if time.monotonic() > self._until:
                return None
            judge = witness.of(_source(writer), _source(reader))
            pair = Pair(writer, reader, content_model=self._model, witness=judge)
            self._known[key] = compare(pair)
        return self._known[key]


def _source(schema: Json) -> Source:
    """A normalised schema for the witness: it has no other original form."""
    return Source(schema, "schema.json", lambda _: None)


def _findings(surface: _Surface, comparison: Comparison, new: Side) -> list[Finding]:
    return wording.findings(
        comparison,
        wording.LOST if surface.sent else _GAINED,
        prefix=f"{surface.operation.name}, {surface.name}: ",
        evidence={"operation": surface.operation.name, "surface": surface.name},
        place=lambda at: place_of(new.api.document, at, surface.new),
    )


def _call(surface: _Surface, finding: Finding, old: Side, new: Side) -> Call | None:
    """The call with the counterexample in its place, if both versions judge it so."""
    value: Json = finding.evidence.get("counterexample")
    call = smallest(old, surface.operation)
    if surface.key:
        call = call.having(surface.key, value)
    elif surface.media:
        call = call.sending(surface.media, value)
    shows = refusal(old, call) is None and refusal(new, call) is not None
    return call if shows else None
