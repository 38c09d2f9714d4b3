"""Any JSON Schema as one self-contained document of draft 2020-12 that admits the same values.

References into the document and into other files of the repository are
resolved, older drafts and OpenAPI 3.0 are rewritten, annotations are dropped.
What is left can be compared across drafts. References at the place of a value
stay references to ``$defs`` (so recursion survives); references that are
combined with other keywords are written out. Compares nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urljoin

from orchestrator.plugins.builtin.contracts.dialects import (
    DIALECT,
    dialect_of,
    knows,
    modern,
    static,
)
from orchestrator.plugins.builtin.contracts.documents import Read, Unreadable, inside, loads
from orchestrator.plugins.spec import Json

__all__ = [
    "PART",
    "DanglingReference",
    "Source",
    "Unmodelled",
    "is_self_contained",
    "normalise",
    "source",
]

#: The end of a definition's name that judges a value together with other schemas.
PART = "-part"

_MAX_NODES = 50_000

_NUMBERS = ("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum")
_SIZES = ("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains",
          "maxProperties", "minProperties")  # fmt: skip
_OTHERS = ("enum", "const", "pattern", "uniqueItems", "required", "dependentRequired", "type",
           "format")  # fmt: skip
_COPIED = frozenset((*_NUMBERS, *_SIZES, *_OTHERS))
_VALUES = frozenset(("items", "additionalProperties", "propertyNames", "contains",
                     "unevaluatedItems", "unevaluatedProperties"))  # fmt: skip
_VALUE_MAPS = frozenset(("properties", "patternProperties"))
_IN_PLACE = frozenset(("not", "if", "then", "else"))
_IN_PLACE_LISTS = frozenset(("allOf", "anyOf", "oneOf"))
_REFUSED = ("$dynamicRef", "$recursiveRef")


class Unmodelled(ValueError):
    """A schema uses something that cannot be compared; the message says what."""


class DanglingReference(Unmodelled):
    """A reference names something that is not there."""


@dataclass(frozen=True, slots=True)
class Source:
    """A schema where it stands: the ``document`` in the file ``path``, and how others are read."""

    document: Json
    path: str
    read: Read
    dialect: int = 20


def source(content: bytes, path: str, read: Read) -> Source:
    """The schema in a file's content; raises ``Unreadable``."""
    document = loads(content, path)
    return Source(document, path, read, dialect_of(document))


def is_self_contained(document: Json) -> bool:
    """Whether no reference leads out of the document, so that equal documents mean the same."""
    if isinstance(document, list):
        return all(is_self_contained(part) for part in document)
    if not isinstance(document, dict):
        return True
    reference = document.get("$ref", "#")
    inside = not isinstance(reference, str) or reference.startswith("#")
    return inside and all(is_self_contained(part) for part in document.values())


def normalise(source: Source, fragment: str = "") -> dict[str, Json]:
    """The schema at a JSON pointer of the source; raises ``Unmodelled``."""
    if not fragment:
        source = replace(source, document=static(source.document, source.dialect))
    worker = _Normaliser(source)
    try:
        root = worker.value({"$ref": f"#{quote(fragment)}"}, _Place(source.path, source.dialect))
    except RecursionError as error:
        raise Unmodelled("the schema is nested too deeply") from error
    return {"$schema": DIALECT, **root, "$defs": worker.definitions}


