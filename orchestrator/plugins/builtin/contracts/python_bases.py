"""The classes that a class of a package is no longer derived from."""

from __future__ import annotations

from typing import Any

__all__ = ["lost"]

#: They say how a class is typed or made, and nobody asks whether something is one.
_NO_PROMISE = ("typing.Generic", "typing.Protocol", "typing_extensions.Protocol", "abc.ABC",
               "object")  # fmt: skip


def lost(one: Any, other: Any, new: Any) -> list[str]:
    """Public bases of ``one`` that ``other``, the same class in the tree ``new``, has not.

    Not those that are gone themselves, which is told as such, nor those that
    the bases have lost: that is told there.
    """
    mine, left = _ancestors(one), _ancestors(other)
    now = {path: _now(path, one, new) for path in mine}
    gone = [p for p, to in now.items() if to is not None and to not in left and p not in left]
    through = {p for base in _direct(one) if now.get(base) in left for p in _below(base, one)}
    private = [p for p in gone if p.rpartition(".")[2].startswith("_")]
    return [p for p in gone if p not in (*_NO_PROMISE, *private) and p not in through]


def _ancestors(one: Any) -> list[str]:
    """Paths, nearest first: those that were read, and the written names of the others."""
    found: dict[str, None] = {}
    for each in (one, *_mro(one)):
        if each is not one:
            found[each.path] = None
        for base in each.bases:
            found.setdefault(_canonical(base, one), None)
    found.pop(one.path, None)
    return list(found)


def _mro(one: Any) -> list[Any]:
    try:
        return list(one.mro())
    except Exception:  # griffe: bases that have no common order
        return []


def _direct(one: Any) -> list[str]:
    return [_canonical(base, one) for base in one.bases]


def _below(base: str, one: Any) -> list[str]:
    """The ancestors that ``one`` has through this base."""
    return next((_ancestors(each) for each in _mro(one) if each.path == base), [])


def _canonical(base: Any, one: Any) -> str:
    path = str(getattr(base, "canonical_path", base))
    try:
        return str(one.modules_collection[path].final_target.path)
    except Exception:  # not an alias, or not of this package
        return path


def _now(path: str, one: Any, new: Any) -> str | None:
    """Where the base is in the new version; None where it is gone with its package's name."""
    package = one.path.partition(".")[0]
    if path.partition(".")[0] != package:
        return path
    try:
        found = new.modules_collection[path]
        return str(found.final_target.path if found.is_alias else found.path)
    except Exception:  # not there any more
        return None
