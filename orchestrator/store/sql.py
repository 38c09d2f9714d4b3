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
    all_columns,
    beginning,
    checked,
    fixed,
    known,
    plains,
    readable,
    writable,
)

__all__ = [
    "Statement",
    "count",
    "delete",
    "insert",
    "insert_event",
    "present",
    "select",
    "update",
]


#: What the text of a condition depends on: each column, how many values, whether NULL too.
_Shape = tuple[tuple[str, int, bool], ...]
#: The columns of ``after`` and ``under``, and whether there is a limit.
_Bounds = tuple[str | None, str | None, bool]


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
    under: tuple[str, str] | None,
    columns: tuple[str, ...],
) -> Statement:
    """``SELECT`` of ``columns``; ties are ordered by the key, so the answer is definite."""
    shape, values = _condition(where)
    if after is not None:
        values.append(after[1])
    if under is not None:
        values += _range(*under)
    if limit is not None:
        values.append(max(0, limit))
    bounds = after and after[0], under and under[0], limit is not None
    return Statement(_selection(name, shape, order, bounds, columns), values)


@lru_cache(maxsize=512)
def _selection(
    name: str, shape: _Shape, order: str | None, bounds: _Bounds, columns: tuple[str, ...]
) -> str:
    known(name, readable(name), columns)
    after, under, limited = bounds
    condition = _where(name, shape, after, under)
    end = f"{_order(name, order)} LIMIT ?" if limited else _order(name, order)
    return f"SELECT {_names(columns)} FROM {_name(name)}{condition}{end}"


def count(name: str, where: Where | None) -> Statement:
    """How many rows match."""
    shape, values = _condition(where)
    return Statement(f"SELECT count(*) FROM {_name(name)}{_where(name, shape)}", values)


def insert(name: str, row: Row) -> Statement:
    """``INSERT`` of a row as ``rows.full`` gives it: every column, in the table's order."""
    return Statement(_insertion(name), list(row.values()))


def insert_event(row: Row) -> Statement:
    """``INSERT`` of a linked event, whose fields ``events.link`` made."""
    return Statement(_insertion("events"), [row[column] for column in all_columns("events")])


@lru_cache(maxsize=64)
def _insertion(name: str) -> str:
    columns = all_columns(name)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {_name(name)} ({_names(columns)}) VALUES ({marks})"


def update(name: str, key: Mapping[str, Value], changes: Row, expect: Row | None) -> Statement:
    """Compare-and-set of one row."""
    fixed(name, key, changes)
    new = checked(name, writable(name), changes)
    shape, values = _condition({**(expect or {}), **key})
    return Statement(_setting(name, tuple(new), shape), [*new.values(), *values])


@lru_cache(maxsize=256)
def _setting(name: str, columns: tuple[str, ...], shape: _Shape) -> str:
    settings = ", ".join(f"{_name(column)} = ?" for column in columns)
    return f"UPDATE {_name(name)} SET {settings}{_where(name, shape)}"


def present(name: str, key: Mapping[str, Value], expect: Row | None) -> Statement:
    """The comparison of an ``update`` that changes nothing."""
    fixed(name, key, {})
    return count(name, {**(expect or {}), **key})


def delete(name: str, where: Where) -> Statement:
    """``DELETE`` of the matching rows."""
    writable(name)
    if not where:
        raise ValueError("delete needs a condition")
    shape, values = _condition(where)
    return Statement(f"DELETE FROM {_name(name)}{_where(name, shape)}", values)


def _condition(where: Where | None) -> tuple[_Shape, list[Value]]:
    """What decides the text of a condition, and what does not: the values to bind."""
    shape: list[tuple[str, int, bool]] = []
    values: list[Value] = []
    for column, value in where.items() if where else ():
        if value is None:
            shape.append((column, 0, True))
        elif isinstance(value, str | int):
            shape.append((column, 1, False))
            values += plains(column, (value,))
        else:
            wanted = plains(column, [v for v in value if v is not None])
            shape.append((column, len(wanted), len(wanted) < len(value)))
            values += wanted
    return tuple(shape), values


@lru_cache(maxsize=512)
def _where(name: str, shape: _Shape, after: str | None = None, under: str | None = None) -> str:
    """The text of a condition; made once a shape, because making it costs more than asking."""
    table = readable(name)
    known(name, table, [column for column, _, _ in shape])
    parts = [_one_of(*column) for column in shape]
    if after is not None:
        known(name, table, (after,))
        parts.append(f"{_name(after)} > ?")
    if under is not None:
        known(name, table, (under,))
        # A range, unlike LIKE, is found by an index.
        parts.append(f"{_name(under)} >= ? AND {_name(under)} < ?")
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _one_of(column: str, count: int, null: bool) -> str:
    """``column`` equals one of the values; SQL's ``IN`` alone would never match NULL."""
    options: list[str] = []
    if count == 1:
        options.append(f"{_name(column)} = ?")
    elif count:
        options.append(f"{_name(column)} IN ({', '.join('?' * count)})")
    if null:
        options.append(f"{_name(column)} IS NULL")
    return f"({' OR '.join(options)})" if options else "1 = 0"


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


def _range(column: str, start: str) -> tuple[str, str]:
    """The first text that begins with ``start``, and the first after all that do."""
    _, text = beginning(column, start)
    following = ord(text[-1]) + 1
    # Surrogates are no text: the next character is behind them.
    return text, text[:-1] + chr(0xE000 if following == 0xD800 else following)
