"""Calls of an API: made to show a break, and judged by both versions before anybody is told.

A call is accepted by a version when its operation is there, every required
parameter is given and valid and written the way it is read, the body speaks a
media type of the operation and is valid, and the credentials suffice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.instances import instances
from orchestrator.plugins.builtin.contracts.openapi_model import Operation, Parameter
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.spec import Json

__all__ = ["ANY", "Call", "Key", "example", "refusal", "smallest", "speaks", "suffices",
           "written_alike"]  # fmt: skip

#: A value of which only is known that the old version accepts it.
ANY = "(any valid value)"
_TRIED = 50

#: A parameter: its location and name.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ``operation`` as its version describes it.

    ``parameters`` are values by location and name. ``body`` counts where
    ``media`` is not None. ``server`` is the address it goes to, None: whichever.
    """

    operation: Operation
    parameters: Mapping[Key, Json] = field(default_factory=dict)
    media: str | None = None
    body: Json = None
    credentials: Mapping[str, frozenset[str]] = field(default_factory=dict)
    server: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The call for people and reports."""
        named = {f"{place} {self._name(place, key)}": value
                 for (place, key), value in self.parameters.items()}  # fmt: skip
        shown: dict[str, Json] = {"request": self.operation.name, "parameters": named}
        if self.media is not None:
            shown |= {"content_type": self.media, "body": self.body}
        if self.credentials:
            shown["credentials"] = {k: sorted(v) for k, v in self.credentials.items()}
        if self.server is not None:
            shown["server"] = self.server
        return shown

    def having(self, key: Key, value: Json) -> Call:
        """The same call with one more parameter."""
        return replace(self, parameters={**self.parameters, key: value})

    def sending(self, media: str, body: Json) -> Call:
        """The same call with a body."""
        return replace(self, media=media, body=body)

    def _name(self, place: str, key: str) -> str:
        return self.operation.parameters[(place, key)].name


def smallest(side: Side, operation: Operation) -> Call:
    """A call with what is required and nothing else."""
    needed = {key: example(side, parameter.schema)
              for key, parameter in operation.parameters.items() if parameter.required}  # fmt: skip
    call = Call(operation, needed, credentials=operation.security[0])
    if operation.body_required and operation.body:
        media, place = next(iter(operation.body.items()))
        call = call.sending(media, example(side, place))
    return call


def example(side: Side, place: str | None) -> Json:
    """A telling value that is valid under the schema at ``place``, or ``ANY``."""
    if place is None:
        return ANY
    try:
        schema = side.schema(place, sent=True)
        admits = schemas.admits(schema)
        made = [value for value in islice(instances(schema), _TRIED) if admits(value)]
        return max(made, key=_telling, default=ANY)
    except ValueError:
        return ANY


def _telling(value: Json) -> int:
    """How much a value shows of how it is written: two items more than one, one more than none."""
    return min(len(value), 2) if isinstance(value, (list, dict)) else 1


def refusal(side: Side, call: Call, about: str = "") -> str | None:
    """Why this version refuses the call, or None where it accepts it.

    Of several reasons the one that names ``about`` (``body``, ``query parameter
    limit``), else the first. Raises ``ValueError`` where a schema cannot be modelled.
    """
    reasons = list(_refusals(side, call))
    return next((said for said in reasons if about in said), reasons[0] if reasons else None)


def _refusals(side: Side, call: Call) -> Iterator[str]:
    operation = side.api.operations.get((call.operation.method, call.operation.path))
    if operation is None:
        yield "there is no such operation"
        return
    if call.server is not None and call.server not in operation.servers:
        yield f"nothing is served at {call.server}"
    if not any(suffices(call.credentials, asked) for asked in operation.security):
        yield "the credentials do not suffice"
    yield from _parameters(side, operation, call)
    yield from _body(side, operation, call)


def suffices(had: Mapping[str, frozenset[str]], asked: Mapping[str, frozenset[str]]) -> bool:
    """Whether these credentials are enough for one alternative."""
    return all(name in had and scopes <= had[name] for name, scopes in asked.items())


def speaks(media: str, content: Mapping[str, Json]) -> str | None:
    """The entry of a content for a media type: itself, its range, any."""
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if name in content:
            return name
    return None


def written_alike(one: Parameter, other: Parameter, side: Side) -> bool:
    """Whether both versions read the same text as the same value; ``side`` is ``one``'s."""
    if one.style != other.style:
        return False
    if one.explode == other.explode or "/" in one.style:
        return True
    return one.schema is None or side.is_plain(one.schema)


def _parameters(side: Side, operation: Operation, call: Call) -> Iterator[str]:
    for key, parameter in operation.parameters.items():
        if parameter.required and key not in call.parameters:
            yield f"the {parameter.location} parameter {parameter.name} is required"
    for key, value in call.parameters.items():
        mine, sent = operation.parameters.get(key), call.operation.parameters[key]
        if mine is None:
            yield f"there is no {sent.location} parameter {sent.name}"
        elif not written_alike(sent, mine, side):
            yield f"the {sent.location} parameter {sent.name} is written another way"
        elif not _valid(side, mine.schema, value):
            yield f"the {sent.location} parameter {sent.name} is not valid"


def _body(side: Side, operation: Operation, call: Call) -> Iterator[str]:
    if call.media is None:
        if operation.body_required:
            yield "a body is required"
    elif operation.body is None:
        yield "no body is taken"
    elif (entry := speaks(call.media, operation.body)) is None:
        yield f"{call.media} is not taken"
    elif not _valid(side, operation.body[entry], call.body):
        yield "the body is not valid"


def _valid(side: Side, place: str | None, value: Json) -> bool:
    return place is None or value == ANY or schemas.admits(side.schema(place, sent=True))(value)
