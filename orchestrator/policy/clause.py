"""One clause of the policy, asked: its answer, or why it has none, with the values it used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.policy.rules import RuleError, evaluate, references

__all__ = ["Clause", "ask", "look_up"]

#: Items of a list kept among the values; the rest is counted.
_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Clause:
    """``name`` is where it is written (``always_when[0]``).

    ``result`` is true, false, or None when it could not be evaluated; then
    ``problem`` says why. ``values`` are what its dotted names stood for.
    """

    name: str
    expression: str
    result: bool | None
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Clause:
        return cls(**value)


def ask(name: str, expression: str, facts: Mapping[str, Any]) -> Clause:
    """Evaluate a clause; an error becomes part of the answer and is never ``false``."""
    values = look_up(expression, facts)
    try:
        return Clause(name, expression, evaluate(expression, facts), values)
    except RuleError as error:
        return Clause(name, expression, None, values, error.message)


def look_up(expression: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted name → value for every name the expression uses that has one."""
    found: dict[str, Any] = {}
    for name in references(expression):
        value: Any = facts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, Mapping):
            found[name] = _short(value)
    return found


def _short(value: Any) -> Any:
    """Long lists shortened: values are kept with every decision."""
    if not isinstance(value, (list, tuple)) or len(value) <= _ITEMS:
        return value
    return [*value[:_ITEMS], f"… and {len(value) - _ITEMS} more"]
