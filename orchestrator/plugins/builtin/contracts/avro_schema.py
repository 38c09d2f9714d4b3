"""Contracts of kind ``avro``: whether readers of one version read what the other writes.

The library's own checker says what is compatible. What it calls a break is
shown by a record that is written with the one schema and cannot be read with
the other; without such a record nothing is claimed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.plugins.builtin.contracts import modes
from orchestrator.plugins.builtin.contracts.avro_differences import Difference, differences
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
#: What the library says of any two schemas; the difference itself says more.
_NO_REASON = "Schemas do not match"


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
    unreadable = list(_unreadable_records(writer.parsed, reader.parsed))
    compatible = said.compatibility is SchemaCompatibilityType.compatible
    if compatible and not unreadable:
        return
    if compatible or not unreadable:
        messages = "; ".join(sorted(map(str, said.messages)))
        lacking = f"avro says: {messages}; no record was found that shows it"
        contrary = f"avro calls it compatible, and cannot read this record: {unreadable[:1]}"
        yield Undecided(asked.demand, contrary if compatible else lacking)
        return
    yield from _findings(_named(reader.parsed, writer.parsed), unreadable, new, shrinks)


def _named(reader: Any, writer: Any) -> list[Difference]:
    """Where they differ; one of the whole, should no place be known."""
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    def compatible(one: Any, other: Any) -> bool:
        checker: Any = ReaderWriterCompatibilityChecker  # untyped in the library
        said = checker().get_compatibility(one, other)
        return said.compatibility is SchemaCompatibilityType.compatible

    whole = Difference("type-mismatch", str(writer.type), "the schemas do not match", (), ())
    return list(differences(reader, writer, compatible)) or [whole]


#: A record the writer writes and the reader cannot read, and what the library said.
Unread = tuple[Json, str]


def _findings(
    found: Sequence[Difference], unreadable: Sequence[Unread], new: Loaded, shrinks: bool
) -> Iterator[Finding]:
    who = "data of the version before" if shrinks else "readers of the version before"
    lost = "cannot be read any more" if shrinks else "cannot read what is written now"
    for one in found:
        keys = one.in_reader if shrinks else one.in_writer
        place = _place(new.document, "/".join(map(str, keys)))
        record, said = _showing(one, unreadable)
        yield Finding(
            rule=f"avro.{one.rule}",
            severity=Severity.BREAKING,
            message=f"{who} {lost}: {one.path}: {one.said}",
            remedy=_REMEDIES[one.rule],
            evidence={
                "path": one.path,
                "pointer": place,
                "counterexample": evidence_of(record),
                **({} if said.startswith(_NO_REASON) else {"refused_because": said}),
            },
        )


def _showing(difference: Difference, unreadable: Sequence[Unread]) -> Unread:
    """The first record that has what the difference is about."""
    needed = [json.dumps(value) for value in difference.needs]
    for record, said in unreadable:
        if any(value in json.dumps(record) for value in needed):
            return record, said
    return unreadable[0]


def _unreadable_records(writer: Any, reader: Any) -> Iterator[Unread]:
    """Records the writer writes and the reader cannot read (``Any``: the library's schemas)."""
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
            yield _plain(record), str(error).splitlines()[0][:300]


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
            break  # a union or a type by its name: the place of the field is as near as one gets
        keys.append(part)
    return pointer(*keys)


def _invalid(path: str, content: bytes, error: Exception) -> Finding:
    return Finding(
        rule="avro.invalid",
        severity=Severity.BREAKING,
        message=f"this is no Avro schema: {_said(error)}",
        file=path,
        line=line_of(content, ""),
        remedy="mend the schema",
    )


def _said(error: Exception) -> str:
    """What the library says, without the document it may repeat."""
    lines = str(error).splitlines() or [repr(error)]
    return lines[0] if len(lines[0]) <= 200 else f"{lines[0][:200]}…"
