"""What a change of an API's structure breaks for those who call it today.

Schemas are not compared here (``openapi_bodies``), only what surrounds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.contracts.openapi_model import Api, Operation, Parameter
from orchestrator.plugins.spec import Json, Severity

__all__ = ["Change", "answering", "structural"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change that matters: the rule, the operation, and where it shows in the new document."""

    rule: str
    operation: str
    message: str
    remedy: str
    place: str
    severity: Severity = Severity.BREAKING


def structural(old: Api, new: Api) -> Iterator[Change]:
    """Every structural change that affects callers, in the order of the old document."""
    yield from _schemes(old, new)
    kept = {path for _, path in new.operations}
    for key, operation in old.operations.items():
        if key in new.operations:
            yield from _operation(operation, new.operations[key])
        else:
            gone = "operation" if key[1] in kept else "path"
            yield Change(
                f"openapi.{gone}-removed",
                operation.name,
                f"the {gone} was removed",
                "keep it, marked deprecated, until nobody calls it any more",
                "/paths",
            )


def answering(status: str, responses: Mapping[str, Json]) -> str | None:
    """The response of a document that answers for a status: itself, its class, the default."""
    for name in (status, f"{status[0]}XX", "default"):
        if name in responses:
            return name
    return None


def _operation(old: Operation, new: Operation) -> Iterator[Change]:
    yield from _parameters(old, new)
    yield from _body(old, new)
    yield from _responses(old, new)
    yield from _security(old, new)


def _parameters(old: Operation, new: Operation) -> Iterator[Change]:
    for key, parameter in old.parameters.items():
        if key in new.parameters:
            yield from _parameter(parameter, new.parameters[key], new)
            continue
        moved = _elsewhere(parameter, new)
        yield Change(
            "openapi.parameter-moved" if moved else "openapi.parameter-removed",
            new.name,
            f"the {parameter.location} parameter {parameter.name} "
            + (f"moved to {moved.location}" if moved else "was removed"),
            "keep accepting it where it was, marked deprecated",
            moved.place if moved else new.place,
        )
    for key, parameter in new.parameters.items():
        if key not in old.parameters and parameter.required and not _elsewhere(parameter, old):
            yield _required(parameter, new, "is new and required")


def _parameter(old: Parameter, new: Parameter, operation: Operation) -> Iterator[Change]:
    if new.required and not old.required:
        yield _required(new, operation, "became required")


def _required(parameter: Parameter, operation: Operation, how: str) -> Change:
    return Change(
        "openapi.parameter-required",
        operation.name,
        f"the {parameter.location} parameter {parameter.name} {how}",
        "make it optional, with a default for callers who do not send it",
        parameter.place,
    )


def _elsewhere(parameter: Parameter, operation: Operation) -> Parameter | None:
    """A parameter of the same name at another location."""
    for other in operation.parameters.values():
        if other.name == parameter.name and other.location != parameter.location:
            return other
    return None


def _body(old: Operation, new: Operation) -> Iterator[Change]:
    if new.body_required and not old.body_required:
        how = "became required" if old.body is not None else "is new and required"
        yield Change(
            "openapi.body-required", new.name, f"the request body {how}",
            "make it optional: callers of today send none", new.body_place,
        )  # fmt: skip
    if old.body is None:
        return
    if new.body is None:
        yield Change(
            "openapi.body-removed", new.name, "the request body was removed",
            "keep accepting it, even if it is ignored", new.place,
        )  # fmt: skip
        return
    for media in old.body:
        if not _speaks(media, new.body):
            yield _media(new, f"the request no longer accepts {media}", new.body_place)


def _responses(old: Operation, new: Operation) -> Iterator[Change]:
    for status, content in old.responses.items():
        answer = answering(status, new.responses)
        if answer is None:
            yield _status(status, new)
            continue
        spoken = new.responses[answer]
        for media in content:
            if not _speaks(media, spoken):
                place = f"{new.place}/responses/{answer}"
                yield _media(new, f"the response {status} no longer has {media}", place)


def _speaks(media: str, content: Mapping[str, Json]) -> bool:
    return bool({media, f"{media.partition('/')[0]}/*", "*/*"} & content.keys())


def _media(operation: Operation, message: str, place: str) -> Change:
    remedy = "keep the media type beside the new one"
    return Change("openapi.media-type-removed", operation.name, message, remedy, place)


def _status(status: str, operation: Operation) -> Change:
    success = status.startswith("2")
    return Change(
        "openapi.status-removed",
        operation.name,
        f"the status {status} was removed from the responses",
        "keep answering with it, or make sure no caller waits for it",
        f"{operation.place}/responses",
        Severity.BREAKING if success else Severity.DANGEROUS,
    )


def _security(old: Operation, new: Operation) -> Iterator[Change]:
    place = f"{new.place}/security"
    for had in old.security:
        if not any(_suffices(had, asked) for asked in new.security):
            yield Change(
                "openapi.security-tightened", new.name,
                f"callers with {_named(had)} are no longer let in",
                "keep the old way in as an alternative until callers have changed", place,
            )  # fmt: skip
    if {} in new.security and {} not in old.security:
        yield Change(
            "openapi.security-removed", new.name, "callers are no longer asked who they are",
            "check that this is meant", place, Severity.DANGEROUS,
        )  # fmt: skip


def _suffices(had: Mapping[str, frozenset[str]], asked: Mapping[str, frozenset[str]]) -> bool:
    """Whether credentials that were enough still are."""
    return all(name in had and scopes <= had[name] for name, scopes in asked.items())


def _named(alternative: Mapping[str, frozenset[str]]) -> str:
    if not alternative:
        return "no credentials"
    parts = [
        f"{name} ({', '.join(sorted(scopes))})" if scopes else name
        for name, scopes in sorted(alternative.items())
    ]
    return " and ".join(parts)


def _schemes(old: Api, new: Api) -> Iterator[Change]:
    ignored = ("description", "bearerFormat")
    for name, scheme in old.schemes.items():
        other = new.schemes.get(name)
        if not isinstance(scheme, dict) or not isinstance(other, dict):
            continue
        if {k: v for k, v in scheme.items() if k not in ignored and k != "flows"} != {
            k: v for k, v in other.items() if k not in ignored and k != "flows"
        }:
            yield Change(
                "openapi.security-scheme-changed", "every operation that uses it",
                f"the security scheme {name} changed",
                "add the new scheme under another name, beside the old one",
                f"/components/securitySchemes/{name}",
            )  # fmt: skip
