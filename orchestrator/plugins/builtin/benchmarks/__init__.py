"""Benchmarks: is the candidate slower than the base, on this machine, now?

The door only. A measurement is never compared with one of another machine or
another day, and what cannot be decided is inconclusive, never passed.
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
    return PluginInfo("benchmarks", "3", "benchmarks")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """The benchmarks of the affected layers, and those of no layer."""
    from orchestrator.plugins.builtin.benchmarks.plan import plan

    return plan(request)


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Measure one benchmark, on base and candidate in turn."""
    from orchestrator.plugins.builtin.benchmarks.execute import execute

    return execute(check, context)
