"""The boundary of a layer that serves an API: requests and answers judged by its description.

What an OpenAPI document says of the one operation a step calls: the body that
may be sent, the statuses there are, the body of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.bundle import bundled
from orchestrator.plugins.builtin.contracts.documents import Unreadable, loads
from orchestrator.plugins.builtin.contracts.normal import Unmodelled
from orchestrator.plugins.builtin.contracts.openapi_model import (
    Content,
    Malformed,
    Operation,
    answering,
)
from orchestrator.plugins.builtin.contracts.openapi_reader import api
from orchestrator.plugins.builtin.contracts.openapi_side import Side
from orchestrator.plugins.builtin.contracts.schemas import Violation
from orchestrator.plugins.builtin.contracts.trees import FolderTree
from orchestrator.plugins.builtin.dataflow.boundaries import ContractUnusable
from orchestrator.plugins.spec import Json

__all__ = ["ApiBoundary", "Judged", "opened"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What an API's description says: violations, or why it says nothing."""

    violations: tuple[Violation, ...] = ()
    silent: str = ""


def opened(contract: Mapping[str, Json], checkout: str) -> ApiBoundary:
    """The description in a checkout; raises ``ContractUnusable``."""
    name, path = contract["name"], contract["path"]
    tree = FolderTree(Path(checkout).resolve())
    content = tree.read(path)
    if content is None:
        raise ContractUnusable(f"the contract {name} has no file {path}")
    try:
        document = bundled(loads(content, path), path, tree.read)
        return ApiBoundary(name, Side(api(document), path, tree.read))
    except (Unreadable, Malformed, Unmodelled, RecursionError) as error:
        raise ContractUnusable(f"the contract {name} ({path}): {error}") from error


class ApiBoundary:
    """One API's description."""

    def __init__(self, name: str, side: Side) -> None:
        self._name = name
        self._side = side

    def request(self, method: str, url: str, payload: Json) -> Judged:
        """Judge the body of a request."""
        operation = self._operation(method, url)
        if operation is None:
            return Judged(silent=self._unknown(method, url))
        if operation.body is None:
            return Judged(silent=f"{operation.name} takes no body")
        return self._body(operation.body, "application/json", payload, sent=True)

    def answer(self, method: str, url: str, status: int, media: str, payload: Json) -> Judged:
        """Judge the status and body of an answer."""
        operation = self._operation(method, url)
        if operation is None:
            return Judged(silent=self._unknown(method, url))
        found = answering(str(status), operation.responses)
        if found is None:
            text = f"{operation.name} has no response for status {status}"
            return Judged((Violation("status", text),))
        content = operation.responses[found].content
        if payload is None and not content:
            return Judged()
        return self._body(content, media, payload, sent=False)

    def _body(self, content: Content, media: str, payload: Json, *, sent: bool) -> Judged:
        if not content:
            return Judged(silent="no body is described")
        kind = _media(content, media)
        if kind is None:
            text = f"the media type {media or 'none'} is not described, only {', '.join(content)}"
            return Judged((Violation("content-type", text),))
        place = content[kind]
        if place is None:
            return Judged(silent=f"{kind} has no schema")
        try:
            schema = self._side.schema(place, sent=sent)
            return Judged(tuple(schemas.violations(schema, payload)))
        except (Unmodelled, ValueError) as error:
            raise ContractUnusable(f"the contract {self._name}: {error}") from error

    def _operation(self, method: str, url: str) -> Operation | None:
        """The operation an address belongs to: of several the one with most written out."""
        path = urlsplit(url).path
        fitting = [
            operation
            for operation in self._side.api.operations.values()
            if operation.method.upper() == method and _fits(operation, path)
        ]
        return min(fitting, key=lambda operation: operation.path.count("{"), default=None)

    def _unknown(self, method: str, url: str) -> str:
        return f"contract {self._name} has no {method} {urlsplit(url).path}"


def _fits(operation: Operation, path: str) -> bool:
    """Whether a path is one of the operation's, below one of its servers."""
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", operation.path))
    prefixes = {"", *(urlsplit(server).path.rstrip("/") for server in operation.servers)}
    return any(re.fullmatch(re.escape(prefix) + pattern, path) for prefix in prefixes)


def _media(content: Content, media: str) -> str | None:
    """The described media type an answer's belongs to."""
    plain = {kind.split(";")[0].strip().lower(): kind for kind in content}
    for wanted in (media, f"{media.split('/')[0]}/*", "*/*"):
        if wanted in plain:
            return plain[wanted]
    return None
