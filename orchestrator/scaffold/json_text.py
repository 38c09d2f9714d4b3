"""Somebody's JSON file as text: read strictly, so that it can be edited in place.

Pure. What is not plain JSON is refused with its place: guessing what was meant
would change a file that belongs to somebody else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.coordination.json_places import Node, parse, place
from orchestrator.errors import OrchestrateError

__all__ = ["Style", "UnreadableSettings", "empty", "expect", "margin", "read", "style_of"]


class UnreadableSettings(OrchestrateError):
    """A settings file is not plain JSON, or not built as expected; nothing was changed.

    The message names the place. Comments, trailing commas and a name that
    stands twice in one object are refused too: an edit could not keep them.
    Mend the file by hand, or have the entries put into another one with
    ``--local`` or ``--user``.
    """

    code = "E730"


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is laid out: its indentation unit (None: all on one line) and its line end."""

    indent: str | None = "  "
    newline: str = "\n"

    def dump(self, value: Any, base: str) -> str:
        """``value`` as text whose further lines begin with ``base``."""
        text = json.dumps(value, indent=self.indent, ensure_ascii=False)
        return text.replace("\n", self.newline + base)


def empty(text: str) -> bool:
    """True for a file without content, which stands for one that is not there."""
    return not text.removeprefix("\ufeff").strip(" \t\r\n")


def read(text: str, where: str) -> Node:
    """The object in ``text``. Raises ``UnreadableSettings`` with ``where:line:column``."""
    parsed = parse(text)
    if parsed.error is not None or parsed.root is None:
        raise _refused(text, where, parsed.offset, _what(text, parsed.offset, parsed.error))
    if parsed.doubled:
        raise _refused(text, where, parsed.doubled[0], "this name stands twice in one object")
    for offset, fault in _not_json(text, parsed.root):
        raise _refused(text, where, offset, fault)
    return expect(parsed.root, dict, text, where)


def expect(node: Node, kind: type, text: str, where: str) -> Node:
    """``node``, which must be an object (dict) or a list."""
    if not isinstance(node.value, kind):
        named = "an object" if kind is dict else "a list"
        raise _refused(text, where, node.start, f"{named} is expected here")
    return node


def style_of(text: str, root: Node) -> Style:
    """The layout of a file, by its first member."""
    newline = "\r\n" if "\r\n" in text else "\n"
    first = next(iter(root.members.values()), None)
    if first is None:
        return Style(newline=newline)
    blank = text[root.start + 1 : first[0]]
    if "\n" in blank:
        return Style(_unit(text, root.start, blank.rpartition("\n")[2]), newline)
    return Style(None if "\n" not in text[root.start : root.end] else "  ", newline)


def margin(text: str, offset: int) -> str:
    """The indentation of the line that ``offset`` is on."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str, root: int, inner: str) -> str:
    """How much further in a member stands than the object it belongs to."""
    return inner.removeprefix(margin(text, root)) or "  "


def _what(text: str, offset: int, error: str | None) -> str:
    if text.startswith(("//", "/*", "#"), offset):
        return "comments are not JSON"
    if text.startswith(("}", "]"), offset):
        return "a comma too many before this"
    return error or "not JSON"


def _not_json(text: str, root: Node) -> Iterator[tuple[int, str]]:
    """What a lenient reader takes and a client does not."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        yield error.pos + text.startswith("\ufeff"), error.msg
    yield from _not_numbers(text, root)


def _not_numbers(text: str, node: Node) -> Iterator[tuple[int, str]]:
    """``NaN`` and ``Infinity``; a number that is merely too large is JSON."""
    odd = isinstance(node.value, float) and not math.isfinite(node.value)
    if odd and not text[node.start : node.end].strip("-")[0].isdigit():
        yield node.start, "this is no JSON number"
    for child in node.each():
        yield from _not_numbers(text, child)


def _refused(text: str, where: str, offset: int, message: str) -> UnreadableSettings:
    line, column = place(text, offset)
    return UnreadableSettings(
        message, where=f"{where}:{line}:{column}", hint="mend it by hand; nothing was changed"
    )
