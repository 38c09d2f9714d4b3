"""Plans the edges between layers, those that cannot be examined too, and the flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.config.names import contracts_named
from orchestrator.plugins.builtin.dataflow.timing import reserve
from orchestrator.plugins.spec import Check, Json, PlanRequest

__all__ = ["plan"]


def plan(request: PlanRequest) -> list[Check]:
    """Edges first, then flows, each in the order of the configuration."""
    return [*_edges(request), *_flows(request)]


def _edges(request: PlanRequest) -> Iterator[Check]:
    """Every edge, as soon as any layer names a contract: what is not examined is named."""
    layers: Mapping[str, Json] = request.config.get("layers", {})
    contracts: Mapping[str, Json] = request.config.get("contracts", {})
    if not any(layer.get("input") or layer.get("output") for layer in layers.values()):
        return
    for consumer, layer in layers.items():
        taken = [
            contracts[name] for name in contracts_named(layer.get("input")) if name in contracts
        ]
        for producer in layer.get("depends_on", ()):
            sent = contracts.get(layers.get(producer, {}).get("output"))
            used = tuple(contract["path"] for contract in [*([sent] if sent else []), *taken])
            if _wanted(request, (producer, consumer), used):
                yield _edge(producer, consumer, sent, taken)


def _edge(producer: str, consumer: str, sent: Json | None, taken: list[Json]) -> Check:
    spec: dict[str, Json] = {"edge": {"producer": producer, "consumer": consumer}}
    fitting = [contract for contract in taken if sent and contract["kind"] == sent["kind"]]
    if sent is None or not fitting:
        spec["not_examined"] = _why(producer, consumer, sent, taken)
    else:
        same = [contract for contract in fitting if contract["name"] == sent["name"]]
        spec |= {"output": sent, "inputs": same or fitting}
    return Check(
        id=f"dataflow/edge/{producer}/{consumer}",
        family="dataflow",
        plugin="dataflow",
        title=f"what {producer} puts out, {consumer} accepts",
        layer=producer,
        spec=spec,
        timeout=120.0,
        cost=0.5,
    )


def _why(producer: str, consumer: str, sent: Json | None, taken: list[Json]) -> str:
    """Why nothing can be said about an edge."""
    if sent is None:
        return f"{producer} names no output" + ("" if taken else f", {consumer} no input")
    if not taken:
        return f"{consumer} names no input"
    read = " and ".join(f"{contract['name']} ({contract['kind']})" for contract in taken)
    return f"{sent['name']} ({sent['kind']}) cannot be compared with {read}"


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


def _wanted(request: PlanRequest, layers: tuple[str, ...], files: tuple[str, ...]) -> bool:
    """One of its layers is affected; or, for the whole project, everything or one of its files."""
    if set(layers) & set(request.layers):
        return True
    if not request.project_wide:
        return False
    return request.changed is None or bool(set(files) & set(request.changed))
