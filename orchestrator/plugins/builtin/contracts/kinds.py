"""The kinds of contracts, as one table: what reads a version, and what compares two."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from orchestrator.plugins.builtin.contracts.versions import Version
from orchestrator.plugins.spec import CheckContext, Finding, Json

__all__ = [
    "WITH_MODEL",
    "Absent",
    "Asked",
    "CannotTell",
    "Kind",
    "Missing",
    "Undecided",
    "Unusable",
    "kind",
]

_HERE = "orchestrator.plugins.builtin.contracts"
#: Kind → its module. Imported when used: some need an extra.
_MODULES = {
    "json-schema": "json_schema",
    "openapi": "openapi",
    "graphql": "graphql_schema",
    "protobuf": "protobuf",
    "avro": "avro_schema",
    "python": "python_api",
}


#: Kinds whose objects may be open or closed: ``content_model`` counts for these.
WITH_MODEL = frozenset(("json-schema", "openapi"))


class Unusable(ValueError):
    """A version is not what its kind should be; ``findings`` say where and why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


class Absent(Unusable):
    """A version has no such file."""


class CannotTell(ValueError):
    """Nothing can be said: the check is errored, with this message."""


class Missing(CannotTell):
    """What reads this kind is not installed; the message ends with the line that installs it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is missing. Install it: pip install "
                         "'handoff-orchestrator[contracts]'")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Undecided:
    """A surface that could not be decided, and why."""

    surface: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a comparison is about: which demand, under which contract, with which seeds."""

    demand: str
    contract: Mapping[str, Json]
    context: CheckContext
    seeds: Sequence[Json] = field(default=())


class Kind(Protocol):
    """What each module of the table offers. ``Any``: what it loads is its own affair.

    ``HAS_DIRECTION`` is False where a document says itself what is taken and
    what is given: then ``direction`` does not count.
    """

    HAS_DIRECTION: bool

    def load(self, version: Version, contract: Mapping[str, Json], context: CheckContext) -> Any:
        """The version, read. Raises ``Unusable``, ``Unreadable``, ``CannotTell``."""

    def about(self, loaded: Any) -> dict[str, Json]:
        """What the report says about a version: its size, what is not examined."""

    def violations(self, loaded: Any, payload: Json) -> list[tuple[str, str]] | None:
        """Where and why a sample is not valid; None where this kind has no samples."""

    def compare(self, old: Any, new: Any, asked: Asked) -> Iterator[Finding | Undecided]:
        """What of the demand is broken, and what could not be decided."""


def kind(name: str) -> Kind:
    """The module for a kind."""
    return cast(Kind, importlib.import_module(f"{_HERE}.{_MODULES[name]}"))
