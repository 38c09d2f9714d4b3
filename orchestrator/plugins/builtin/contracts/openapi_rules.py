"""What a change of an API's structure breaks for those who call it today.

Schemas are not compared here (``openapi_bodies``), only what surrounds them.
Each breaking change of what callers send carries the call that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from orchestrator.plugins.builtin.contracts import openapi_schemes as schemes
from orchestrator.plugins.builtin.contracts.documents import pointer
from orchestrator.plugins.builtin.contracts.openapi_calls import (
    Call,
    Key,
    example,
    smallest,
    speaks,
    suffices,
    written_alike,
)
from orchestrator.plugins.builtin.contracts.openapi_model import (
    Api,
    Operation,
    Parameter,
    Reply,
    answering,
)
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.spec import Json, Severity

__all__ = ["RULES", "Change", "structural"]

#: Operations that a finding about several lists.
_LISTED = 50

#: Rule → what to do about it.
RULES: Mapping[str, str] = {
    "path-removed": "keep it, marked deprecated, until nobody calls it any more",
    "operation-removed": "keep it, marked deprecated, until nobody calls it any more",
    "deprecated": "tell its callers what to use instead, and until when it stays",
    "server-removed": "go on serving the old address, or redirect from it",
    "parameter-removed": "keep accepting it, even if it is ignored",
    "parameter-moved": "accept it at the old place too",
    "parameter-required": "make it optional, with a default for callers who do not send it",
    "parameter-style": "read it the way it was written before; add a new parameter beside it",
    "body-required": "make it optional: callers of today send none",
    "body-removed": "keep accepting it, even if it is ignored",
    "media-type-removed": "keep the media type beside the new one",
    "status-removed": "keep answering with it, or make sure no caller waits for it",
    "header-removed": "keep sending it until no caller reads it any more",
    "header-optional": "send it always, as was promised",
    "security-tightened": "keep the old way in as an alternative until callers have changed",
    "security-removed": "check that this is meant",
    "security-scheme-changed": "add the new scheme under another name, beside the old one",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change that matters: the rule, the operation, and where it shows in the new document.

    ``call`` was accepted and is not any more; ``reply`` is one of the new
    version that callers of the old do not expect, or wait for in vain.
    """

    rule: str
    operation: str
    message: str
    place: str
    severity: Severity = Severity.BREAKING
    call: Call | None = None
    reply: Mapping[str, Json] | None = None


def structural(old: Side, new: Side) -> Iterator[Change]:
    """Every structural change that affects callers, in the order of the old document."""
    yield from _schemes(old.api, new.api)
    yield from _servers(old, new)
    kept = {path for _, path in new.api.operations}
    for key, operation in old.api.operations.items():
        if key in new.api.operations:
            yield from _Pair(old, new, operation, new.api.operations[key]).changes()
        else:
            gone = "operation" if key[1] in kept else "path"
            yield _gone(old, operation, gone)


def _servers(old: Side, new: Side) -> Iterator[Change]:
    """Addresses that are gone; said once where every operation lost them."""
    shared = old.api.operations.keys() & new.api.operations.keys()
    pairs = [(op, new.api.operations[key]) for key, op in old.api.operations.items()
             if key in shared]  # fmt: skip
    lost: dict[str, list[tuple[Operation, Operation]]] = {}
    for before, after in pairs:
        for server in before.servers:
            if server not in after.servers:
                lost.setdefault(server, []).append((before, after))
    for server, affected in lost.items():
        said = affected[:1] if len(affected) == len(pairs) else affected
        for before, after in said:
            moved = urlsplit(server).path in {urlsplit(other).path for other in after.servers}
            yield Change(
                "server-removed",
                before.name if len(said) > 1 or len(pairs) == 1 else "every operation",
                f"it is no longer served at {server}",
                "/servers",
                Severity.DANGEROUS if moved else Severity.BREAKING,
                call=replace(smallest(old, before), server=server),
            )


