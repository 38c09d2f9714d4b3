"""JSON as steps write it: read strictly, and said what is wrong with it."""

from __future__ import annotations

import json
import math

from orchestrator.plugins.spec import Json

__all__ = ["LIMIT", "NoDocument", "document", "last_document"]

#: The largest payload in a file, in bytes.
LIMIT = 64 << 20
_STARTS = frozenset('{["-0123456789tfnNI')
_SHOWN = 60


class NoDocument(ValueError):
    """What a step wrote is not, or does not end with, a JSON document."""


class _NoValue(ValueError):
    """A number JSON does not have."""


def document(content: bytes) -> Json:
    """The JSON document these bytes are. Raises ``NoDocument``."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoDocument(f"is not UTF-8 text: {_begins(content)}") from error
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except _NoValue as error:
        raise NoDocument(f"has {error}") from error
    except RecursionError as error:
        raise NoDocument("is nested too deeply") from error
    except ValueError as error:
        raise NoDocument(
            f"is no JSON: {_begins(content)}" if text.strip() else "is empty"
        ) from error
    return _whole(value)


def last_document(text: str) -> Json:
    """The JSON document at the end of what was printed, from the beginning of a line.

    Raises ``NoDocument``. Lines before it are remarks.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
    end = len(text.rstrip())
    start, odd = 0, ""
    while start < end:
        if text[start] in _STARTS:
            try:
                value, stop = decoder.raw_decode(text, start)
            except _NoValue as error:
                stop, odd = -1, f": {error}"
            except (ValueError, RecursionError):
                stop = -1
            if stop == end:
                return _whole(value)
            if stop > start:
                start = stop
        newline = text.find("\n", start)
        if newline < 0:
            break
        start = newline + 1
    if not end:
        raise NoDocument("printed nothing")
    raise NoDocument(f"printed no JSON document at the end{odd or ': ' + _begins(text.encode())}")


def _begins(content: bytes) -> str:
    """The first bytes, what cannot be read in them made visible."""
    shown = ascii(content[:_SHOWN].decode("utf-8", "backslashreplace"))[1:-1]
    return f"it begins with {shown}{'…' if len(content) > _SHOWN else ''}"


def _refuse(name: str) -> Json:
    raise _NoValue(f"{name}, which is no JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise _NoValue(f"the number {text[:20]}, which is too large")


def _whole(value: Json) -> Json:
    """The value, if it is text that others can read: half a character is not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise NoDocument("has half a character (a lone surrogate), which is no text") from error
    return value
