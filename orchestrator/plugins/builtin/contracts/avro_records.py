"""Records of an Avro schema, to try what a reader makes of them: each branch, symbol and size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

__all__ = ["records"]

_MOST, _DEPTH = 200, 6
_PLAIN: dict[str, tuple[Any, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "int": (1, -1),
    "long": (2**40, 1),
    "float": (1.5,),
    "double": (1.5, 1e300),
    "bytes": (b"text", b"\xff\xfe"),
    "string": ("text", ""),
}


def records(schema: Any) -> Iterator[Any]:
    """Up to 200 data of a schema of the library (``Any``: it is untyped), plainest first."""
    return islice(_made(schema, _DEPTH), _MOST)


def _made(schema: Any, depth: int) -> Iterator[Any]:
    if depth <= 0:
        return
    kind = schema.type
    if kind in _PLAIN:
        yield from _PLAIN[kind]
    elif kind == "fixed":
        yield b"x" * schema.size
    elif kind == "enum":
        yield from schema.symbols
    elif kind in ("union", "error_union"):
        for branch in schema.schemas:
            yield from islice(_made(branch, depth - 1), 8)
    elif kind == "array":
        yield from ([value] for value in islice(_made(schema.items, depth - 1), 20))
        yield []
    elif kind == "map":
        yield from ({"key": value} for value in islice(_made(schema.values, depth - 1), 20))
        yield {}
    elif kind in ("record", "error"):
        yield from _of_record(schema, depth)


def _of_record(schema: Any, depth: int) -> Iterator[Any]:
    """The plainest record, then the same with one field changed at a time."""
    values = {f.name: list(islice(_made(f.type, depth - 1), 20)) for f in schema.fields}
    if any(not made for made in values.values()):
        return  # too deep to end
    plain = {name: _shortest(made) for name, made in values.items()}
    yield plain
    for name, made in values.items():
        yield from ({**plain, name: value} for value in made)


def _shortest(made: list[Any]) -> Any:
    """Something that ends: nothing, or an empty list, where that is possible."""
    return next((value for value in made if value in (None, [], {})), made[0])
