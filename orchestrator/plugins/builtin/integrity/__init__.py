"""Layer integrity: a layer's own commands, what they report, gates over it, import rules.

The door only: what plans and what executes is imported when it is needed. A
command's report is believed by its content, never by its name, and a report
that cannot be read makes a check errored, never passed.
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
    return PluginInfo("integrity", "1", "integrity")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """The checks of the affected layers, their gates, and the integration tests."""
    from orchestrator.plugins.builtin.integrity.plan import plan

    return plan(request)


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Run one command with its report, one layer's gates, or one set of import rules."""
    if "gates" in check.spec:
        from orchestrator.plugins.builtin.integrity import gates

        return gates.execute(check, context)
    if "ratchets" in check.spec:
        from orchestrator.plugins.builtin.integrity import ratchets

        return ratchets.execute(check, context)
    if "imports" in check.spec:
        from orchestrator.plugins.builtin.integrity import imports

        return imports.execute(check, context)
    from orchestrator.plugins.builtin.integrity import command

    return command.execute(check, context)
