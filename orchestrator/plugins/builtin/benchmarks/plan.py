"""Which benchmarks a configuration asks for. Reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.plugins.spec import Check, Json, PlanRequest

__all__ = ["plan"]

_FAMILY = "benchmarks"
#: Seconds for what is neither measured nor one of the command's runs.
_MARGIN = 10.0


def plan(request: PlanRequest) -> list[Check]:
    """One exclusive check for each benchmark whose layer is affected or that has none."""
    benchmarks: Mapping[str, Mapping[str, Json]] = request.config["benchmarks"]
    asked = {
        name: benchmark
        for name, benchmark in benchmarks.items()
        if (
            request.project_wide
            if benchmark["layer"] is None
            else benchmark["layer"] in request.layers
        )
    }
    # Several in one run share the chance of a false alarm between them.
    return [_check(name, {**one, "family": len(asked)}) for name, one in asked.items()]


def _check(name: str, benchmark: Mapping[str, Json]) -> Check:
    return Check(
        id=f"benchmarks/{name}",
        family=_FAMILY,
        plugin=_FAMILY,
        title=f"benchmark {name}",
        layer=benchmark["layer"],
        spec=dict(benchmark),
        # Two runs to warm up, the measurement, and the pair that is under way when it ends.
        timeout=benchmark["time_limit"] + 4 * benchmark["timeout"] + _MARGIN,
        cost=benchmark["time_limit"],
        exclusive=True,
        needs_base=True,
        deterministic=False,
    )
