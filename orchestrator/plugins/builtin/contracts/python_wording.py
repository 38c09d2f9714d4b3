"""What is said about a break of a Python package: the words, and the order of what matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.plugins.spec import Json

__all__ = ["KEEP_NAME", "breaking_call", "changed", "what_to_do"]

KEEP_NAME = "keep the name, marked deprecated, until nobody uses it any more"
_WHAT_TO_DO = {
    "parameter-removed": "keep the parameter, with a default, even if it is ignored",
    "parameter-added-required": "give the new parameter a default",
    "parameter-changed-required": "keep the default of the parameter",
    "parameter-moved": "keep the order of positional parameters; add new ones at the end",
    "parameter-changed-kind": "accept the parameter the way it was passed before",
    "parameter-changed-default": "keep the default, or tell callers that it changed",
    "object-removed": KEEP_NAME,
    "object-changed-kind": "keep the kind, or introduce the new object under a new name",
    "return-changed-type": "keep returning what was promised, or introduce a new function",
    "attribute-changed-type": "keep the type, or introduce a new attribute",
    "attribute-changed-value": "keep the value, or tell callers that it changed",
    "class-removed-base": "keep the base class: callers may ask isinstance, or use its methods",
    "function-changed-async": "introduce the other one under a new name",
}
#: What a group of changes of one function is called by: the first that is among them.
_FIRST = ("parameter-removed", "parameter-added-required", "parameter-changed-required",
          "parameter-changed-kind", "parameter-moved")  # fmt: skip


def what_to_do(kind: str) -> str:
    """The remedy for a kind of break."""
    return _WHAT_TO_DO.get(kind, "keep what callers rely on")


def changed(kind: str, change: Any) -> tuple[str, str]:
    """Before and after, as one would write them."""
    if kind == "parameter-changed-default":
        return _parameter(change.old_value), _parameter(change.new_value)
    return _text(change.old_value), _text(change.new_value)


def breaking_call(was: Any, now: Any, group: Sequence[Any]) -> tuple[str, str, dict[str, Json]]:
    """The kind of break, what is said, and both signatures, for the changes of one function."""
    by_kind: dict[str, list[Any]] = {}
    for change in group:
        by_kind.setdefault(change.kind.name.lower().replace("_", "-"), []).append(change)
    renamed = _renamed(was, now, by_kind)
    said = [f"parameter {old} is called {new} now" for old, new in renamed.items()]
    for kind, words in _SAID.items():
        names = [_changed_name(change) for change in by_kind.get(kind, [])]
        names = [n for n in names if n not in renamed and n not in renamed.values()]
        if kind == "parameter-changed-kind":
            said += [f"parameter {n} is {_kind_of(now, n)} now" for n in names if n != "self"]
        elif names:
            said.append(f"{_listed(names)} {words[len(names) > 1]}")
    kind = next(k for k in _FIRST if k in by_kind)
    before, after = _signature(was), _signature(now)
    return kind, "; ".join(said) or "calls changed", {"before": before, "after": after}


_SAID = {
    "parameter-removed": ("is gone", "are gone"),
    "parameter-added-required": ("is new and required", "are new and required"),
    "parameter-changed-required": ("is required now", "are required now"),
    "parameter-changed-kind": ("", ""),
    "parameter-moved": ("is at another place", "are at other places"),
}


def _renamed(was: Any, now: Any, by_kind: dict[str, list[Any]]) -> dict[str, str]:
    """Old name to new one, where a removed and a new parameter stand at the same place."""
    if was is None:
        return {}
    new = {c.new_value.name for c in by_kind.get("parameter-added-required", [])}
    olds, news = list(was.parameters), list(now.parameters)
    places = {p.name: index for index, p in enumerate(olds)}
    found = {}
    for change in by_kind.get("parameter-removed", []):
        index = places.get(change.old_value.name, len(news))
        if index < len(news) and news[index].name in new:
            found[change.old_value.name] = news[index].name
    return found


def _changed_name(change: Any) -> str:
    return str((change.old_value if change.old_value is not None else change.new_value).name)


def _kind_of(function: Any, name: str) -> str:
    kind = next((p.kind for p in function.parameters if p.name == name), "")
    return str(getattr(kind, "value", kind))


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"parameter {names[0]}"
    shown = ", ".join(names[:4])
    return f"parameters {shown}" + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _signature(function: Any) -> str:
    """The parameters as written, without their types."""
    made, by_place, by_name = [], False, False
    for one in getattr(function, "parameters", ()):
        kind = str(getattr(one.kind, "value", one.kind))
        if by_place and kind != "positional-only":
            made.append("/")
        by_place = kind == "positional-only"
        if kind == "keyword-only" and not by_name:
            made.append("*")
        by_name = by_name or kind in ("keyword-only", "variadic positional")
        made.append(_parameter(one))
    return f"({', '.join(made)}{', /' if by_place else ''})"


def _parameter(one: Any) -> str:
    kind = str(getattr(one.kind, "value", one.kind))
    stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
    default = f"={one.default}" if one.default is not None and not stars else ""
    return f"{stars}{one.name}{default}"


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))
