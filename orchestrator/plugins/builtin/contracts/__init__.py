"""Contract compliance: interfaces stay what their users were promised.

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
    return PluginInfo("contracts", "3", "contracts")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """One check for each contract that is affected."""
    from orchestrator.plugins.builtin.contracts.planning import plan

    return plan(request)


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Check one contract of the candidate, and compare it with what was before."""
    from orchestrator.plugins.builtin.contracts.check import execute

    return execute(check.spec, context)
