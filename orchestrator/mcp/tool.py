"""A tool as data: its actions and what each takes. Descriptions and schemas are made from it.

Every model that has the server reads all of them in every conversation, so they
are terse: an argument's meaning stands in its name, and is described only where
that does not do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.mcp.errors import BadArguments

if TYPE_CHECKING:
    from orchestrator.api.client import Orchestrator

__all__ = ["Action", "Call", "Tool"]

Schema = Mapping[str, Any]
STRING: Schema = {"type": "string"}
STRINGS: Schema = {"type": "array", "items": STRING}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its arguments, checked, and the client's id of it, None where it gave none."""

    orchestrator: Orchestrator
    arguments: Mapping[str, Any]
    key: str | None = None

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def given(self, *names: str, **renamed: str) -> dict[str, Any]:
        """Those of these arguments that were given, as keywords; ``renamed``: keyword=argument."""
        pairs = {**{name: name for name in names}, **renamed}
        return {k: self.arguments[n] for k, n in pairs.items() if n in self.arguments}


@dataclass(frozen=True, slots=True)
class Action:
    """``needs`` and ``takes`` are argument names, separated by spaces; ``run`` gives JSON."""

    run: Callable[[Call], dict[str, Any]]
    needs: str = ""
    takes: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.needs.split(), *self.takes.split())


@dataclass(frozen=True, slots=True)
class Tool:
    """``actions`` by name; a tool that does one thing has the one action ``""``.

    ``properties`` describes the arguments that are no plain text.
    """

    name: str
    text: str
    actions: Mapping[str, Action]
    properties: Mapping[str, Schema] = field(default_factory=dict)
    reads: bool = False

    def description(self) -> str:
        """What it is for, and what each action takes: ``verb needed [optional]``."""
        return f"{self.text} {'; '.join(self.usage(name) for name in self.actions if name)}".strip()

    def usage(self, name: str) -> str:
        """How an action is called, in a line."""
        action = self.actions[name]
        optional = f" [{action.takes}]" if action.takes else ""
        return f"{name} {action.needs}".strip() + optional

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        names = dict.fromkeys(one for action in self.actions.values() for one in action.names)
        properties = {name: dict(self.properties.get(name, STRING)) for name in names}
        required = list(self.actions[""].needs.split()) if "" in self.actions else ["action"]
        if "" not in self.actions:
            properties = {"action": {"enum": list(self.actions)}, **properties}
        made: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            made["required"] = required
        return {**made, "additionalProperties": False}

    def chosen(self, arguments: Mapping[str, Any]) -> Action:
        """The action these arguments ask for. Raises ``BadArguments``; nothing was done then."""
        self._typed(arguments)
        name = str(arguments.get("action", ""))
        action, given = self.actions[name], set(arguments) - {"action"}
        call = f"{self.name} {name}".strip()
        if lacking := [one for one in action.needs.split() if one not in given]:
            raise self._bad(name, f"{call} lacks {', '.join(lacking)}")
        if more := sorted(given - set(action.names)):
            raise self._bad(name, f"{call} does not take {', '.join(more)}")
        return action

    def _typed(self, arguments: Mapping[str, Any]) -> None:
        asked = arguments.get("action")
        if "" not in self.actions and asked not in list(self.actions):
            said = "needs an action" if asked is None else f"has no action {asked!r}"
            hint = f"actions: {', '.join(self.actions)}"
            raise BadArguments(f"{self.name} {said}", hint=hint)
        from jsonschema_rs import validator_for

        error = next(iter(validator_for(self.schema()).iter_errors(dict(arguments))), None)
        if error is not None:
            place = "/".join(str(one) for one in error.instance_path)
            at = f"{place}: " if place else ""
            name = str(arguments.get("action", ""))
            raise self._bad(name, f"{self.name}: {at}{error.message}")

    def _bad(self, name: str, message: str) -> BadArguments:
        return BadArguments(message, hint=f"{self.name} takes: {self.usage(name) or 'nothing'}")