def _gone(old: Side, operation: Operation, what: str) -> Change:
    """A removed operation; its callers had been told where it was deprecated."""
    change = Change(f"{what}-removed", operation.name, f"the {what} was removed", "/paths",
                    call=smallest(old, operation))  # fmt: skip
    if not operation.deprecated:
        return change
    message = f"the {what}, deprecated before, was removed"
    return replace(change, message=message, severity=Severity.DANGEROUS)


class _Pair:
    """One operation in both versions."""

    def __init__(self, side: Side, new_side: Side, old: Operation, new: Operation) -> None:
        self._side, self._new_side = side, new_side
        self._old, self._new = old, new
        self._call = smallest(side, old)

    def changes(self) -> Iterator[Change]:
        yield from self._operation()
        yield from self._parameters()
        yield from self._body()
        for status, reply in self._old.responses.items():
            yield from self._response(status, reply)
        yield from self._security()

    def _change(self, rule: str, message: str, place: str, **more: Json) -> Change:
        return Change(rule, self._new.name, message, place, **more)

    def _operation(self) -> Iterator[Change]:
        if self._new.deprecated and not self._old.deprecated:
            yield self._change("deprecated", "the operation is deprecated now",
                               self._new.place, severity=Severity.NOTICE)  # fmt: skip

    def _parameters(self) -> Iterator[Change]:
        for key, parameter in self._old.parameters.items():
            called = f"the {parameter.location} parameter {parameter.name}"
            call = self._with(key, parameter)
            new = self._new.parameters.get(key)
            if new is None:
                yield self._lost_parameter(parameter, called, call)
                continue
            if new.required and not parameter.required:
                yield self._change("parameter-required", f"{called} became required",
                                   new.place, call=self._call)  # fmt: skip
            if new.deprecated and not parameter.deprecated:
                yield self._change("deprecated", f"{called} is deprecated now", new.place,
                                   severity=Severity.NOTICE)  # fmt: skip
            yield from self._style(parameter, new, called, call)
        for key, parameter in self._new.parameters.items():
            moved = _elsewhere(parameter, self._old)
            if parameter.required and key not in self._old.parameters and not moved:
                called = f"the {parameter.location} parameter {parameter.name}"
                yield self._change("parameter-required", f"{called} is new and required",
                                   parameter.place, call=self._call)  # fmt: skip

    def _with(self, key: Key, parameter: Parameter) -> Call:
        return self._call.having(key, example(self._side, parameter.schema))

    def _lost_parameter(self, parameter: Parameter, called: str, call: Call) -> Change:
        moved = _elsewhere(parameter, self._new)
        if moved:
            return self._change("parameter-moved", f"{called} moved to {moved.location}",
                                moved.place, call=call)  # fmt: skip
        told = ", deprecated before," if parameter.deprecated else ""
        severity = Severity.DANGEROUS if told else Severity.BREAKING
        return self._change("parameter-removed", f"{called}{told} was removed",
                            self._new.place, severity=severity, call=call)  # fmt: skip

    def _style(self, old: Parameter, new: Parameter, called: str, call: Call) -> Iterator[Change]:
        try:
            alike = written_alike(old, new, self._side)
        except ValueError:
            return  # said where the schemas are compared
        if not alike:
            before, after = _style_of(old), _style_of(new)
            yield self._change("parameter-style", f"{called} is written {after} now; before it "
                               f"was {before}", new.place, call=call)  # fmt: skip
        elif old.reserved and not new.reserved:
            yield self._change("parameter-style", f"{called} no longer takes reserved characters "
                               "as they are", new.place, severity=Severity.DANGEROUS)  # fmt: skip

    def _body(self) -> Iterator[Change]:
        old, new = self._old, self._new
        if new.body_required and not old.body_required:
            how = "became required" if old.body is not None else "is new and required"
            yield self._change("body-required", f"the request body {how}", new.body_place,
                               call=self._call)  # fmt: skip
        for media, place in (old.body or {}).items():
            call = self._call.sending(media, example(self._side, place))
            if new.body is None:
                yield self._change("body-removed", "the request body was removed", new.place,
                                   call=call)  # fmt: skip
                return
            if speaks(media, new.body) is None:
                yield self._change("media-type-removed", f"the request no longer accepts {media}",
                                   new.body_place, call=call)  # fmt: skip

    def _response(self, status: str, old: Reply) -> Iterator[Change]:
        answer = answering(status, self._new.responses)
        if answer is None:
            severity = Severity.BREAKING if status.startswith("2") else Severity.DANGEROUS
            place = f"{self._new.place}/responses"
            yield self._change("status-removed", f"the status {status} was removed from the "
                               "responses", place, severity=severity,
                               reply={"status": status, "seen": "never again"})  # fmt: skip
            return
        new = self._new.responses[answer]
        for media in old.content:
            if speaks(media, new.content) is None:
                yield self._change("media-type-removed", f"the response {status} no longer has "
                                   f"{media}", new.place,
                                   reply={"status": status, "content_type": media,
                                          "seen": "never again"})  # fmt: skip
        yield from self._headers(status, old, new)

    def _headers(self, status: str, old: Reply, new: Reply) -> Iterator[Change]:
        for key, header in old.headers.items():
            called = f"the header {header.name} of response {status}"
            other = new.headers.get(key)
            reply = {"status": status, "headers": {}, "without": header.name}
            if other is None:
                severity = Severity.BREAKING if header.required else Severity.DANGEROUS
                yield self._change("header-removed", f"{called} was removed", new.place,
                                   severity=severity, reply=reply)  # fmt: skip
            elif header.required and not other.required:
                yield self._change("header-optional", f"{called} may be absent now", other.place,
                                   reply=reply)  # fmt: skip

    def _security(self) -> Iterator[Change]:
        place = f"{self._new.place}/security"
        for had in self._old.security:
            if not any(suffices(had, asked) for asked in self._new.security):
                yield self._change("security-tightened", f"callers with {_named(had)} are no "
                                   "longer let in", place,
                                   call=replace(self._call, credentials=had))  # fmt: skip
        if {} in self._new.security and {} not in self._old.security:
            yield self._change("security-removed", "callers are no longer asked who they are",
                               place, severity=Severity.DANGEROUS)  # fmt: skip


