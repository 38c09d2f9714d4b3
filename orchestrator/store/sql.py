"""The SQL of the generic table operations, the same text for every database.

Builds text and values, runs nothing. Names come from ``tables`` only, values
are always bound; ``?`` marks a value (no text here contains another one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from orchestrator.store.port import Row, Value
from orchestrator.store.rows import (
    Where,
    checked,
    columns_of,
    fixed,
    known,
    plain,
    readable,
    writable,
)

__all__ = [
    "Statement",
    "all_columns",
    "count",
    "delete",
    "insert",
    "insert_event",
    "present",
    "select",
    "update",
]


class Statement(NamedTuple):
    """SQL with ``?`` marks, and the values for them."""

    text: str
    values: Sequence[Value]


def select(
    name: str,
    where: Where | None,
    order: str | None,
    limit: int | None,
    after: tuple[str, int] | None,
    columns: Sequence[str],
) -> Statement:
    """``SELECT`` of ``columns``; ties are ordered by the key, so the answer is definite."""
    table = readable(name)
    known(name, table, columns)
    condition, values = _where(name, where, after)
    text = f"SELECT {_names(tuple(columns))} FROM {_name(name)}{condition}{_order(name, order)}"
    if limit is not None:
        text, values = f"{text} LIMIT ?", [*values, max(0, limit)]
    return Statement(text, values)


def count(name: str, where: Where | None) -> Statement:
    """How many rows match."""
    condition, values = _where(name, where, None)
    return Statement(f"SELECT count(*) FROM {_name(name)}{condition}", values)


def insert(name: str, row: Row) -> Statement:
    """``INSERT`` of a full row (every column)."""
    writable(name)
    return _insert(name, row)


def insert_event(row: Row) -> Statement:
    """``INSERT`` of a linked event, whose fields ``events.link`` made."""
    return _insert("events", row)


def _insert(name: str, row: Row) -> Statement:
    return Statement(_insertion(name, tuple(row)), list(row.values()))


@lru_cache(maxsize=64)
def _insertion(name: str, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {_name(name)} ({_names(tuple(columns))}) VALUES ({marks})"


def update(name: str, key: Mapping[str, Value], changes: Row, expect: Row | None) -> Statement:
    """Compare-and-set of one row."""
    fixed(name, key, changes)
    new = checked(name, writable(name), changes)
    condition, values = _where(name, {**(expect or {}), **key}, None)
    settings = ", ".join(f"{_name(column)} = ?" for column in new)
    return Statement(f"UPDATE {_name(name)} SET {settings}{condition}", [*new.values(), *values])


def present(name: str, key: Mapping[str, Value], expect: Row | None) -> Statement:
    """The comparison of an ``update`` that changes nothing."""
    fixed(name, key, {})
    return count(name, {**(expect or {}), **key})


def delete(name: str, where: Where) -> Statement:
    """``DELETE`` of the matching rows."""
    writable(name)
    if not where:
        raise ValueError("delete needs a condition")
    condition, values = _where(name, where, None)
    return Statement(f"DELETE FROM {_name(name)}{condition}", values)


def _where(
    name: str, where: Where | None, after: tuple[str, int] | None
) -> tuple[str, list[Value]]:
    table = readable(name)
    parts: list[str] = []
    values: list[Value] = []
    for column, value in (where or {}).items():
        wanted = [value] if value is None or isinstance(value, str | int) else list(value)
        known(name, table, (column,))
        text, bound = _one_of(column, [plain(column, v) for v in wanted])
        parts.append(text)
        values += bound
    if after is not None:
        known(name, table, after[:1])
        parts.append(f"{_name(after[0])} > ?")
        values.append(after[1])
    return (f" WHERE {' AND '.join(parts)}" if parts else "", values)


def _one_of(column: str, wanted: list[Value]) -> tuple[str, list[Value]]:
    """``column`` equals one of the values; SQL's ``IN`` alone would never match NULL."""
    values: list[Value] = [value for value in wanted if value is not None]
    options: list[str] = []
    if len(values) == 1:
        options.append(f"{_name(column)} = ?")
    elif values:
        options.append(f"{_name(column)} IN ({', '.join('?' * len(values))})")
    if len(values) < len(wanted):
        options.append(f"{_name(column)} IS NULL")
    return (f"({' OR '.join(options)})" if options else "1 = 0", values)


@lru_cache(maxsize=256)
def _order(name: str, order: str | None) -> str:
    table = readable(name)
    column, descending = (order or "").removeprefix("-"), (order or "").startswith("-")
    # Where nothing stands (NULL) comes first; databases differ unless told.
    way = "DESC NULLS LAST" if descending else "ASC NULLS FIRST"
    parts = [f"{_name(key)} ASC" for key in table.key if key != column]
    if column:
        known(name, table, (column,))
        parts.insert(0, f"{_name(column)} {way}")
    return f" ORDER BY {', '.join(parts)}"


@lru_cache(maxsize=256)
def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(_name(column) for column in columns)


@lru_cache(maxsize=256)
def _name(identifier: str) -> str:
    """Quoted: some of our words (``before``, ``key``) are words of SQL too."""
    return f'"{identifier}"'


def all_columns(name: str) -> tuple[str, ...]:
    """The columns ``find`` gives when it is not told which."""
    return columns_of(readable(name))
