"""Reads YAML into plain data that remembers where every value stands.

Safe types only; bounded in size, depth and repetition; a key given twice and
everything YAML 1.1 reads otherwise than it looks is a problem. Knows nothing
of what the data means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from orchestrator.config.problems import Path, Problem, quoted
from orchestrator.config.scalars import CONSTRUCT, TAG, Surprise, kind
from orchestrator.config.yaml_text import MAX_BYTES, Stop, decoded, syntax_problem
from orchestrator.plugins.spec import Json

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "Document", "Node", "read"]

MAX_DEPTH = 32
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
MAX_VALUES = 20_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one has the same events
_COLLECTIONS = {None, "!", f"{TAG}seq", f"{TAG}map"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it begins, counted from 1.

    ``children`` are the nodes of a mapping or list, ``keys`` the places of a
    mapping's keys. ``raw`` is the text of a scalar written without quotes.
    ``size`` counts the values in it, itself included.
    """

    value: Json
    line: int
    column: int
    children: Mapping[str | int, Node] = field(default_factory=dict)
    keys: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    raw: str | None = None
    size: int = 1

    def at(self, path: Path) -> Node:
        """The node ``path`` leads to, or the last one on the way there."""
        node = self
        for part in path:
            if part not in node.children:
                break
            node = node.children[part]
        return node

    def key_place(self, path: Path) -> tuple[int, int]:
        """Line and column of the key ``path`` ends in, or of the value around it."""
        around = self.at(path[:-1])
        return around.keys.get(str(path[-1]), (around.line, around.column))


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. ``root`` is None when it could not be read at all."""

    root: Node | None
    problems: tuple[Problem, ...] = ()


def read(content: bytes | str) -> Document:
    """Read one YAML document. Never raises for what ``content`` holds."""
    try:
        text = decoded(content)
        reader = _Reader(text)
        root = reader.document()
    except Stop as stop:
        return Document(None, (stop.problem,))
    except yaml.YAMLError as error:
        problem = syntax_problem(error, text)
        if "nesting depth" in problem.message:  # the parser's own limit, met before ours
            problem = replace(problem, code="E118", message=_TOO_DEEP, hint=None)
        return Document(None, (problem,))
    return Document(root, tuple(reader.problems))


class _Reader:
    """Builds nodes from the parser's events, so that limits hold before data exists."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._loader = _LOADER(text)
        self._anchors: dict[str, Node | None] = {}
        self._values = 0

    def document(self) -> Node:
        """The one document of the file."""
        try:
            self._loader.get_event()
            if self._loader.check_event(yaml.StreamEndEvent):
                raise Stop(Problem("E101", (), "the file is empty", "orchestrate init writes one"))
            self._loader.get_event()
            root = self._node((), 1)
            self._loader.get_event()
            if not self._loader.check_event(yaml.StreamEndEvent):
                line, column = _place(self._loader.peek_event())
                message = "a second document begins here"
                hint = 'a configuration is one document: take the "---" out'
                raise Stop(Problem("E102", (), message, hint, line, column))
            return root
        finally:
            self._loader.dispose()

    def _node(self, path: Path, depth: int) -> Node:
        event = self._loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if depth > MAX_DEPTH:
            self._stop(event, path, _TOO_DEEP)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # until it is complete
        self._count(event, path, 1)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, path)
        else:
            if event.tag not in _COLLECTIONS:
                self._tag(event, path)
            is_list = isinstance(event, yaml.SequenceStartEvent)
            node = (self._list if is_list else self._mapping)(event, path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, path: Path) -> Node:
        node = self._anchors.get(event.anchor)
        line, column = _place(event)
        if node is None:
            what = "contains itself" if event.anchor in self._anchors else "is not defined before"
            raise Stop(Problem("E102", path, f"alias *{event.anchor} {what}", None, line, column))
        self._count(event, path, node.size)
        return node

    def _count(self, event: Any, path: Path, size: int) -> None:
        self._values += size
        if self._values > MAX_VALUES:
            self._stop(event, path, f"more than {MAX_VALUES:,} values, aliases counted out")

    def _stop(self, event: Any, path: Path, message: str) -> None:
        line, column = _place(event)
        raise Stop(Problem("E118", path, message, None, line, column))

    def _list(self, event: Any, path: Path, depth: int) -> Node:
        children: dict[str | int, Node] = {}
        while not self._loader.check_event(yaml.SequenceEndEvent):
            number = len(children)
            children[number] = self._node((*path, number), depth + 1)
        self._loader.get_event()
        value = [child.value for child in children.values()]
        return Node(value, *_place(event), children, size=_size(children))

    def _mapping(self, event: Any, path: Path, depth: int) -> Node:
        children: dict[str | int, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        merged: list[Node] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            key, place, merges = self._key(path)
            if key in keys:
                self._twice(key, path, place, keys[key])
            child = self._node((*path, key), depth + 1)
            if merges:
                merged.append(child)
            else:
                children[key], keys[key] = child, place
        self._loader.get_event()
        for source in merged:
            self._merge(source, children, keys, path)
        value = {key: child.value for key, child in children.items()}
        return Node(value, *_place(event), children, keys, size=_size(children))

    def _key(self, path: Path) -> tuple[str, tuple[int, int], bool]:
        """A key, its place, and whether it is the merge key ``<<``."""
        event = self._loader.get_event()
        place = _place(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise Stop(Problem("E102", path, "a key must be plain text", None, *place))
        tag = self._resolved(event)
        if tag == f"{TAG}merge":
            return event.value, place, True
        if tag != f"{TAG}str":
            message = f"YAML reads the key {event.value or '(empty)'} as {kind(tag, event.value)}"
            hint = f'write it in quotes: "{event.value}"'
            self.problems.append(Problem("E110", (*path, event.value), message, hint, *place))
        return event.value, place, False

    def _twice(self, key: str, path: Path, place: tuple[int, int], first: tuple[int, int]) -> None:
        message = f"key {quoted(key)} is given twice; the first is in line {first[0]}"
        hint = "merge the two, or take one out"
        self.problems.append(Problem("E109", (*path, key), message, hint, *place))

    def _merge(
        self,
        source: Node,
        children: dict[str | int, Node],
        keys: dict[str, tuple[int, int]],
        path: Path,
    ) -> None:
        """Add what ``<<`` brings; what the mapping says itself wins."""
        sources = list(source.children.values()) if isinstance(source.value, list) else [source]
        for mapping in sources:
            if not isinstance(mapping.value, dict):
                place = mapping.line, mapping.column
                message = "<< merges mappings only"
                self.problems.append(Problem("E102", (*path, "<<"), message, None, *place))
            for key, place in mapping.keys.items():
                children.setdefault(key, mapping.children[key])
                keys.setdefault(key, place)

    def _resolved(self, event: Any) -> str:
        if event.tag == "!":
            return f"{TAG}str"
        if event.tag is not None:
            return str(event.tag)
        return str(self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))

    def _scalar(self, event: Any, path: Path) -> Node:
        tag = self._resolved(event)
        plain = event.value if event.style is None or event.style == "" else None
        if tag in CONSTRUCT:
            try:
                value = CONSTRUCT[tag](event.value)
            except Surprise as surprise:
                self._surprise(event, path, str(surprise))
                value = event.value
            except ValueError:
                self._tag(event, path)
                value = event.value
        else:
            self._tag(event, path)
            value = event.value
        return Node(value, *_place(event), raw=plain)

    def _surprise(self, event: Any, path: Path, what: str) -> None:
        hint = f'write it in quotes: "{event.value}"'
        message = f"YAML reads {event.value} as {what}"
        self.problems.append(Problem("E110", path, message, hint, *_place(event)))

    def _tag(self, event: Any, path: Path) -> None:
        tag = (event.tag or "").replace(TAG, "!!")
        message = f"tag {tag} is not allowed here" if tag else f"{event.value} cannot be read"
        hint = "only plain data is read: take it out" if tag else "write it in quotes"
        self.problems.append(Problem("E110", path, message, hint, *_place(event)))


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _size(children: Mapping[str | int, Node]) -> int:
    return 1 + sum(child.size for child in children.values())
