"""Plans the edges between layers whose contracts can be compared, and the flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.plugins.builtin.dataflow.timing import reserve
from orchestrator.plugins.spec import Check, Json, PlanRequest

__all__ = ["plan"]


def plan(request: PlanRequest) -> list[Check]:
    """Edges first, then flows, each in the order of the configuration."""
    return [*_edges(request), *_flows(request)]


def _edges(request: PlanRequest) -> Iterator[Check]:
    layers: Mapping[str, Json] = request.config.get("layers", {})
    contracts: Mapping[str, Json] = request.config.get("contracts", {})
    for consumer, layer in layers.items():
        for producer in layer.get("depends_on", ()):
            sent = layers.get(producer, {}).get("output")
            read = layer.get("input")
            if not (_is_schema(sent, contracts) and _is_schema(read, contracts)):
                continue
            used = (contracts[sent]["path"], contracts[read]["path"])
            if _wanted(request, (producer, consumer), used):
                yield _edge(producer, consumer, contracts[sent], contracts[read])


def _edge(producer: str, consumer: str, sent: Json, read: Json) -> Check:
    return Check(
        id=f"dataflow/edge/{producer}/{consumer}",
        family="dataflow",
        plugin="dataflow",
        title=f"what {producer} puts out, {consumer} accepts",
        layer=producer,
        spec={"edge": {"producer": producer, "consumer": consumer}, "output": sent, "input": read},
        timeout=120.0,
        cost=0.5,
    )


def _flows(request: PlanRequest) -> Iterator[Check]:
    every = request.config.get("services", {})
    for name, flow in request.config.get("flows", {}).items():
        services = [every[service] for service in flow["services"]]
        users = [*flow["steps"], *services]
        if _wanted(request, tuple(user["layer"] for user in users if user.get("layer")), ()):
            yield Check(
                id=f"dataflow/flow/{name}",
                family="dataflow",
                plugin="dataflow",
                title=f"flow {name}",
                spec={"flow": {**flow, "name": name}, "services": services, "bracket": True},
                timeout=float(flow["timeout"]) + reserve(flow),
                cost=5.0,
                cache=_replayed(flow),
            )


def _replayed(flow: Mapping[str, Json]) -> bool:
    """As declared; otherwise not where something answers that no key can look into."""
    if flow["cache"] is not None:
        return bool(flow["cache"])
    return not flow["services"] and not any(step["http"] for step in flow["steps"])


def _is_schema(name: str | None, contracts: Mapping[str, Json]) -> bool:
    return name is not None and contracts.get(name, {}).get("kind") == "json-schema"


def _wanted(request: PlanRequest, layers: tuple[str, ...], files: tuple[str, ...]) -> bool:
    """One of its layers is affected; or, for the whole project, everything or one of its files."""
    if set(layers) & set(request.layers):
        return True
    if not request.project_wide:
        return False
    return request.changed is None or bool(set(files) & set(request.changed))
