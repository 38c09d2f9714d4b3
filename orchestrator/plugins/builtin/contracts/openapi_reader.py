"""Reads an OpenAPI 3.0 or 3.1 document into its operations, references resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from orchestrator.plugins.builtin.contracts.dialects import OPENAPI_30
from orchestrator.plugins.builtin.contracts.documents import pointer
from orchestrator.plugins.builtin.contracts.openapi_model import (
    Api,
    Malformed,
    Operation,
    Parameter,
    Reply,
)
from orchestrator.plugins.spec import Json

__all__ = ["METHODS", "api", "not_examined"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

#: What may stand beside the methods of a path.
_BESIDE = ("summary", "description", "servers", "parameters", "$ref")
_STATUS = re.compile(r"[1-5](\d\d|XX)|default", re.IGNORECASE)

#: The most references that lead to one another.
_LINKS = 20
#: Keys of surfaces no rule looks at, and what they are called in the report.
_UNSEEN = {
    "callbacks": "callbacks",
    "links": "links",
    "webhooks": "webhooks",
    "discriminator": "discriminators",
    "encoding": "encoding of parts of a body",
    "xml": "XML names",
    "externalDocs": "external documentation",
}
#: Styles of parameters where the document says none, by location.
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
#: Header parameters the specification says to ignore: other parts of a document describe them.
_IGNORED = frozenset(("accept", "content-type", "authorization"))


def api(document: Json) -> Api:
    """The operations of a document; raises ``Malformed``."""
    version = document.get("openapi") if isinstance(document, dict) else None
    if version is None and isinstance(document, dict) and "swagger" in document:
        raise Malformed(f"it is Swagger {document['swagger']}; convert it to OpenAPI 3 first")
    if not isinstance(version, str) or not re.match(r"3\.[01](\.|$)", version):
        raise Malformed("it does not say openapi: 3.0 or 3.1")
    info = document.get("info")
    if not isinstance(info, dict) or not {"title", "version"} <= info.keys():
        raise Malformed("info needs a title and a version", "/info")
    if "paths" not in document and version.startswith("3.0"):
        raise Malformed("it has no paths")
    reader = _Reader(document)
    found: dict[tuple[str, str], Operation] = {}
    for one in reader.operations():
        other = found.setdefault((one.method, one.path), one)
        if other is not one:
            raise Malformed(f"{other.name} and {one.name} are the same operation", one.place)
    schemes = reader.mapping(document.get("components", {}), "/components").get("securitySchemes")
    dialect = OPENAPI_30 if version.startswith("3.0") else 20
    return Api(document, dialect, found, schemes if isinstance(schemes, dict) else {})


def not_examined(document: Json) -> list[str]:
    """The surfaces the document has and no rule looks at, sorted."""
    return sorted({_UNSEEN[key] for key in _keys(document) if key in _UNSEEN})


def _keys(value: Json, named: bool = False) -> Iterator[str]:
    """Keys the format gives meaning to: not the names of properties, not examples."""
    if isinstance(value, list):
        for part in value:
            yield from _keys(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if not named:
                yield key
            if named or key not in ("example", "examples", "default", "enum", "const"):
                yield from _keys(part, not named and key in ("properties", "schemas", "responses"))


class _Reader:
    """Reads the parts of one document."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._document = document

    def operations(self) -> Iterator[Operation]:
        paths = self.mapping(self._document.get("paths", {}), "/paths")
        for path, item in paths.items():
            if path.startswith("x-"):
                continue
            if not path.startswith("/"):
                raise Malformed(f"the path {path} does not begin with /", pointer("paths", path))
            item, place = self.follow(item, pointer("paths", path))
            for key in self.mapping(item, place):
                if key in METHODS:
                    yield self._operation(key, path, item, place)
                elif key not in _BESIDE and not key.startswith("x-"):
                    raise Malformed(f"{key} is no method", f"{place}{pointer(key)}")

    def _operation(self, method: str, path: str, item: Json, place: str) -> Operation:
        here = f"{place}/{method}"
        written = self.mapping(item[method], here)
        body, body_place = self.follow(written.get("requestBody"), f"{here}/requestBody")
        return Operation(
            name=f"{method.upper()} {path}",
            method=method,
            path=re.sub(r"\{[^}]*\}", "{}", path),
            place=here,
            parameters=self._parameters(path, item, written, place, here),
            body=None if body is None else self._content(body, body_place),
            body_required=body is not None and body.get("required") is True,
            body_place=body_place,
            responses=self._responses(written, here),
            security=_security(written.get("security", self._document.get("security"))),
            servers=self._servers(written, item),
            deprecated=written.get("deprecated") is True,
        )

    def _servers(self, *owners: Json) -> tuple[str, ...]:
        """The addresses of the innermost owner that names any, variables in their default."""
        for owner in (*owners, self._document):
            if isinstance(listed := owner.get("servers"), list) and listed:
                return tuple(_address(server) for server in listed if isinstance(server, dict))
        return ("/",)

    def _parameters(
        self, path: str, item: Json, written: Json, place: str, here: str
    ) -> dict[tuple[str, str], Parameter]:
        """Those of the path, replaced by those of the operation, by location and name.

        In a path the place counts, not the name, which callers never see.
        """
        found = {}
        inside = re.findall(r"\{([^}]*)\}", path)
        for owner, where in ((item, place), (written, here)):
            for index, raw in enumerate(self.sequence(owner.get("parameters", []), where)):
                one, spot = self.follow(raw, f"{where}/parameters/{index}")
                name, location = one.get("name"), one.get("in")
                if not isinstance(name, str) or location not in (
                    "path",
                    "query",
                    "header",
                    "cookie",
                ):
                    raise Malformed("a parameter needs a name and a place (in)", spot)
                if location == "header" and name.lower() in _IGNORED:
                    continue
                key = str(inside.index(name)) if location == "path" and name in inside else name
                key = key.lower() if location == "header" else key
                found[(location, key)] = self._parameter(one, name, location, spot)
        return found

    def _parameter(self, one: Json, name: str, location: str, place: str) -> Parameter:
        schema = f"{place}/schema" if "schema" in one else None
        style = str(one.get("style", _STYLES[location]))
        if schema is None:
            content = self._content(one, place)
            schema = next((s for s in content.values() if s), None)
            style = next(iter(content), style)
        return Parameter(
            name,
            location,
            location == "path" or one.get("required") is True,
            place,
            schema,
            style,
            bool(one.get("explode", style == "form")),
            one.get("allowReserved") is True,
            one.get("deprecated") is True,
        )

    def _responses(self, written: Json, here: str) -> dict[str, Reply]:
        responses = self.mapping(written.get("responses", {}), f"{here}/responses")
        found: dict[str, Reply] = {}
        for status, raw in responses.items():
            if not status.startswith("x-"):
                if not _STATUS.fullmatch(status):
                    raise Malformed(f"{status or 'an empty text'} is no status",
                                    f"{here}{pointer('responses', status)}")  # fmt: skip
                one, place = self.follow(raw, f"{here}{pointer('responses', status)}")
                name = status.upper() if status != "default" else status
                found[name] = Reply(self._content(one, place), self._headers(one, place), place)
        return found

    def _headers(self, owner: Json, place: str) -> dict[str, Parameter]:
        found = {}
        for name, raw in self.mapping(owner.get("headers", {}), f"{place}/headers").items():
            one, here = self.follow(raw, f"{place}{pointer('headers', name)}")
            if name.lower() != "content-type":
                found[name.lower()] = self._parameter(one, name, "header", here)
        return found

    def _content(self, owner: Json, place: str) -> dict[str, str | None]:
        content = self.mapping(owner.get("content", {}), f"{place}/content")
        found = {}
        for media, part in content.items():
            here = f"{place}{pointer('content', media)}"
            name = media.partition(";")[0].strip().lower()
            found[name] = f"{here}/schema" if "schema" in self.mapping(part, here) else None
        return found

    def follow(self, value: Json, place: str) -> tuple[Json, str]:
        """The object a reference leads to, and where it stands."""
        for _ in range(_LINKS):
            if value is None or not isinstance(value, dict) or "$ref" not in value:
                break
            reference = value["$ref"]
            if not isinstance(reference, str) or not reference.startswith("#/"):
                raise Malformed(f"the reference {reference} leads out of the repository; "
                                "it is never fetched", place)  # fmt: skip
            value, place = self._at(reference[1:], place), reference[1:]
        else:
            raise Malformed("references lead in a circle", place)
        if value is not None and not isinstance(value, dict):
            raise Malformed("an object is expected here", place)
        return value, place

    def _at(self, target: str, place: str) -> Json:
        value: Json = self._document
        for part in target.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                raise Malformed(f"the reference #{target} leads nowhere", place)
        return value

    def mapping(self, value: Json, place: str) -> Mapping[str, Json]:
        if not isinstance(value, dict):
            raise Malformed("an object is expected here", place)
        return value

    def sequence(self, value: Json, place: str) -> list[Json]:
        if not isinstance(value, list):
            raise Malformed("a list is expected here", f"{place}/parameters")
        return value


def _address(server: Mapping[str, Json]) -> str:
    """A server's URL with its variables in their default, without a slash at the end."""
    url = str(server.get("url", "/"))
    for name, variable in (server.get("variables") or {}).items():
        default = variable.get("default", "") if isinstance(variable, dict) else ""
        url = url.replace(f"{{{name}}}", str(default))
    return url.rstrip("/") or "/"


def _security(written: Json) -> tuple[Mapping[str, frozenset[str]], ...]:
    """The alternatives; nothing written means nobody is asked."""
    if not isinstance(written, list) or not written:
        return ({},)
    return tuple(
        {name: frozenset(map(str, scopes or ())) for name, scopes in one.items()}
        for one in written
        if isinstance(one, dict)
    )
