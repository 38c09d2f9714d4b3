"""Contracts of kind ``avro``: whether readers of one version read what the other writes.

The library's own checker says what is compatible. What it calls a break is
shown by a record that is written with the one schema and cannot be read with
the other; without such a record nothing is claimed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plugins.builtin.contracts import modes
from orchestrator.plugins.builtin.contracts.avro_records import records
from orchestrator.plugins.builtin.contracts.documents import line_of, loads, pointer
from orchestrator.plugins.builtin.contracts.json_schema import absent
from orchestrator.plugins.builtin.contracts.kinds import Asked, Missing, Undecided, Unusable
from orchestrator.plugins.builtin.contracts.verdict import evidence_of
from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.spec import CheckContext, Finding, Json, Severity

__all__ = ["HAS_DIRECTION", "Loaded", "about", "compare", "load", "violations"]

HAS_DIRECTION = True

#: Kind of incompatibility → what to do about it.
_REMEDIES = {
    "name-mismatch": "keep the name, or list the old one under aliases",
    "fixed-size-mismatch": "keep the size, or add a new type beside it",
    "missing-enum-symbols": "keep the symbols, or give the enum a default for unknown ones",
    "reader-field-missing-default-value": "give the new field a default",
    "type-mismatch": "keep the type, or widen it the way Avro promotes (int to long to double)",
    "missing-union-branch": "keep the branch of the union",
}


@dataclass(frozen=True)
class Loaded:
    """A schema of one version. ``parsed`` is the library's (``Any``: it is untyped)."""

    document: Json
    parsed: Any


def load(version: Version, contract: Mapping[str, Json], context: CheckContext) -> Loaded:
    """The schema; raises ``Absent``, ``Unreadable``, ``Missing``, ``Unusable``."""
    del context
    content = version.tree.read(version.path)
    if content is None:
        raise absent(contract)
    document = loads(content, version.path)
    try:
        import avro.errors
        import avro.schema
    except ImportError as error:
        raise Missing("avro, which reads Avro schemas,") from error
    try:
        return Loaded(document, avro.schema.parse(json.dumps(document)))
    except (avro.errors.AvroException, AttributeError, TypeError, ValueError, KeyError,
            RecursionError) as error:  # fmt: skip  # the library stumbles in many ways
        raise Unusable(_invalid(version.path, content, error)) from error


def about(loaded: Loaded) -> dict[str, Json]:
    """What is not compared."""
    del loaded
    return {"not_examined": ["aliases in the writer", "logical types", "order", "doc"]}


def violations(loaded: Loaded, payload: Json) -> list[tuple[str, str]]:
    """Whether a sample, as plain JSON, is a datum of the schema."""
    from avro.errors import AvroTypeException
    from avro.io import validate

    try:
        validate(loaded.parsed, payload, raise_on_error=True)
    except AvroTypeException as error:
        return [("$", str(error).splitlines()[0])]
    return []


def compare(old: Loaded, new: Loaded, asked: Asked) -> Iterator[Finding | Undecided]:
    """What the reader of this demand cannot read of what its writer writes."""
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    shrinks = asked.demand == modes.MUST_NOT_SHRINK
    writer, reader = (old, new) if shrinks else (new, old)
    try:
        checker: Any = ReaderWriterCompatibilityChecker  # untyped in the library
        said = checker().get_compatibility(reader.parsed, writer.parsed)
    except Exception as error:  # the library's checker meets what it does not expect
        yield Undecided(asked.demand, f"avro cannot compare: {type(error).__name__}: {error}")
        return
    shown = _unreadable_record(writer.parsed, reader.parsed)
    compatible = said.compatibility is SchemaCompatibilityType.compatible
    if compatible and shown is None:
        return
    if compatible or shown is None:
        messages = "; ".join(sorted(map(str, said.messages)))
        lacking = f"avro says: {messages}; no record was found that shows it"
        contrary = f"avro calls it compatible, and cannot read this record: {shown}"
        yield Undecided(asked.demand, contrary if compatible else lacking)
        return
    yield from _findings(said, shown, new, shrinks)


def _findings(
    said: Any, shown: tuple[Json, str], new: Loaded, shrinks: bool
) -> Iterator[Finding]:  # Any: the library's result
    kinds = list(dict.fromkeys(str(kind.value) for kind in said.incompatibilities))
    messages = sorted(map(str, said.messages)) or [shown[1]]
    places = sorted(map(str, said.locations))
    who = "data of the version before" if shrinks else "readers of the version before"
    for index, message in enumerate(messages):
        kind = (kinds[index] if index < len(kinds) else kinds[-1]).replace("_", "-")
        lost = "cannot be read any more" if shrinks else "cannot read what is written now"
        yield Finding(
            rule=f"avro.{kind}",
            severity=Severity.BREAKING,
            message=f"{who} {lost}: {message}",
            remedy=_REMEDIES.get(kind, "keep what readers and writers rely on"),
            evidence={
                "path": places[min(index, len(places) - 1)] if places else "/",
                "pointer": _place(new.document, places[index] if index < len(places) else ""),
                "counterexample": evidence_of(shown[0]),
                "refused_because": shown[1],
            },
        )


def _unreadable_record(writer: Any, reader: Any) -> tuple[Json, str] | None:
    """A record the writer writes and the reader cannot read, and what the library said.

    ``Any``: the library's schemas.
    """
    from avro.io import BinaryDecoder, BinaryEncoder, DatumReader, DatumWriter

    for record in records(writer):
        stream = io.BytesIO()
        try:
            DatumWriter(writer).write(record, BinaryEncoder(stream))
        except Exception:  # no datum of the writer after all: proves nothing
            continue
        stream.seek(0)
        try:
            DatumReader(writer, reader).read(BinaryDecoder(stream))
        except Exception as error:
            return _plain(record), str(error).splitlines()[0][:300]
    return None


def _plain(value: Any) -> Json:  # Any: a datum may hold bytes
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _place(document: Json, location: str) -> str:
    """The pointer of what the library's location (``/fields/0/type``) leads to, or near it."""
    keys: list[str] = []
    value = document
    for part in filter(None, location.split("/")):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            break
        keys.append(part)
    return pointer(*keys)


def _invalid(path: str, content: bytes, error: Exception) -> Finding:
    return Finding(
        rule="avro.invalid",
        severity=Severity.BREAKING,
        message=f"this is no Avro schema: {str(error).splitlines()[0] if str(error) else error!r}",
        file=path,
        line=line_of(content, ""),
        remedy="mend the schema",
    )