def _elsewhere(parameter: Parameter, operation: Operation) -> Parameter | None:
    """A parameter of the same name at another location."""
    for other in operation.parameters.values():
        if other.name == parameter.name and other.location != parameter.location:
            return other
    return None


def _style_of(parameter: Parameter) -> str:
    exploded = " with explode" if parameter.explode and "/" not in parameter.style else ""
    return f"in style {parameter.style}{exploded}"


def _named(alternative: Mapping[str, frozenset[str]]) -> str:
    if not alternative:
        return "no credentials"
    parts = [
        f"{name} ({', '.join(sorted(scopes))})" if scopes else name
        for name, scopes in sorted(alternative.items())
    ]
    return " and ".join(parts)


def _schemes(old: Api, new: Api) -> Iterator[Change]:
    """Schemes that operations ask for and that mean something else now."""
    for name, scheme in old.schemes.items():
        other = new.schemes.get(name)
        if not isinstance(scheme, dict) or not isinstance(other, dict):
            continue
        users = [operation.name for operation in old.operations.values()
                 if any(name in asked for asked in operation.security)]  # fmt: skip
        lost = schemes.lost(scheme, other)
        if users and lost:
            yield Change("security-scheme-changed", "every operation that uses it",
                         f"the security scheme {name} changed: {'; '.join(lost)}",
                         pointer("components", "securitySchemes", name),
                         reply={"operations": users[:_LISTED], "lost": lost})  # fmt: skip