#: A file and a fragment of it.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands: references are relative to its file, keywords to its dialect.

    ``inlined`` are the references being written out around it, ``here`` those
    of them that judge the same value.
    """

    path: str
    dialect: int
    inlined: tuple[_Key, ...] = ()
    here: tuple[_Key, ...] = ()


class _Normaliser:
    """Collects the definitions one schema needs while it is rewritten."""

    def __init__(self, source: Source) -> None:
        self.definitions: dict[str, Json] = {}
        self._source = source
        self._documents: dict[str, Json] = {source.path: source.document}
        self._names: dict[_Key, str] = {}
        self._nodes = 0

    def value(self, schema: Json, place: _Place) -> dict[str, Json]:
        """A schema that judges a value of its own: a property, an item, the root."""
        rest = _beside_reference(schema, place.dialect)
        if rest is None or rest:
            return self.in_place(schema, replace(place, here=()))
        return {"$ref": f"#/$defs/{self._definition(schema['$ref'], place)}"}

    def in_place(self, schema: Json, place: _Place) -> dict[str, Json]:
        """A schema that judges the same value as the one around it: references are written out."""
        rest = _beside_reference(schema, place.dialect)
        if rest is None:
            return self._keywords(schema, place)
        key, target, there = self._resolve(schema["$ref"], place)
        if key in place.here:
            raise Unmodelled(f"the reference {schema['$ref']} leads to itself")
        if key in place.inlined:
            written = {"$ref": f"#/$defs/{self._part(key, target, there)}"}
            return {"allOf": [written, self._keywords(rest, place)]} if rest else written
        there = replace(there, inlined=(*place.inlined, key), here=(*place.here, key))
        written = self.in_place(target, there)
        return {"allOf": [written, self._keywords(rest, place)]} if rest else written

    def _definition(self, reference: str, place: _Place) -> str:
        key, target, there = self._resolve(reference, place)
        if key not in self._names:
            self._names[key] = name = self._name(key)
            self.definitions[name] = self.in_place(
                target, replace(there, inlined=(key,), here=(key,))
            )
        return self._names[key]

    def _part(self, key: _Key, target: Json, there: _Place) -> str:
        """The definition of a recursive schema where it is combined with others."""
        part = (key[0], f"{key[1]}{PART}")
        if part not in self._names:
            self._names[part] = name = self._name(key) + PART
            within = replace(there, inlined=(key,), here=(key,))
            self.definitions[name] = self.in_place(target, within)
        return self._names[part]

    def _name(self, key: _Key) -> str:
        """Stable between versions of a file, so that recursive schemas can be paired."""
        path, fragment = key
        last = fragment.rpartition("/")[2] or "root"
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in last)
        if path != self._source.path:
            plain = f"{path.replace('/', '_')}_{plain}"
        while plain in self._names.values() or plain.endswith(PART):
            plain += "_"
        return plain

    def _resolve(self, reference: str, place: _Place) -> tuple[_Key, Json, _Place]:
        file, _, fragment = unquote(reference).partition("#")
        path = self._file(file, place)
        document = self._documents[path]
        dialect = place.dialect if path == place.path else dialect_of(document, place.dialect)
        target = _anchored(document, fragment) if fragment[:1] not in ("", "/") else _at(
            document, fragment
        )  # fmt: skip
        if target is _ABSENT:
            raise DanglingReference(f"the reference {reference} in {place.path} leads nowhere")
        return (path, fragment), target, _Place(path, dialect)

    def _file(self, file: str, place: _Place) -> str:
        """The path of the file a reference names, once it is read."""
        document = self._documents[place.path]
        relative = _relative(document, file)
        if not relative:
            return place.path
        path = None if "://" in relative else inside(place.path, relative)
        if path is None:
            raise Unmodelled(f"the reference {file} in {place.path} leads out of the repository; "
                             "it is never fetched")  # fmt: skip
        if path not in self._documents:
            content = self._source.read(path)
            if content is None:
                raise DanglingReference(f"the file {path}, which {place.path} refers to, is absent")
            try:
                self._documents[path] = loads(content, path)
            except Unreadable as error:
                raise Unmodelled(f"{path}: {error}") from error
        return path

    def _keywords(self, schema: Json, place: _Place) -> dict[str, Json]:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise Unmodelled(f"written out it has more than {_MAX_NODES} parts")
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        if not isinstance(schema, dict):
            raise Unmodelled(f"a schema in {place.path} is {type(schema).__name__}, not an object")
        for keyword in _REFUSED:
            if keyword in schema and knows(place.dialect, keyword):
                raise Unmodelled(f"{keyword} is not modelled where it may mean several schemas")
        return {
            keyword: rewritten
            for keyword, value in modern(schema, place.dialect).items()
            if (rewritten := self._keyword(keyword, value, place)) is not None
        }

    def _keyword(self, keyword: str, value: Json, place: _Place) -> Json:
        """The rewritten value of a keyword, or None where it says nothing about values."""
        if keyword in _COPIED:
            return value
        if keyword in _VALUES:
            return self.value(value, place)
        if keyword in _IN_PLACE:
            return self.in_place(value, place)
        if keyword in _VALUE_MAPS:
            return self._each(value, lambda part: self.value(part, place))
        if keyword == "dependentSchemas":
            return self._each(value, lambda part: self.in_place(part, place))
        if keyword == "prefixItems":
            return [self.value(part, place) for part in _listed(value)]
        if keyword in _IN_PLACE_LISTS:
            return [self.in_place(part, place) for part in _listed(value)]
        return None

    def _each(self, value: Json, rewrite: Callable[[Json], Json]) -> dict[str, Json]:
        if not isinstance(value, Mapping):
            raise Unmodelled("a keyword that maps names to schemas is not an object")
        return {name: rewrite(part) for name, part in value.items()}


_ABSENT = object()


def _relative(document: Json, file: str) -> str:
    """A reference seen from the document's file: its own address stands for its file's place."""
    owner = document if isinstance(document, dict) else {}
    address = owner.get("$id", owner.get("id"))
    if not file or not isinstance(address, str) or "://" not in address:
        return "" if file == address else file
    address = address.partition("#")[0]
    target = urljoin(address, file)
    if target == address:
        return ""
    folder = address.rpartition("/")[0] + "/"
    return target.removeprefix(folder)


def _beside_reference(schema: Json, dialect: int) -> dict[str, Json] | None:
    """What stands beside a reference and counts; None where there is no reference."""
    if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
        return None
    if dialect < 19:
        return {}  # there, a reference replaces everything beside it
    known = _COPIED | _VALUES | _VALUE_MAPS | _IN_PLACE | _IN_PLACE_LISTS
    known |= {"prefixItems", "dependentSchemas", *_REFUSED}
    return {keyword: value for keyword, value in schema.items() if keyword in known}


def _listed(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise Unmodelled("a keyword that lists schemas is not an array")
    return value


def _at(document: Json, fragment: str) -> Json:
    """The value a JSON pointer leads to, or ``_ABSENT``."""
    for part in fragment.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _ABSENT
    return document


def _anchored(document: Json, name: str) -> Json:
    """The schema with this ``$anchor`` (or ``$id: "#name"``, as older drafts write it)."""
    if isinstance(document, dict):
        if name in (document.get("$anchor"), document.get("$dynamicAnchor")):
            return document
        if f"#{name}" in (document.get("$id"), document.get("id")):
            return document
        parts = list(document.values())
    else:
        parts = document if isinstance(document, list) else []
    for part in parts:
        found = _anchored(part, name)
        if found is not _ABSENT:
            return found
    return _ABSENT
