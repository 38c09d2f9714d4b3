"""Contract compliance: interfaces stay what their users were promised.

The door only: what plans and what executes is imported when it is needed.
"""

from __future__ import annotations

from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    Outcome,
    PlanRequest,
    PluginInfo,
    hookimpl,
)

__all__ = ["orchestrate_execute", "orchestrate_plan", "orchestrate_plugin"]


@hookimpl
def orchestrate_plugin() -> PluginInfo:
    """The family's name and version; the version changes when a verdict could."""
    return PluginInfo("contracts", "1", "contracts")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """One check for each contract that is affected."""
    from orchestrator.plugins.builtin.contracts.planning import plan

    return plan(request)


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Check one contract of the candidate, and compare it with what was before."""
    kind = check.spec["contract"]["kind"]
    if kind == "json-schema":
        from orchestrator.plugins.builtin.contracts import json_schema

        return json_schema.execute(check.spec, context)
    if kind == "openapi":
        from orchestrator.plugins.builtin.contracts import openapi

        return openapi.execute(check.spec, context)
    if kind == "python":
        from orchestrator.plugins.builtin.contracts import python_api

        return python_api.execute(check.spec, context)
    return CheckResult(
        Outcome.ERRORED,
        f"contracts of kind {kind} cannot be examined by this version (json-schema, openapi and "
        "python can); check it with a command in the checks of its layer",
    )
