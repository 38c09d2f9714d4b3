"""Data flow between layers: proven from the contracts, and executed end to end.

The door only: what plans and what executes is imported when it is needed.
"""

from __future__ import annotations

from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    PlanRequest,
    PluginInfo,
    hookimpl,
)

__all__ = ["orchestrate_execute", "orchestrate_plan", "orchestrate_plugin"]


@hookimpl
def orchestrate_plugin() -> PluginInfo:
    """The family's name and version; the version changes when a verdict could."""
    return PluginInfo("dataflow", "2", "dataflow")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """One check for each edge between affected layers, and for each flow through one."""
    from orchestrator.plugins.builtin.dataflow.planning import plan

    return plan(request)


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Prove one edge, or run one flow."""
    if "edge" in check.spec:
        from orchestrator.plugins.builtin.dataflow import edges

        return edges.execute(check.spec, context)
    from orchestrator.plugins.builtin.dataflow import flows

    return flows.execute(check.spec, context)
