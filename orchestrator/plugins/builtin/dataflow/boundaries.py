"""The contracts at the boundaries of layers: payloads judged by them, and who is to blame."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.config.names import contracts_named
from orchestrator.errors import OrchestrateError
from orchestrator.plugins.builtin.contracts import schemas
from orchestrator.plugins.builtin.contracts.documents import Read, Unreadable, in_checkout
from orchestrator.plugins.builtin.contracts.normal import Unmodelled, normalise, source
from orchestrator.plugins.builtin.contracts.schemas import Violation
from orchestrator.plugins.spec import Json

__all__ = ["Boundaries", "ContractUnusable", "schema_of"]


class ContractUnusable(OrchestrateError):
    """The contract of a boundary cannot be used.

    Happens when the file of a layer's ``input`` or ``output`` is absent, is no
    valid JSON Schema or OpenAPI document, or uses what cannot be modelled. The
    check of the flow or edge is errored; the check of the contract itself says
    more.
    """

    code = "E511"


def schema_of(contract: Mapping[str, Json], read: Read) -> dict[str, Json]:
    """The normalised schema of a contract as ``read`` gives it; raises ``ContractUnusable``."""
    path = contract["path"]
    content = read(path)
    if content is None:
        raise ContractUnusable(f"the contract {contract['name']} has no file {path}")
    try:
        found = source(content, path, read)
        wrong = schemas.invalid(found.document, found.dialect)
        if wrong:
            raise Unmodelled(f"{wrong[0].path}: {wrong[0].message}")
        return normalise(found)
    except (Unreadable, Unmodelled) as error:
        raise ContractUnusable(f"the contract {contract['name']} ({path}): {error}") from error


class Boundaries:
    """Judges payloads by the contracts of the layers; each contract is read once."""

    def __init__(self, config: Mapping[str, Json], checkout: str) -> None:
        self._layers: Mapping[str, Json] = config.get("layers", {})
        self._contracts: Mapping[str, Json] = config.get("contracts", {})
        self._checkout = checkout
        self._schemas: dict[str, Json] = {}
        self._apis: dict[str, Json] = {}

    def contracts(self, layer: str | None, side: str) -> list[Mapping[str, Json]]:
        """The contracts of a layer's ``input`` or ``output``, of any kind."""
        value = self._layers.get(layer, {}).get(side) if layer else None
        return [self._contracts[name] for name in contracts_named(value) if name in self._contracts]

    def api(self, layer: str | None) -> Mapping[str, Json] | None:
        """The OpenAPI contract of a layer: what it gives out, else what it takes in."""
        both = [*self.contracts(layer, "output"), *self.contracts(layer, "input")]
        return next((found for found in both if found["kind"] == "openapi"), None)

    def violations(self, contract: Mapping[str, Json], payload: Json) -> list[Violation]:
        """What is wrong with a payload, by a JSON Schema; raises ``ContractUnusable``."""
        name = contract["name"]
        if name not in self._schemas:
            self._schemas[name] = schema_of(contract, in_checkout(self._checkout))
        try:
            return schemas.violations(self._schemas[name], payload)
        except ValueError as error:
            raise ContractUnusable(f"the contract {name}: {error}") from error

    def described(self, contract: Mapping[str, Json]) -> Json:
        """The API's description, an ``ApiBoundary``; raises ``ContractUnusable``."""
        from orchestrator.plugins.builtin.dataflow.api_boundary import opened

        name = contract["name"]
        if name not in self._apis:
            self._apis[name] = opened(contract, self._checkout)
        return self._apis[name]
