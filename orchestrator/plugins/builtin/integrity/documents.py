"""Opens a report that a command wrote: bounded, and trusting nothing in it.

A report comes from the work that is being judged. It may be absent, huge,
malformed or hostile; every one of these is ``UnreadableReport`` with a reason.
What the document means is the business of its own module.
"""

from __future__ import annotations

import json
import math
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

from orchestrator.plugins.spec import Json

__all__ = ["LIMIT", "Document", "UnreadableReport", "load", "number", "parse"]

#: Bytes of one report; more is refused before it is read.
LIMIT = 32 << 20
_CHUNK = 1 << 16
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

#: What a report file parses to: the root of an XML document, or a JSON value.
Document = ET.Element | Json


class UnreadableReport(Exception):
    """The report cannot be used; the message says why. Never leaves this package."""


def load(path: Path) -> Document:
    """The document in ``path``. Raises UnreadableReport."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableReport("it is not a regular file")
        if status.st_size > LIMIT:
            raise UnreadableReport(f"it has {status.st_size >> 20} MiB, the limit is 32 MiB")
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise UnreadableReport("it was not written") from None
    except OSError as error:
        raise UnreadableReport(f"it cannot be read: {error.strerror}") from None
    return parse(data)


def parse(data: bytes) -> Document:
    """The document in ``data``, XML or JSON by its first character."""
    if len(data) > LIMIT:
        raise UnreadableReport("it is larger than 32 MiB")
    start = _without_mark(data[:_CHUNK]).lstrip(b"\0 \t\r\n")
    if not start:
        raise UnreadableReport("it is empty")
    if start.startswith(b"<"):
        return _xml(data)
    if start.startswith((b"{", b"[")):
        return _json(data)
    raise UnreadableReport("it is neither XML nor JSON")


def number(value: Json, what: str) -> float:
    """``value`` as a finite number ≥ 0 (a text of one is accepted). Raises UnreadableReport."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        result = float(value.replace(",", "") if isinstance(value, str) else value)
        if not math.isfinite(result) or result < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise UnreadableReport(f"{what} is not a number: {str(value)[:40]!r}") from None
    return result


def _without_mark(data: bytes) -> bytes:
    for mark in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :]
    return data


def _json(data: bytes) -> Json:
    try:
        return json.loads(data)
    except RecursionError:
        raise UnreadableReport("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableReport(f"it is not valid JSON: {error}") from None


def _xml(data: bytes) -> ET.Element:
    try:
        _refuse_declarations(data)
        return ET.fromstring(data)
    except (ET.ParseError, expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableReport(f"it is not valid XML: {error}") from None


class _RootReached(Exception):
    """Ends the look at the part before the root element."""


def _refuse_declarations(data: bytes) -> None:
    """Refuse a document that declares anything: entities can be made to explode or to read files.

    A DOCTYPE that only names a DTD is let through, several coverage tools
    write one and it is never fetched. Declarations stand before the root
    element, so nothing after it needs this slow look.
    """
    parser = expat.ParserCreate()

    def doctype(_name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise UnreadableReport("it declares entities, which a report has no need of")

    def root(_name: str, _attributes: dict[str, str]) -> None:
        raise _RootReached

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        for start in range(0, len(data), _CHUNK):
            parser.Parse(data[start : start + _CHUNK])
    except _RootReached:
        return
