"""Which names of a package are for others: re-exports, and names made when they are asked for.

Works on what griffe read and on the text of modules; imports nothing of the package.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Requested", "on_request", "publish", "shortest", "target", "walk"]


@dataclass(frozen=True, slots=True)
class Requested:
    """The names a module's ``__getattr__`` answers to; ``open``: perhaps to others too."""

    names: frozenset[str] = frozenset()
    open: bool = False


def publish(tree: Any) -> None:
    """Marks as public what a package without ``__all__`` re-exports.

    ``from .core import X as X`` anywhere, and in ``__init__.py`` whatever comes
    from the package itself: that is where its users import it from.
    """
    for module in _modules(tree):
        if module.exports:
            continue
        said = _said_twice(module)
        for name, member in module.members.items():
            if not member.is_alias or member.inherited or name.startswith("_"):
                continue
            inside = member.target_path.startswith(f"{tree.path}.")
            submodule = member.target_path == f"{module.path}.{name}"
            if name in said or (module.is_init_module and inside and not submodule):
                member.public = True


def walk(tree: Any) -> Iterator[Any]:
    """Every public module, class, function and attribute, once, where it is defined."""
    seen, waiting = {tree.path}, [tree]
    while waiting:
        one = waiting.pop(0)
        yield one
        for member in one.members.values():
            found = target(member) if member.is_public else None
            inside = found is not None and found.path.startswith(f"{tree.path}.")
            if found is not None and inside and found.path not in seen:
                seen.add(found.path)
                if found.is_module or found.is_class:
                    waiting.append(found)
                else:
                    yield found


def target(member: Any) -> Any | None:
    """What a member is in the end; None for what leads out of what was read."""
    try:
        return member.final_target if member.is_alias else member
    except Exception:  # griffe: an alias to a package that was not read, or a circle
        return None


def shortest(tree: Any) -> dict[str, str]:
    """The public name nearest to the top, by the path where the object is defined."""
    found: dict[str, str] = {}
    for module in _modules(tree):
        if any(part.startswith("_") for part in module.path.split(".")):
            continue
        for member in module.members.values():
            known = target(member) if member.is_alias and member.is_public else None
            if known is not None and not known.is_module:
                best = found.get(known.path, known.path)
                private = any(part.startswith("_") for part in best.split(".")[:-1])
                if private or member.path.count(".") < best.count("."):
                    found[known.path] = member.path
    return found


def on_request(module: Any) -> Requested:
    """What ``__getattr__`` of a module says it makes, as far as its text tells."""
    tree = _text(module)
    function = next((n for n in getattr(tree, "body", ()) if isinstance(n, ast.FunctionDef)
                     and n.name == "__getattr__" and n.args.args), None)  # fmt: skip
    if tree is None or function is None:
        return Requested()
    asked = function.args.args[0].arg
    known, unknown = set[str](), False
    for where in _compared(function, asked):
        names = _strings(where, tree)
        known |= names or set()
        unknown = unknown or names is None
    only_raises = all(isinstance(n, ast.Raise) for n in function.body)
    return Requested(frozenset(known), unknown or not (known or only_raises))


def _modules(tree: Any) -> Iterator[Any]:
    yield tree
    for member in list(tree.members.values()):
        if not member.is_alias and member.is_module:
            yield from _modules(member)


def _text(module: Any) -> ast.Module | None:
    path = getattr(module, "filepath", None)
    try:
        return ast.parse(path.read_bytes()) if isinstance(path, Path) else None
    except (OSError, SyntaxError, ValueError):
        return None


def _said_twice(module: Any) -> set[str]:
    nodes = ast.walk(_text(module) or ast.Module([], []))
    return {a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names
            if a.asname == a.name}  # fmt: skip


def _compared(function: ast.FunctionDef, asked: str) -> Iterator[ast.expr]:
    """What the name that is asked for is compared with, or looked up in."""
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=ast.Name(id=name), comparators=others) if name == asked:
                yield from others
            case ast.Subscript(value=ast.Name() as table, slice=ast.Name(id=name)) if name == asked:
                yield table
            case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="get"),
                          args=[ast.Name(id=name), *_]) if name == asked:  # fmt: skip
                yield table
            case ast.MatchValue(value=value):
                yield value


def _strings(where: ast.expr, tree: ast.Module) -> set[str] | None:
    """The texts an expression holds, as itself, as items or as keys; None: cannot be told."""
    match where:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Set(elts=items) | ast.List(elts=items) | ast.Tuple(elts=items):
            found = [_strings(item, tree) for item in items]
        case ast.Dict(keys=keys):
            found = [None if key is None else _strings(key, tree) for key in keys]
        case ast.Call(func=ast.Name(id="frozenset" | "set" | "dict" | "tuple"), args=[only]):
            return _strings(only, tree)
        case ast.Name(id=name):
            values = [v for v in map(_assigned, tree.body) if v and v[0] == name]
            return _strings(values[0][1], tree) if len(values) == 1 else None
        case _:
            return None
    known = [one for one in found if one is not None]
    return set().union(*known) if len(known) == len(found) else None


def _assigned(node: ast.stmt) -> tuple[str, ast.expr] | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name, value
    return None
