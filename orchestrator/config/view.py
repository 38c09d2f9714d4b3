"""A way to look into data that may have any shape: wrong types are simply not there.

Lets the checks of meaning run on a file that the schema found fault with, so
that one mistake never hides another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.config.problems import Path, Problem
from orchestrator.config.yaml_reader import Node

__all__ = ["EACH", "View"]

#: In ``View.select``: every entry of a mapping or list.
EACH = "*"


@dataclass(frozen=True, slots=True)
class View:
    """A node and the path that leads to it."""

    node: Node
    path: Path = ()

    def get(self, key: str | int) -> View | None:
        """What is under ``key``, or None."""
        child = self.node.children.get(key)
        return None if child is None else View(child, (*self.path, key))

    def select(self, *keys: str) -> Iterator[View]:
        """Everything a path leads to; ``EACH`` stands for every entry."""
        if not keys:
            yield self
        elif keys[0] == EACH:
            for key, child in self.node.children.items():
                yield from View(child, (*self.path, key)).select(*keys[1:])
        elif (child_view := self.get(keys[0])) is not None:
            yield from child_view.select(*keys[1:])

    def texts(self, *keys: str) -> Iterator[tuple[str, View]]:
        """Like ``select``, but only what is text, with the text."""
        for view in self.select(*keys):
            if isinstance(view.node.value, str):
                yield view.node.value, view

    def entries(self, *keys: str) -> Iterator[tuple[str, View]]:
        """The entries of the mappings a path leads to, by key."""
        for view in self.select(*keys):
            if isinstance(view.node.value, dict):
                for key, child in view.node.children.items():
                    yield str(key), View(child, (*view.path, key))

    def text(self, key: str) -> str | None:
        """The text under ``key``, or None."""
        view = self.get(key)
        return view.node.value if view and isinstance(view.node.value, str) else None

    def problem(self, code: str, message: str, hint: str | None = None) -> Problem:
        """A problem of this value."""
        return Problem(code, self.path, message, hint, self.node.line, self.node.column)
