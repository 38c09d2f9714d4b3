"""Which integrity checks a configuration asks for. Reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.plugins.spec import Check, Json, PlanRequest

__all__ = ["plan"]

_FAMILY = "integrity"
#: Order within a rank: what is cheap and often decisive first.
_COST_GATES, _COST_IMPORTS, _COST_COMMAND = 0.1, 0.5, 1.0


def plan(request: PlanRequest) -> list[Check]:
    """Checks of the affected layers in their order, then the integration tests."""
    layers: Mapping[str, Json] = request.config["layers"]
    planned = [c for name in request.layers if name in layers for c in _layer(name, layers[name])]
    if request.project_wide:
        planned += [
            _command(f"integration/{entry['name']}", None, entry)
            for entry in request.config["integration_tests"]
            if entry["run"] is not None
        ]
    return planned


def _layer(name: str, layer: Mapping[str, Json]) -> list[Check]:
    checks = []
    for entry in layer["checks"]:
        if entry["run"] is not None:
            checks.append(_command(f"{name}/{entry['name']}", name, entry))
        elif entry["imports"] is not None:
            checks.append(_imports(f"{name}/{entry['name']}", name, entry))
    judges = [_gates(name, layer["gates"], checks)] if layer["gates"] else []
    if layer["ratchets"]:
        judges.append(_ratchets(name, layer["ratchets"], checks))
    return [*checks, *judges]


def _command(identifier: str, layer: str | None, entry: Mapping[str, Json]) -> Check:
    return Check(
        id=identifier,
        family=_FAMILY,
        plugin=_FAMILY,
        title=entry["name"],
        layer=layer,
        # "bracket": a failure may be run again, on the candidate and on the base.
        spec={"run": entry["run"], "report": entry["report"], "bracket": True},
        timeout=entry["timeout"],
        cost=_COST_COMMAND,
    )


def _imports(identifier: str, layer: str, entry: Mapping[str, Json]) -> Check:
    return Check(
        id=identifier,
        family=_FAMILY,
        plugin=_FAMILY,
        title=entry["name"],
        layer=layer,
        spec={"imports": entry["imports"]},
        timeout=entry["timeout"],
        cost=_COST_IMPORTS,
    )


def _gates(layer: str, gates: Iterable[str], checks: list[Check]) -> Check:
    """The layer's gates, judged when everything that can report a metric has ended."""
    sources = {c.id: _promised(c.spec) for c in checks if "run" in c.spec}
    return Check(
        id=_free(f"{layer}/gates", checks),
        family=_FAMILY,
        plugin=_FAMILY,
        title=f"gates of {layer}",
        layer=layer,
        spec={"gates": list(gates), "sources": sources},
        after=tuple(sources),
        timeout=60.0,
        cost=_COST_GATES,
    )


def _ratchets(layer: str, ratchets: Iterable[Json], checks: list[Check]) -> Check:
    """The layer's metrics against the base's: the commands that report run there too."""
    sources = {c.id: c for c in checks if "run" in c.spec and _promised(c.spec)}
    return Check(
        id=_free(f"{layer}/ratchets", checks),
        family=_FAMILY,
        plugin=_FAMILY,
        title=f"ratchets of {layer}",
        layer=layer,
        spec={
            "ratchets": list(ratchets),
            "sources": {name: {**c.spec, "timeout": c.timeout} for name, c in sources.items()},
        },
        after=tuple(sources),
        timeout=60.0 + sum(c.timeout for c in sources.values()),
        cost=_COST_COMMAND,
        needs_base=True,
    )


def _free(identifier: str, checks: list[Check]) -> str:
    """An id no check of the layer has: people may call theirs so too."""
    while identifier in {c.id for c in checks}:
        identifier += "-of-the-layer"
    return identifier


def _promised(spec: Mapping[str, Json]) -> str | None:
    """The kind of report a command promises: a format, ``any``, or None for no report."""
    if spec["report"] is not None:
        return str(spec["report"].get("format") or "any")
    return "any" if "{report}" in spec["run"] else None
