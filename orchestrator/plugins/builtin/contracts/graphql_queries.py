"""Operations that show a break of a GraphQL schema: valid for the one version alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

__all__ = ["Query", "query", "valid"]

_MOST, _DEPTH = 60, 6


@dataclass(frozen=True, slots=True)
class Query:
    """An operation, and why the other version refuses it."""

    text: str
    refused: str


def query(old: Any, new: Any, coordinate: str) -> Query | None:
    """An operation that uses ``Type.member`` and is valid in ``old`` only, or None.

    One that is refused because of that very member is preferred. ``Any``: the
    library's schemas.
    """
    import graphql

    told = re.compile(rf"\b{re.escape(coordinate.split('.')[-1])}\b")
    other = None
    for text in valid(old, coordinate):
        for error in graphql.validate(new, graphql.parse(text)):
            if told.search(error.message):
                return Query(text, error.message)
            other = other or Query(text, error.message)
    return other


def valid(schema: Any, coordinate: str) -> Iterator[str]:
    """Operations that use ``Type.member`` and are valid, the plainest first."""
    import graphql

    for text in islice(_texts(schema, coordinate), _MOST):
        try:
            if not graphql.validate(schema, graphql.parse(text)):
                yield text
        except graphql.GraphQLError:
            continue


def _texts(schema: Any, coordinate: str) -> Iterator[str]:
    """Operations that reach a type: by each of its fields, by each argument's values."""
    owner, _, rest = coordinate.partition(".")
    member = rest.partition(".")[0]
    for operation, root in (("query", schema.query_type), ("mutation", schema.mutation_type),
                            ("subscription", schema.subscription_type)):  # fmt: skip
        if root is None:
            continue
        for path in _paths(schema, root, _DEPTH, frozenset()):
            last = path[-1]
            where = last[0].name == owner and (not member or last[1] == member)
            kind = _named(last[2].type)
            takes = any(owner in _inside(arg.type) for arg in last[2].args.values())
            if where or kind.name == owner or takes:
                yield from _written(operation, path, owner, member)


def _paths(schema: Any, owner: Any, depth: int, seen: frozenset[str]) -> Iterator[list[Any]]:
    """Chains of (type, field name, field) from a root, the short ones first at each level."""
    if depth <= 0 or owner.name in seen or not hasattr(owner, "fields"):
        return
    steps = [(owner, name, field) for name, field in owner.fields.items()]
    yield from ([step] for step in steps)
    for step in steps:
        below = _named(step[2].type)
        for path in _paths(schema, below, depth - 1, seen | {owner.name}):
            yield [step, *path]


def _written(operation: str, path: list[Any], owner: str, member: str) -> Iterator[str]:
    """The chain as text, with required arguments, then with each optional one of the last."""
    last = path[-1][2]
    leaf = _selection(_named(last.type), owner, member)
    variants = [{}, *({name: arg} for name, arg in last.args.items())]
    for more in variants:
        for which in range(3):
            text = leaf
            for index, (_, name, field) in reversed(list(enumerate(path))):
                given = {n: a for n, a in field.args.items() if _required(a)}
                given |= more if index == len(path) - 1 else {}
                values = ", ".join(f"{n}: {_value(a.type, which, owner, member)}"
                                   for n, a in given.items())  # fmt: skip
                text = f"{name}{f'({values})' if values else ''}{text}"
                text = f" {{ {text} }}"
            yield f"{operation}{text}"


def _selection(kind: Any, owner: str, member: str) -> str:
    import graphql

    if graphql.is_leaf_type(kind):
        return ""
    if graphql.is_object_type(kind) or graphql.is_interface_type(kind):
        wanted = member if kind.name == owner and member in kind.fields else "__typename"
        inner = _selection(_named(kind.fields[wanted].type), "", "") if wanted == member else ""
        return f" {{ {wanted}{inner} }}"
    part = member if kind.name == owner else ""
    return f" {{ ... on {part} {{ __typename }} }}" if part else " { __typename }"


def _value(kind: Any, which: int, owner: str, member: str) -> str:
    """A literal for an input type: the member that matters, or the ``which``-th choice."""
    import graphql

    kind = graphql.get_nullable_type(kind)
    if graphql.is_list_type(kind):
        return f"[{_value(kind.of_type, which, owner, member)}]"
    if graphql.is_enum_type(kind):
        names = list(kind.values)
        return member if kind.name == owner and member in names else names[which % len(names)]
    if graphql.is_input_object_type(kind):
        chosen = {n: f for n, f in kind.fields.items()
                  if _required(f) or (kind.name == owner and n == member)}  # fmt: skip
        inside = (f"{n}: {_value(f.type, which, owner, member)}" for n, f in chosen.items())
        return "{" + ", ".join(inside) + "}"
    return {"Int": "1", "Float": "1.5", "Boolean": "true"}.get(kind.name, '"text"')


def _required(argument: Any) -> bool:
    import graphql

    return graphql.is_non_null_type(argument.type) and argument.default_value is graphql.Undefined


def _inside(kind: Any, depth: int = 3) -> set[str]:
    """The names of the input types within one."""
    named = _named(kind)
    found = {named.name}
    import graphql

    if depth > 0 and graphql.is_input_object_type(named):
        for field in named.fields.values():
            found |= _inside(field.type, depth - 1)
    return found


def _named(kind: Any) -> Any:
    import graphql

    return graphql.get_named_type(kind)
