"""Where a reader's Avro schema cannot take what a writer's writes, in words and with its place.

Walks both schemas side by side, as the specification resolves them. That there is
a break is for the library's checker and a record to say; this only names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Difference", "differences"]

#: What a reader takes besides its own type, by that type.
_PROMOTED = {
    "long": ("int",),
    "float": ("int", "long"),
    "double": ("int", "long", "float"),
    "bytes": ("string",),
    "string": ("bytes",),
}
_UNIONS = ("union", "error_union")
_RECORDS = ("record", "error")

#: Keys of a schema's JSON that lead to a place.
Keys = tuple[str | int, ...]
#: Whether the library calls a reader and a writer compatible.
Compatible = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place: the rule, what is wrong there, and where it stands in both schemas.

    ``path`` is as people read it (``Order.state``). ``needs`` is a value of which
    one has to be in a record that shows this, empty where any record does.
    """

    rule: str
    path: str
    said: str
    in_reader: Keys
    in_writer: Keys
    needs: tuple[str, ...] = ()


def differences(reader: Any, writer: Any, compatible: Compatible) -> Iterator[Difference]:
    """Every difference, in the order of the reader's fields (``Any``: the library's schemas)."""
    yield from _Walk(compatible).node(reader, writer, _name(writer), (), ())


class _Walk:
    """Remembers the pairs it has seen: schemas refer to themselves."""

    def __init__(self, compatible: Compatible) -> None:
        self._compatible = compatible
        self._seen: set[tuple[int, int]] = set()

    def node(self, reader: Any, writer: Any, path: str, r: Keys, w: Keys) -> Iterator[Difference]:
        pair = (id(reader), id(writer))
        if pair in self._seen or self._compatible(reader, writer):
            return
        self._seen.add(pair)
        if writer.type in _UNIONS:
            for index, branch in enumerate(writer.schemas):
                yield from self.node(reader, branch, path, r, (*w, index))
        elif reader.type in _UNIONS:
            yield from self._no_branch(reader, writer, path, r, w)
        elif reader.type == writer.type or {reader.type, writer.type} <= {*_RECORDS}:
            yield from self._alike(reader, writer, path, r, w)
        elif writer.type not in _PROMOTED.get(reader.type, ()):
            said = f"{_name(writer)} is written, {_name(reader)} is expected"
            yield Difference("type-mismatch", path, said, (*r, "type"), (*w, "type"))

    def _no_branch(
        self, reader: Any, writer: Any, path: str, r: Keys, w: Keys
    ) -> Iterator[Difference]:
        """No branch of a union takes it: the one of its own type is looked into."""
        for index, branch in enumerate(reader.schemas):
            if branch.type == writer.type and _name(branch) == _name(writer):
                yield from self.node(branch, writer, path, (*r, index), w)
                return
        said = f"{_name(writer)} may be written, and is no branch of the reader's union"
        yield Difference("missing-union-branch", path, said, r, w)

    def _alike(self, reader: Any, writer: Any, path: str, r: Keys, w: Keys) -> Iterator[Difference]:
        kind = reader.type
        if kind == "array":
            yield from self.node(reader.items, writer.items, f"{path}[]", (*r, "items"),
                                 (*w, "items"))  # fmt: skip
        elif kind == "map":
            yield from self.node(reader.values, writer.values, f"{path}{{}}", (*r, "values"),
                                 (*w, "values"))  # fmt: skip
        else:
            yield from self._named(reader, writer, path, r, w)

    def _named(self, reader: Any, writer: Any, path: str, r: Keys, w: Keys) -> Iterator[Difference]:
        aliases = reader.props.get("aliases") or ()
        if reader.name != writer.name and writer.fullname not in aliases:
            said = f"{writer.fullname} is written, {reader.fullname} is expected"
            yield Difference("name-mismatch", path, said, (*r, "name"), (*w, "name"))
        if reader.type == "fixed" and reader.size != writer.size:
            said = f"{writer.size} bytes are written, {reader.size} are expected"
            yield Difference("fixed-size-mismatch", path, said, (*r, "size"), (*w, "size"))
        elif reader.type == "enum":
            yield from self._symbols(reader, writer, path, r, w)
        elif reader.type in _RECORDS:
            yield from self._fields(reader, writer, path, r, w)

    def _symbols(
        self, reader: Any, writer: Any, path: str, r: Keys, w: Keys
    ) -> Iterator[Difference]:
        gone = tuple(s for s in writer.symbols if s not in reader.symbols)
        if gone and reader.props.get("default") not in reader.symbols:
            said = f"{', '.join(gone)} may be written, and is no symbol of the reader's"
            yield Difference("missing-enum-symbols", path, said, (*r, "symbols"), (*w, "symbols"),
                             gone)  # fmt: skip

    def _fields(
        self, reader: Any, writer: Any, path: str, r: Keys, w: Keys
    ) -> Iterator[Difference]:
        written = {field.name: index for index, field in enumerate(writer.fields)}
        for index, field in enumerate(reader.fields):
            here, at = f"{path}.{field.name}", (*r, "fields", index)
            names = (field.name, *(field.props.get("aliases") or ()))
            other = next((written[name] for name in names if name in written), None)
            if other is not None:
                yield from self.node(field.type, writer.fields[other].type, here, (*at, "type"),
                                     (*w, "fields", other, "type"))  # fmt: skip
            elif not field.has_default:
                said = "it is expected, is not written, and has no default"
                yield Difference("reader-field-missing-default-value", here, said, at, w)


def _name(schema: Any) -> str:
    """What a type is called: its own name, or that of its kind."""
    return str(getattr(schema, "name", None) or schema.type)
