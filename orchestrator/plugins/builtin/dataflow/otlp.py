"""Reads OpenTelemetry spans from a file of OTLP JSON, one document a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.spec import Json

__all__ = ["Span", "SpansUnreadable", "spans_in"]

#: The most of a file that is read, in bytes.
LIMIT = 64 << 20
_STATUSES = {
    0: "unset", 1: "ok", 2: "error",
    "STATUS_CODE_UNSET": "unset", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error",
}  # fmt: skip


class SpansUnreadable(OrchestrateError):
    """The spans a flow is judged by cannot be read.

    Happens when their file is absent, or a line of it is no OTLP JSON: then
    nobody can say whether a span is missing, and the check is errored. The
    message names the file and the line. Let the service export to the file
    ``{spans}`` stands for (also in ``ORCHESTRATE_SPANS``), and flush when it is
    asked to end.
    """

    code = "E463"


@dataclass(frozen=True, slots=True)
class Span:
    """One span. ``parent`` is the id of the one above it, empty for a root. Times in seconds."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    status: str
    message: str
    seconds: float


def spans_in(path: Path, shown: str, skip: int = 0) -> list[Span]:
    """Every span in a file, from byte ``skip`` on. Raises ``SpansUnreadable``.

    ``shown`` is what the file is called in messages. The same span written
    twice counts once.
    """
    try:
        with path.open("rb") as file:
            before = file.read(skip).count(b"\n")
            content = file.read(LIMIT + 1)
    except OSError as error:
        raise SpansUnreadable(f"there are no spans: {shown}: {error.strerror}") from error
    if len(content) > LIMIT:
        raise SpansUnreadable(f"{shown} is larger than {LIMIT >> 20} MiB")
    found = {}
    for line, text in _documents(content):
        try:
            for span in _spans(json.loads(text)):
                found[span.trace, span.id] = span
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            place = f"{shown}:{before + line}"
            raise SpansUnreadable(f"{place}: this is no OTLP JSON: {_said(error)}") from error
    return list(found.values())


def _documents(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each document with its line: the whole file where it is one, else a line each."""
    stripped = content.strip()
    first, _, rest = stripped.partition(b"\n")
    if rest and not _is_json(first):
        yield 1, stripped
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _spans(document: Json) -> Iterator[Span]:
    for resource in document["resourceSpans"]:
        service = _service(resource.get("resource", {}))
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                yield _span(span, service)


def _span(span: Mapping[str, Json], service: str) -> Span:
    status = span.get("status", {})
    begin, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    return Span(
        trace=str(span["traceId"]).lower(),
        id=str(span["spanId"]).lower(),
        parent=str(span.get("parentSpanId") or "").lower(),
        name=str(span["name"]),
        service=service,
        status=_STATUSES[status.get("code", 0)],
        message=str(status.get("message", "")),
        seconds=(end - begin) / 1e9,
    )


def _service(resource: Mapping[str, Json]) -> str:
    for attribute in resource.get("attributes", []):
        if attribute["key"] == "service.name":
            return str(attribute["value"]["stringValue"])
    return ""


def _said(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)
