"""An OpenAPI 3.0 or 3.1 document as its operations. Where things stand are JSON pointers.

Reads nothing (``openapi_reader``) and knows not what a change means (``openapi_rules``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plugins.spec import Json

__all__ = [
    "Api",
    "Content",
    "Malformed",
    "Operation",
    "Parameter",
    "Reply",
    "answering",
    "schema_places",
]


class Malformed(ValueError):
    """A document is no OpenAPI document; ``place`` is the JSON pointer of what is wrong."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place


#: Media type → the pointer of its schema, or None where it has none.
Content = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, or header of a response. ``schema`` is a pointer.

    ``name`` and ``location`` are as written. ``style`` says how the value is
    written, with ``explode``; ``json`` where it is a document of its own.
    """

    name: str
    location: str
    required: bool
    place: str
    schema: str | None
    style: str = "simple"
    explode: bool = False
    reserved: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation may answer with one status. ``headers`` by lower-case name."""

    content: Content
    headers: Mapping[str, Parameter]
    place: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``name`` is ``GET /users/{id}``; ``path`` its template without names.

    ``body`` is None where there is none. ``security`` are alternatives, each
    scheme → scopes; ``({},)`` means nobody is asked who they are.
    """

    name: str
    method: str
    path: str
    place: str
    parameters: Mapping[tuple[str, str], Parameter]
    body: Content | None
    body_required: bool
    body_place: str
    responses: Mapping[str, Reply]
    security: tuple[Mapping[str, frozenset[str]], ...]
    servers: tuple[str, ...] = ("/",)
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Api:
    """The operations by method and path template; ``dialect`` is that of its schemas."""

    document: Mapping[str, Json]
    dialect: int
    operations: Mapping[tuple[str, str], Operation]
    schemes: Mapping[str, Json] = field(default_factory=dict)


def schema_places(operation: Operation) -> list[str]:
    """The pointers of every schema of an operation."""
    replies = operation.responses.values()
    contents = [operation.body or {}, *(reply.content for reply in replies)]
    places = [parameter.schema for parameter in operation.parameters.values()]
    places += [header.schema for reply in replies for header in reply.headers.values()]
    places += [place for content in contents for place in content.values()]
    return [place for place in places if place is not None]


def answering(status: str, responses: Mapping[str, Json]) -> str | None:
    """The response of a document that answers for a status: itself, its class, the default."""
    for name in (status, f"{status[0]}XX", "default"):
        if name in responses:
            return name
    return None
