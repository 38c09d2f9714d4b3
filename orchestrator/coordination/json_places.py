"""JSON with places: where each value stands, and what can be read of a broken file.

Files that several programs wrote without a lock are cut off, or end in
the rest of an older version. What comes before the break is still worth
reading; and who edits a file for its owner has to know where a value begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Node", "Parsed", "parse", "place"]

_BLANK = re.compile(r"[ \t\n\r]*")
_DEPTH = 64
_scalar = json.JSONDecoder(strict=False).raw_decode


@dataclass(slots=True)
class Node:
    """One value: ``value``, and its text from ``start`` to ``end``.

    ``items`` are the elements of a list; ``members`` the (start, value) of an
    object by key. A container that breaks off is not ``whole`` and has no
    incomplete element.
    """

    start: int
    end: int = 0
    value: Any = None
    whole: bool = True
    items: list[Node] = field(default_factory=list)
    members: dict[str, tuple[int, Node]] = field(default_factory=dict)

    def at(self, *keys: str) -> Node | None:
        """The value below these keys."""
        node: Node | None = self
        for key in keys:
            found = node.members.get(key) if node else None
            node = found[1] if found else None
        return node

    def each(self) -> Iterator[Node]:
        """The elements of a list, or the values of an object."""
        yield from self.items
        yield from (node for _, node in self.members.values())


@dataclass(frozen=True, slots=True)
class Parsed:
    """``root`` as far as it could be read; ``error`` and where it is, if the text is broken.

    ``doubled`` are the offsets of names that their object already had: of
    such members only the last is in ``members``.
    """

    root: Node | None
    error: str | None = None
    offset: int = 0
    doubled: tuple[int, ...] = ()


class _Broken(Exception):
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


def parse(text: str) -> Parsed:
    """Read as much of ``text`` as is JSON. Never raises."""
    reader = _Reader(text)
    start = reader.blank(1 if text.startswith("\ufeff") else 0)
    root = reader.value(start, 0)
    if reader.broken is None and root is not None:
        after = reader.blank(root.end)
        if after < len(text):
            reader.broken = _Broken("something follows the end", after)
    broken = reader.broken
    message, offset = (broken.message, broken.offset) if broken else (None, 0)
    return Parsed(root, message, offset, tuple(reader.doubled))


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Reader:
    """Reads until the first mistake, which it remembers in ``broken``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.broken: _Broken | None = None
        self.doubled: list[int] = []

    def blank(self, offset: int) -> int:
        found = _BLANK.match(self.text, offset)
        return found.end() if found else offset

    def value(self, start: int, depth: int) -> Node | None:
        """The value at ``start``; None when there is no whole scalar."""
        sign = self.text[start : start + 1]
        if sign in ("{", "[") and sign:
            return self._container(start, sign, depth)
        try:
            found, end = _scalar(self.text, start)
        except (ValueError, RecursionError) as error:
            offset = getattr(error, "pos", start)
            message = getattr(error, "msg", "nested too deeply")
            self.broken = _Broken("it breaks off" if not sign else message, offset)
            return None
        return Node(start, end, found)

    def _container(self, start: int, sign: str, depth: int) -> Node:
        node = Node(start, value={} if sign == "{" else [])
        try:
            if depth > _DEPTH:
                raise _Broken("nested too deeply", start)
            node.end = self._inside(node, "}" if sign == "{" else "]", depth)
        except _Broken as error:
            self.broken, node.whole = self.broken or error, False
            node.end = self.broken.offset
        return node

    def _inside(self, node: Node, close: str, depth: int) -> int:
        """Read up to the closing bracket; the offset behind it."""
        at = self.blank(node.start + 1)
        if self.text[at : at + 1] == close:
            return at + 1
        while True:
            at = self._member(node, at, depth) if close == "}" else self._item(node, at, depth)
            at = self.blank(at)
            sign = self.text[at : at + 1]
            if sign == close:
                return at + 1
            if sign != ",":
                raise _Broken("it breaks off" if not sign else f"expected , or {close}", at)
            at = self.blank(at + 1)

    def _item(self, node: Node, at: int, depth: int) -> int:
        child = self._child(at, depth)
        if child.whole:
            node.items.append(child)
            node.value.append(child.value)
        self._go_on()
        return child.end

    def _member(self, node: Node, at: int, depth: int) -> int:
        key = self._child(at, depth)
        if not isinstance(key.value, str):
            raise _Broken("expected a name in quotes", at)
        colon = self.blank(key.end)
        if self.text[colon : colon + 1] != ":":
            raise _Broken("expected :", colon)
        child = self._child(self.blank(colon + 1), depth)
        if key.value in node.members:
            self.doubled.append(at)
        # A list that breaks off is kept as far as it goes, an object is not an element.
        node.members[key.value] = (at, child)
        node.value[key.value] = child.value
        self._go_on()
        return child.end

    def _child(self, at: int, depth: int) -> Node:
        child = self.value(at, depth + 1)
        if child is None:
            raise self.broken or _Broken("it breaks off", at)
        return child

    def _go_on(self) -> None:
        if self.broken is not None:
            raise self.broken
