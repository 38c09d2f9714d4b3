"""What may stand in a row: known tables and columns, text, integers, nothing else.

Shared by every store, so that none is more forgiving than another. Mistakes
here are the program's, never the user's: they raise ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from orchestrator.store.port import Row, Value
from orchestrator.store.tables import EVENTS, INTEGERS, TABLES, Table

__all__ = [
    "Where",
    "all_columns",
    "beginning",
    "checked",
    "columns_of",
    "fixed",
    "full",
    "known",
    "maker",
    "plain",
    "plains",
    "readable",
    "writable",
]

Where = Mapping[str, Value | Sequence[Value]]

_LIMIT = 2**63
#: Every value of every row is looked up here.
_INTEGERS = frozenset(INTEGERS)


def readable(name: str) -> Table:
    """The table ``name``, the events included."""
    return EVENTS if name == "events" else writable(name)


def writable(name: str) -> Table:
    """The table ``name``, if rows of it may be changed."""
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}")
    return TABLES[name]


def columns_of(table: Table) -> tuple[str, ...]:
    """Every column, the key first."""
    return table.key + table.columns


def known(name: str, table: Table, columns: Collection[str]) -> None:
    """Raise ValueError for a column the table does not have."""
    there = _names(name)
    if there.issuperset(columns):
        return
    for column in columns:
        if column not in there:
            raise ValueError(f"table {name!r} has no column {column!r}")


@lru_cache(maxsize=64)
def all_columns(name: str) -> tuple[str, ...]:
    """Every column of the table ``name`` (the events included), the key first."""
    return columns_of(readable(name))


@lru_cache(maxsize=64)
def _names(name: str) -> frozenset[str]:
    return frozenset(columns_of(readable(name)))


def checked(name: str, table: Table, row: Mapping[str, Any]) -> Row:
    """``row`` with plain values of the columns' types."""
    known(name, table, row)
    return {column: plain(column, value) for column, value in row.items()}


def full(name: str, row: Row) -> Row:
    """A row to insert: every column, the missing ones None, the key complete."""
    table, empty = writable(name), _empty(name)
    new: Row = {**empty, **row}
    if len(new) > len(empty):
        known(name, table, row)
    for column in table.key:
        if new[column] is None:
            raise ValueError(f"a row of {name!r} needs {column!r}")
    return new if _usual(name, new) else {c: plain(c, value) for c, value in new.items()}


@lru_cache(maxsize=64)
def _empty(name: str) -> Mapping[str, None]:
    return dict.fromkeys(all_columns(name))


def _usual(name: str, row: Row) -> bool:
    """Whether every value is plain already. Asked of all at once: each that is written passes."""
    values = row.values()
    if not _fits(name, tuple(map(type, values))):
        return False
    numbers = [value for value in values if type(value) is int]
    texts = [value for value in values if type(value) is str]
    return (not numbers or (max(numbers) < _LIMIT and min(numbers) >= -_LIMIT)) and "".join(
        texts
    ).isascii()


@lru_cache(maxsize=512)
def _fits(name: str, types: tuple[type, ...]) -> bool:
    """Whether values of these types can stand in the columns, in the table's order."""
    pairs = zip(all_columns(name), types, strict=True)
    return all(kind in (type(None), int if c in _INTEGERS else str) for c, kind in pairs)


def fixed(name: str, key: Mapping[str, Value], changes: Row) -> None:
    """Raise ValueError unless ``key`` is the table's key and ``changes`` leave it alone."""
    table = writable(name)
    if set(key) != set(table.key):
        raise ValueError(f"the key of {name!r} is {', '.join(table.key)}, not {', '.join(key)}")
    if moved := set(changes) & set(table.key):
        raise ValueError(f"the key of {name!r} never changes: {', '.join(sorted(moved))}")


def plain(column: str, value: Any) -> Value:
    """``value`` as its column holds it: bool becomes int, an enum its text."""
    if value is None:
        return None
    if column in _INTEGERS:
        if isinstance(value, int) and -_LIMIT <= value < _LIMIT:
            return int(value)
    elif isinstance(value, str):
        return _text(column, value)
    raise ValueError(f"column {column!r} cannot hold {value!r:.80}")


def plains(column: str, values: Sequence[Any]) -> Sequence[Value]:
    """Each of ``values``, none of them None, as its column holds it."""
    texts = column not in _INTEGERS and {str}.issuperset(map(type, values))
    if texts and "".join(values).isascii():
        return values
    return [plain(column, value) for value in values]


@lru_cache(maxsize=128)
def maker(columns: tuple[str, ...]) -> Callable[[Iterable[Sequence[Value]]], list[Row]]:
    """What makes rows of the values of ``columns``, which the query has checked.

    Compiled once for each set of columns: half the time of ``dict(zip(…))``,
    which would be most of the time of a long answer.
    """
    names = [f"v{number}" for number in range(len(columns))]
    pairs = ", ".join(f"{column!r}: {name}" for column, name in zip(columns, names, strict=True))
    made: Callable[[Iterable[Sequence[Value]]], list[Row]] = eval(
        f"lambda found: [{{{pairs}}} for {', '.join(names)}, in found]"
    )
    return made


def beginning(column: str, start: str) -> tuple[str, str]:
    """What ``find`` is asked to find ``under``: a column of text, and how it begins."""
    if column in _INTEGERS or not start or start[-1] == chr(0x10FFFF):
        raise ValueError(f"nothing in column {column!r} is found under {start!r:.80}")
    return column, _text(column, start)


def _text(column: str, value: str) -> str:
    if value.isascii() and type(value) is str:
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"column {column!r}: not text: {value!a:.80}") from error
    return str(value)
