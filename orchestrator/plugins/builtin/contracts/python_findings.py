"""Findings of a Python package from what griffe says changed between two versions of it.

What is one break to a caller is one finding: all parameters of a function, a
member that all subclasses inherited, a name and its re-exports. A change of a
signature that no call notices is none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.plugins.builtin.contracts import python_bases, python_calls, python_names
from orchestrator.plugins.builtin.contracts.kinds import Undecided
from orchestrator.plugins.builtin.contracts.python_wording import (
    KEEP_NAME,
    breaking_call,
    changed,
    what_to_do,
)
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["Comparison"]

_BY_CALLS = "parameter-"
_NOT_BY_CALLS = ("parameter-changed-default",)
#: Calls that make names for type checkers; what they are given changes nothing for a caller.
_FOR_TYPES = ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "TypeAliasType")
_ROOM = 120
#: Changes that may break somebody, or nobody.
_DANGEROUS = frozenset(("parameter-changed-default", "attribute-changed-value"))


@dataclass
class Comparison:
    """One comparison. ``old`` and ``new`` are trees of griffe, ``roots`` where files lie."""

    old: Any
    new: Any
    roots: Sequence[Path]
    public: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.public = python_names.shortest(self.old)

    def findings(self) -> Iterator[Finding | Undecided]:
        """In the order in which griffe walks the package, what griffe does not see last."""
        import griffe

        removed: dict[str, list[Any]] = {}
        signatures: dict[str, list[Any]] = {}
        for change in griffe.find_breaking_changes(self.old, self.new):
            kind = _kind(change)
            if kind == "object-removed":
                if _of_every_object(change.obj):
                    continue
                found = python_names.target(change.obj)
                path = found.path if found is not None else change.obj.path
                removed.setdefault(path, []).append(change.obj)
            elif kind.startswith(_BY_CALLS) and kind not in _NOT_BY_CALLS:
                signatures.setdefault(change.obj.path, []).append(change)
            elif kind != "class-removed-base" and self._matters(kind, change):
                yield self._plain(kind, change)
        for group in signatures.values():
            yield from self._signature(group)
        for path, objects in removed.items():
            yield from self._removed(path, objects)
        yield from self._unlisted()

    def _matters(self, kind: str, change: Any) -> bool:
        """Values made from arguments, or for type checkers, are not what a caller relies on."""
        if kind != "attribute-changed-value":
            return True
        was = self._at(self.old, change.obj.path)
        if was is None or "class-attribute" in was.labels or "module-attribute" in was.labels:
            head = str(change.old_value).partition("(")[0].rpartition(".")[2]
            return head not in _FOR_TYPES and _value(change.old_value) != _value(change.new_value)
        return "property" in change.obj.labels

    def _plain(self, kind: str, change: Any) -> Finding:
        before, after = changed(kind, change)
        name = self._name(change.obj.path)
        what = change.kind.value.lower()
        if kind == "attribute-changed-value" and "property" in change.obj.labels:
            what, before, after = "it is computed now, by a property", "attribute", "property"
        return Finding(
            rule=f"python.{kind}",
            severity=Severity.DANGEROUS if kind in _DANGEROUS else Severity.BREAKING,
            message=f"{name}: {what}{_shortly(before, after)}",
            file=self._file(change.obj),
            line=_line(change.obj),
            remedy=what_to_do(kind),
            evidence={"object": change.obj.path, "before": before, "after": after},
        )

    def _signature(self, group: Sequence[Any]) -> Iterator[Finding]:
        """One finding for a function, if there is a call that notices."""
        path = group[0].obj.path
        was, now = self._at(self.old, path), group[0].obj
        name = self._name(path).removesuffix(".__init__")
        call = python_calls.shown(name, was, now) if was is not None else None
        if call is None and was is not None and python_calls.known(was, now):
            return
        more: dict[str, Json] = (
            {"counterexample": call.call, "refused_because": call.refused} if call else {}
        )
        kind, text, values = breaking_call(was, now, group)
        yield Finding(
            rule=f"python.{kind}",
            severity=Severity.BREAKING,
            message=f"{name}(): {text}",
            file=self._file(now),
            line=_line(now),
            remedy=what_to_do(kind),
            evidence={"object": path, **values, **more},
        )

    def _removed(self, path: str, objects: Sequence[Any]) -> Iterator[Finding | Undecided]:
        """One finding for what is gone, wherever it could be had from."""
        names = sorted({one.path for one in objects}, key=lambda p: (p.count("."), p != path, p))
        asked = [(name, self._requested(name)) for name in names]
        vague = next((n for n, r in asked if r.open and n.rpartition(".")[2] not in r.names), None)
        if vague is not None:
            yield Undecided(vague, "its module makes names when they are asked for, and which "
                            "cannot be told from its text")  # fmt: skip
            return
        inherited = path in names and all(getattr(o, "inherited", False) for o in objects
                                          if o.path != path)  # fmt: skip
        first = path if inherited else names[0]
        also = [name for name in names if name != first]
        kept = all(name.rpartition(".")[2] in requested.names for name, requested in asked)
        yield self._gone(first, also, objects[0], kept=kept, inherited=inherited)

    def _gone(
        self, name: str, also: list[str], one: Any, *, kept: bool, inherited: bool
    ) -> Finding:
        parent, _, last = name.rpartition(".")
        owner = self._at(self.old, parent)
        member = owner is not None and owner.is_class
        shown = f"{self._name(parent)}.{last}" if member else name
        use = shown if member else f"from {parent} import {last}"
        what = "it is deprecated: made only when it is asked for" if kept else "it is gone"
        if also:
            what += f", and so are {len(also)} that inherit it" if inherited else (
                f"; so is {', '.join(also)}")  # fmt: skip
        there = None if kept or member else self._elsewhere(name)
        evidence: dict[str, Json] = (
            {"object": name, "also": list(also)} if also else {"object": name}
        )
        if there:
            evidence["now_at"] = there
        if not kept:
            evidence["counterexample"] = use
        remedy = KEEP_NAME
        if there:
            remedy = f"import it from {there.rpartition('.')[0]}, so that the old import goes on"
        return Finding(
            rule="python.object-deprecated" if kept else "python.object-removed",
            severity=Severity.DANGEROUS if kept else Severity.BREAKING,
            message=f"{shown}: {what}",
            file=self._file(one),
            remedy="tell callers what to use instead" if kept else remedy,
            evidence=evidence,
        )

    def _elsewhere(self, name: str) -> str | None:
        """Where an object of this name is now, if that is one place."""
        last = name.rpartition(".")[2]
        places = {o.path for o in python_names.walk(self.new)
                  if o.name == last and not o.is_module and o.parent is not None
                  and o.parent.is_module and o.path != name}  # fmt: skip
        return places.pop() if len(places) == 1 else None

    def _unlisted(self) -> Iterator[Finding | Undecided]:
        """What griffe does not compare: lost bases, async, names made on request."""
        for one in python_names.walk(self.old):
            other = self._at(self.new, one.path)
            if other is None:
                continue
            if one.is_module and other.is_module:
                yield from self._no_more_requested(one, other)
            elif one.is_class and other.is_class:
                lost = python_bases.lost(one, other, self.new)
                if lost:
                    text = f"it is no {' and no '.join(lost)} any more"
                    yield self._extra(
                        "python.class-removed-base", one, other, text, {"lost": [*lost]}
                    )
            elif one.is_function and other.is_function:
                was, now = "async" in one.labels, "async" in other.labels
                if was != now:
                    text = "it has to be awaited now" if now else "it cannot be awaited any more"
                    yield self._extra("python.function-changed-async", one, other, text, {})

    def _no_more_requested(self, one: Any, other: Any) -> Iterator[Finding]:
        before, after = python_names.on_request(one), python_names.on_request(other)
        for name in sorted(before.names - after.names - set(other.members)):
            if after.open or (name.startswith("_") and not name.endswith("__")):
                continue
            path = f"{one.path}.{name}"
            yield self._gone(path, [], one, kept=False, inherited=False)

    def _extra(
        self, rule: str, one: Any, other: Any, text: str, evidence: dict[str, Json]
    ) -> Finding:
        return Finding(
            rule=rule,
            severity=Severity.BREAKING,
            message=f"{self._name(one.path)}: {text}",
            file=self._file(other),
            line=_line(other),
            remedy=what_to_do(rule.removeprefix("python.")),
            evidence={"object": one.path, **evidence},
        )

    def _requested(self, name: str) -> python_names.Requested:
        """What the module of a removed name makes on request in the new version."""
        module = self._at(self.new, name.rpartition(".")[0])
        is_module = module is not None and module.is_module
        return python_names.on_request(module) if is_module else python_names.Requested()

    def _name(self, path: str) -> str:
        """The name callers know it by: through the re-export nearest to the top."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            known = self.public.get(".".join(parts[:length]))
            if known:
                return ".".join([known, *parts[length:]])
        return path

    def _at(self, tree: Any, path: str) -> Any | None:
        try:
            return python_names.target(tree.modules_collection[path])
        except Exception:  # griffe: a name that is elsewhere in this version, or leads nowhere
            return None

    def _file(self, one: Any) -> str | None:
        """The file of the object, relative to the repository, in whichever version it stands."""
        owner = one.parent or one if one.is_alias and not one.inherited else one
        path = owner.filepath
        for root in self.roots:
            if isinstance(path, Path) and path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return None


def _of_every_object(one: Any) -> bool:
    """A special method that every object has all the same, as ``__repr__``."""
    if not (one.parent is not None and one.parent.is_class and hasattr(object, one.name)):
        return False
    found = python_names.target(one)
    more = list(getattr(found, "parameters", ()))[1:]
    return one.name not in ("__init__", "__new__") or not more


def _shortly(before: str, after: str) -> str:
    """Both values, where a line has room for them; they are in the evidence in any case."""
    shown = f" ({before} -> {after})"
    return shown if len(shown) <= _ROOM else ""


def _kind(change: Any) -> str:
    return str(change.kind.name).lower().replace("_", "-")


def _line(one: Any) -> int | None:
    return (one.alias_lineno if one.is_alias else one.lineno) or None


def _value(written: Any) -> str:
    """The same text for the same expression, however it is quoted and spaced."""
    try:
        return ast.dump(ast.parse(str(written), mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return str(written)
