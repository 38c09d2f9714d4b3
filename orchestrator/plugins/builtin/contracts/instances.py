"""Small values that a schema probably admits, made from the schema: candidates for examples.

Constants, enum members, bounds and their neighbours, matching strings, the
smallest and the fullest object, one part changed at a time. Nothing here is
proven: ``compare`` tests every candidate against both schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from orchestrator.plugins.builtin.contracts.strings import matching
from orchestrator.plugins.spec import Json

__all__ = ["constants", "instances", "merged"]

_DEPTH = 8
_PER_PLACE = 12
_LONGEST = 2000
_TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
_ANYTHING: tuple[Json, ...] = ("text", 0, 1, True, None, 1.5, [], {}, "", -1, False, "other")
_FORMATS = ("2024-01-31", "2024-01-31T12:00:00Z", "ada@example.org", "https://example.org/a",
            "123e4567-e89b-12d3-a456-426614174000", "127.0.0.1")  # fmt: skip


def instances(schema: Json, extra: Sequence[Json] = ()) -> Iterator[Json]:
    """Candidates for ``schema``; ``extra`` are tried wherever a plain value may stand."""
    definitions = schema.get("$defs", {}) if isinstance(schema, dict) else {}
    return _Maker(definitions, tuple(extra)).make(schema, _DEPTH)


def constants(*schemas: Json) -> list[Json]:
    """Every constant of the schemas, and the bounds of numbers with their neighbours."""
    found: dict[str, Json] = {}
    for schema in schemas:
        for value in _constants(schema):
            found.setdefault(repr(value), value)
    return list(islice(found.values(), 60))


def _constants(schema: Json) -> Iterator[Json]:
    if isinstance(schema, list):
        for part in schema:
            yield from _constants(part)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            if keyword == "const":
                yield value
            elif keyword == "enum" and isinstance(value, list):
                yield from value
            elif keyword in _BOUNDS and isinstance(value, (int, float)):
                yield from (value, value - 1, value + 1)
            else:
                yield from _constants(value)


#: In this order, so that the same schemas always make the same examples.
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes candidates for the schemas of one document."""

    definitions: Mapping[str, Json]
    extra: tuple[Json, ...]

    def make(self, schema: Json, depth: int) -> Iterator[Json]:
        """Candidates for one schema, simplest first."""
        if schema is True or schema == {}:
            yield from _ANYTHING
            yield from self.extra
        if not isinstance(schema, dict) or not schema or depth <= 0:
            return
        flat = self._flat(schema)
        if "const" in flat:
            yield flat["const"]
        elif "enum" in flat:
            yield from flat["enum"]
        elif branches := [b for key in ("anyOf", "oneOf") for b in flat.get(key, ())]:
            rest = {k: v for k, v in flat.items() if k not in ("anyOf", "oneOf")}
            yield from _by_turns(self.make(merged((rest, b)), depth - 1) for b in branches)
        else:
            yield from _by_turns(self._typed(kind, flat, depth) for kind in _kinds(flat))

    def few(self, schema: Json, depth: int, most: int = _PER_PLACE) -> list[Json]:
        return list(islice(self.make(schema, depth), most))

    def _flat(self, schema: Mapping[str, Json]) -> dict[str, Json]:
        """The schema with its reference followed and its ``allOf`` merged in."""
        flat: dict[str, Json] = dict(schema)
        for _ in range(_DEPTH):
            reference, parts = flat.pop("$ref", None), flat.pop("allOf", [])
            if reference is not None:
                parts = [*parts, self.definitions.get(reference.rpartition("/")[2], True)]
            if not parts:
                return flat
            flat = merged((flat, *parts))
        return flat

    def _typed(self, kind: str, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        if kind == "object":
            yield from self._objects(schema, depth)
        elif kind == "array":
            yield from self._arrays(schema, depth)
        elif kind == "string":
            yield from _strings(schema)
            yield from (value for value in self.extra if isinstance(value, str))
        elif kind in ("integer", "number"):
            yield from _numbers(schema, kind)
            yield from (value for value in self.extra if isinstance(value, (int, float)))
        else:
            yield from ((True, False) if kind == "boolean" else (None,))

    def _objects(self, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        """The smallest, the fullest, each with one part changed, then with an undeclared one."""
        required = schema.get("required", ())
        parts: dict[str, Json] = dict(schema.get("properties", {}))
        parts |= {name: _undeclared(schema) for name in required if name not in parts}
        full = {n: v for n, part in parts.items() for v in self.few(part, depth - 1, 1)}
        small = {name: full[name] for name in required if name in full}
        yield small
        yield full
        yield from self._crowded(schema, small, depth)
        yield from _by_turns(
            self._changes(name, parts[name], small, full, depth) for name in full
        )  # fmt: skip
        for name in self._other_names(schema):
            for value in self.few(_undeclared(schema), depth - 1, 4):
                yield {**small, name: value}

    def _crowded(
        self, schema: Mapping[str, Json], small: Mapping[str, Json], depth: int
    ) -> Iterator[Json]:
        """The smallest with as many undeclared properties as are asked for."""
        lacking = min(int(schema.get("minProperties", 0)), _LONGEST) - len(small)
        for value in self.few(_undeclared(schema), depth - 1, 2) if lacking > 0 else ():
            yield {**small, **{f"undeclared{number}": value for number in range(lacking)}}

    def _changes(
        self,
        name: str,
        schema: Json,
        small: Mapping[str, Json],
        full: Mapping[str, Json],
        depth: int,
    ) -> Iterator[Json]:
        """The smallest and the fullest object with one property changed, added or left out."""
        if name not in small:
            yield {**small, name: full[name]}
            yield {key: value for key, value in full.items() if key != name}
        for value in self.few(schema, depth - 1)[1:]:
            yield {**small, name: value}
            yield {**full, name: value}

    def _other_names(self, schema: Mapping[str, Json]) -> list[str]:
        """Names the schema does not declare."""
        patterns = schema.get("patternProperties", {})
        names = [text for pattern in patterns for text in matching(pattern)]
        made = self.few(schema.get("propertyNames", False), 2)
        names += [value for value in made if isinstance(value, str)]
        return [*names, "undeclared"][:_PER_PLACE]

    def _arrays(self, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        first = [self.few(part, depth - 1) for part in schema.get("prefixItems", ())]
        each = self.few(schema.get("items", True), depth - 1)
        inside = self.few(schema["contains"], depth - 1) if "contains" in schema else []
        least = int(schema.get("minItems", 0))
        for length in _lengths(least, schema.get("maxItems"), len(first)):
            for number in range(_PER_PLACE):
                items = [values[number % len(values)] for values in first[:length] if values]
                filler = each[number:] + each[:number] if each else []
                items += [filler[i % len(filler)] for i in range(length - len(items)) if filler]
                yield items
        yield [value for value in each[:1] for _ in range(max(least, 2))]
        for value in inside:
            yield [value, *(each[i % len(each)] for i in range(max(least - 1, 0)) if each)]
            yield [value] * max(least, 1)


def _undeclared(schema: Mapping[str, Json]) -> Json:
    """The schema of a property that is not declared, as good as it can be known."""
    by_pattern = next(iter(schema.get("patternProperties", {}).values()), True)
    return schema.get("additionalProperties", by_pattern)


def _strings(schema: Mapping[str, Json]) -> Iterator[str]:
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    for pattern in patterns:
        for text in matching(pattern):
            yield text
            if len(text) < least <= _LONGEST:
                yield text + text[-1:] * (least - len(text))
    letters = "text"
    for length in _lengths(least, most, 4):
        yield (letters * (length // 4 + 1))[:length]
        yield "z" * length
    yield from _FORMATS


def _lengths(least: int, most: Json, usual: int) -> list[int]:
    """Lengths at the edges of what is allowed and just beyond what was usual."""
    wanted = [usual, least, least + 1, 1, 2]
    if isinstance(most, int):
        wanted += [most, most - 1]
    top = most if isinstance(most, int) else _LONGEST
    return list(dict.fromkeys(n for n in wanted if least <= n <= min(top, _LONGEST)))


def _numbers(schema: Mapping[str, Json], kind: str) -> Iterator[int | float]:
    step = schema.get("multipleOf", 1)
    step = step if isinstance(step, (int, float)) and step else 1
    bounds = [schema[key] for key in _BOUNDS if isinstance(schema.get(key), (int, float))]
    wanted: list[int | float] = [0, 1]
    for bound in bounds:
        aligned = bound // step * step
        wanted += [bound, bound + 1, bound - 1, aligned, aligned + step, aligned - step]
    wanted += [-1, step, 3 * step, -step, 7, 100, 2**31, 2**53]
    if kind == "number":
        wanted += [0.5, *(bound + 0.5 for bound in bounds), *(bound - 0.5 for bound in bounds)]
    seen: set[int | float] = set()
    for value in wanted:
        number = int(value) if kind == "integer" else value
        if number not in seen:
            seen.add(number)
            yield number


def _kinds(schema: Mapping[str, Json]) -> list[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, list):
        return [name for name in kind if isinstance(name, str)]
    implied = [name for name, keys in _IMPLIES.items() if keys & schema.keys()]
    return [*implied, *(name for name in _TYPES if name not in implied)]


_IMPLIES: Mapping[str, frozenset[str]] = {
    "object": frozenset(("properties", "required", "patternProperties", "propertyNames")),
    "array": frozenset(("items", "prefixItems", "contains", "minItems", "maxItems")),
    "string": frozenset(("pattern", "minLength", "maxLength")),
    "number": frozenset(_BOUNDS),
}


def merged(parts: Iterable[Json]) -> dict[str, Json]:
    """Several schemas of one value as one, where their keywords allow it."""
    joined: dict[str, Json] = {}
    for part in parts:
        for keyword, value in part.items() if isinstance(part, dict) else ():
            known = keyword in joined
            joined[keyword] = _joined(keyword, joined[keyword], value) if known else value
    return joined


def _joined(keyword: str, one: Json, other: Json) -> Json:
    if keyword in ("properties", "patternProperties"):
        shared = {n: {"allOf": [one[n], other[n]]} for n in one.keys() & other.keys()}
        return {**one, **other, **shared}
    if keyword == "required":
        return sorted({*one, *other})
    if keyword in ("minimum", "minLength", "minItems", "exclusiveMinimum", "minProperties"):
        return max(one, other)
    if keyword in ("maximum", "maxLength", "maxItems", "exclusiveMaximum", "maxProperties"):
        return min(one, other)
    if keyword in ("items", "additionalProperties", "contains"):
        return {"allOf": [one, other]}
    if keyword == "enum":
        return [value for value in other if value in one] or other
    if keyword == "allOf":
        return [*one, *other]
    return other


def _by_turns(sources: Iterable[Iterator[Json]]) -> Iterator[Json]:
    """One of each in turn, so that no branch starves another."""
    nothing = object()
    for row in zip_longest(*sources, fillvalue=nothing):
        yield from (value for value in row if value is not nothing)
