"""What to check, and in which order: affected layers, then one graph of checks.

Pure. Within the graph a layer's checks start when those of the layers it
depends on have ended (however they ended), integration tests after all
others, and exclusive checks alone at the very end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from orchestrator.config.model import Config, Layer
from orchestrator.plugins.spec import Check

__all__ = ["Order", "Plan", "affected", "arrange", "in_order", "unlayered"]

#: Nodes of the graph that are no checks: "all checks of this layer have ended" and the like.
_Barrier = tuple[str, str]
_Node = str | _Barrier
_MAIN: _Barrier = ("part", "main")
_ALL: _Barrier = ("part", "all")


def in_order(layers: Mapping[str, Layer]) -> tuple[str, ...]:
    """Layer names, each after those it depends on."""
    graph = {name: [d for d in layer.depends_on if d in layers] for name, layer in layers.items()}
    return tuple(TopologicalSorter(graph).static_order())


def affected(config: Config, changed: Iterable[str] | None) -> tuple[str, ...]:
    """Layers with a changed file, and all that depend on one, in dependency order.

    None means everything changed. A file of no layer affects none.
    """
    order = in_order(config.layers)
    if changed is None:
        return order
    from orchestrator.config.ownership import matches

    paths = list(changed)
    hit: set[str] = set()
    for name in order:
        layer = config.layers[name]
        touched = any(matches(pattern, path) for pattern in layer.paths for path in paths)
        if touched or hit.intersection(layer.depends_on):
            hit.add(name)
    return tuple(name for name in order if name in hit)


def unlayered(config: Config, changed: Iterable[str]) -> tuple[str, ...]:
    """Changed files that no layer and no contract claims: nothing is checked because of them.

    The folders that ``init`` writes are left out; a change of the rules in them is told apart.
    """
    from orchestrator.config.ownership import matches

    project = PurePosixPath(config.source).parent.parent
    ours = [str(project / name / "**") for name in ("config", "plugins", "verification", "status")]
    contracts = [p for c in config.contracts.values() for p in (c.path, c.samples) if p]
    layers = [pattern for layer in config.layers.values() for pattern in layer.paths]
    patterns = [*layers, *contracts, *ours]
    return tuple(path for path in changed if not any(matches(p, path) for p in patterns))


@dataclass(frozen=True, slots=True)
class Plan:
    """Checks in the order they would run alone, and what each waits for.

    ``refused`` maps the id of a check that cannot be run to the reason.
    """

    checks: tuple[Check, ...]
    graph: Mapping[_Node, frozenset[_Node]]
    ranks: Mapping[str, int]
    refused: Mapping[str, str]


def arrange(checks: Sequence[Check], config: Config) -> Plan:
    """One graph of all checks. What a plugin asked for and cannot have is refused, not fatal."""
    refused = _unknown(checks)
    while True:
        kept = [check for check in checks if check.id not in refused]
        graph = _graph(kept, config)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            names = [node for node in error.args[1] if isinstance(node, str)]
            reason = f"checks wait for each other: {' -> '.join(names)}"
            refused |= dict.fromkeys(names, reason)
            continue
        ranks = _ranks(checks, in_order(config.layers))
        plan = Plan((*kept, *(c for c in checks if c.id in refused)), graph, ranks, refused)
        return replace(plan, checks=(*_alone(plan), *plan.checks[len(kept) :]))


class Order:
    """Hands out the checks of a plan as they become ready, cheapest of the lowest rank first."""

    def __init__(self, plan: Plan) -> None:
        self._checks = {check.id: check for check in plan.checks}
        self._ranks = plan.ranks
        self._sorter: TopologicalSorter[_Node] = TopologicalSorter(plan.graph)
        self._sorter.prepare()
        self._ready: list[tuple[int, float, str]] = []

    def active(self) -> bool:
        """True until every check is done."""
        self._refill()
        return bool(self._ready) or self._sorter.is_active()

    def next(self) -> Check | None:
        """The next check that may start, or None when all that may have started."""
        self._refill()
        return self._checks[heapq.heappop(self._ready)[2]] if self._ready else None

    def done(self, check: Check) -> None:
        """A check has ended, or will not run."""
        self._sorter.done(check.id)

    def _refill(self) -> None:
        while self._sorter.is_active() and (ready := self._sorter.get_ready()):
            for node in ready:
                if isinstance(node, str):
                    check = self._checks[node]
                    heapq.heappush(self._ready, (self._ranks[node], check.cost, node))
                else:
                    self._sorter.done(node)


def _alone(plan: Plan) -> Iterator[Check]:
    """The checks of a plan in the order they run one at a time."""
    order = Order(plan)
    while check := order.next():
        yield check
        order.done(check)


def _unknown(checks: Sequence[Check]) -> dict[str, str]:
    """Checks that wait for one nobody planned, and second owners of an id."""
    ids = {check.id for check in checks}
    return {
        check.id: f"it waits for {name!r}, which is not planned"
        for check in checks
        for name in (*check.needs, *check.after)
        if name not in ids
    }


def _graph(checks: Sequence[Check], config: Config) -> dict[_Node, frozenset[_Node]]:
    ids = {check.id for check in checks}
    graph: dict[_Node, set[_Node]] = {_MAIN: set(), _ALL: {_MAIN}}
    for name, layer in config.layers.items():
        graph[("layer", name)] = {("layer", d) for d in layer.depends_on if d in config.layers}
    for check in checks:
        graph[check.id] = {name for name in (*check.needs, *check.after) if name in ids}
    last: _Node = _ALL
    for check in sorted(checks, key=lambda c: (c.cost, c.id)):
        if check.exclusive:
            graph[check.id].add(last)
            last = check.id
        elif _is_integration(check):
            graph[check.id].add(_MAIN)
            graph[_ALL].add(check.id)
        else:
            _place_in_layer(graph, check, config)
            graph[_MAIN].add(check.id)
    return {node: frozenset(before) for node, before in graph.items()}


def _place_in_layer(graph: dict[_Node, set[_Node]], check: Check, config: Config) -> None:
    if check.layer is not None and check.layer in config.layers:
        layer = config.layers[check.layer]
        graph[check.id] |= {("layer", d) for d in layer.depends_on if d in config.layers}
        graph[("layer", check.layer)].add(check.id)


def _is_integration(check: Check) -> bool:
    """Planned from ``integration_tests``: of no layer, after all of them."""
    return check.layer is None and check.id.startswith("integration/")


def _ranks(checks: Sequence[Check], order: Sequence[str]) -> dict[str, int]:
    """Layers in their order, what belongs to no layer first, integration and exclusive last."""
    layers = {name: number for number, name in enumerate(order)}
    ranks = {check.id: layers.get(check.layer or "", 0) for check in checks}
    for check in checks:
        if _is_integration(check) or check.exclusive:
            ranks[check.id] = len(order) + 1 + check.exclusive
    return ranks
