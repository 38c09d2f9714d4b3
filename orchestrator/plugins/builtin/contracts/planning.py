"""Plans one check for each contract that could have changed or whose users did."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from pathlib import Path

from orchestrator.config.names import contracts_named
from orchestrator.plugins.builtin.contracts import blessings
from orchestrator.plugins.spec import Check, Json, PlanRequest

__all__ = ["plan"]

_SECONDS = 120.0
#: Endings of files a contract may refer to.
_REFERRED = (".json", ".yaml", ".yml", ".proto")
#: A reference that does not begin with ``#``, or an import of Protobuf.
_REFERENCE = re.compile(rb"""\$ref["']?\s*:\s*["']?[^#"'\s]|^\s*import\s""", re.MULTILINE)


def plan(request: PlanRequest) -> list[Check]:
    """The checks of the contracts in the configuration, by name."""
    contracts: Mapping[str, Mapping[str, Json]] = request.config.get("contracts", {})
    return [
        _check(name, contract, request.config.get("layers", {}))
        for name, contract in sorted(contracts.items())
        if _wanted(name, contract, request)
    ]


def _check(name: str, contract: Mapping[str, Json], layers: Mapping[str, Json]) -> Check:
    return Check(
        id=f"contracts/{name}",
        family="contracts",
        plugin="contracts",
        title=f"contract {name} ({contract['kind']})",
        spec={
            "contract": {**contract, "name": name},
            "consumers": [
                n for n, it in layers.items() if name in contracts_named(it.get("input"))
            ],
            "producers": [layer for layer, it in layers.items() if it.get("output") == name],
        },
        timeout=_SECONDS,
        cost=0.5,
    )


def _wanted(name: str, contract: Mapping[str, Json], request: PlanRequest) -> bool:
    """Everything is checked, a file of the contract changed, or a layer that uses it is affected.

    When single layers were asked for, only the contracts they use.
    """
    layers = request.config.get("layers", {})
    used = any(name in (*contracts_named(layers[layer].get("input")), layers[layer].get("output"))
               for layer in request.layers if layer in layers)  # fmt: skip
    if used or not request.project_wide:
        return used
    if request.changed is None:
        return True
    blessed = blessings.place(request.config, name)
    refers = _refers(contract, request.checkout)
    return any(p == blessed or _touches(p, contract, refers) for p in request.changed)


def _touches(path: str, contract: Mapping[str, Json], refers: bool) -> bool:
    if path == contract["path"] or path.startswith(f"{contract['path'].rstrip('/')}/"):
        return True
    samples = contract.get("samples")
    if samples and fnmatch.fnmatchcase(path, samples):
        return True
    package = contract.get("package")
    if package:
        place = f"{str(package).replace('.', '/')}"
        return f"/{place}/" in f"/{path}" or f"/{path}".endswith(f"/{place}.py")
    folder = contract["path"].rpartition("/")[0]
    beside = path.startswith(f"{folder}/") or refers
    return beside and path.endswith(_REFERRED)


def _refers(contract: Mapping[str, Json], checkout: str) -> bool:
    """Whether the file refers to others, which may be anywhere in the repository."""
    try:
        text = (Path(checkout) / contract["path"]).read_bytes()
    except OSError:
        return False
    return _REFERENCE.search(text) is not None
