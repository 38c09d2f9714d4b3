"""Edges whose contracts are no JSON Schemas: judged by what compares versions of their kind.

What the consumer names is what it was written for, so the producer's contract
is compared with it as with an earlier version of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.contracts import modes, versions
from orchestrator.plugins.builtin.contracts.documents import Unreadable
from orchestrator.plugins.builtin.contracts.kinds import (
    Asked,
    CannotTell,
    Undecided,
    Unusable,
    kind,
)
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["compared"]

#: Kinds of data that travels; of the others the consumer is a caller, to be served as before.
_DATA = ("avro",)


def compared(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """Compare one input with the output; never raises for what the contracts contain."""
    sent, taken = spec["output"], spec["input"]
    data = dict(spec["edge"])
    if sent["name"] == taken["name"]:
        reason = "both sides name one contract; its own check compares it with earlier versions"
        return CheckResult(Outcome.PASSED, reason, data=data)
    module = kind(sent["kind"])
    demand = modes.MUST_NOT_GROW if sent["kind"] in _DATA else modes.MUST_NOT_SHRINK
    try:
        old, new = (
            module.load(
                versions.in_folder(context.checkout, one["path"], one["name"]), one, context
            )
            for one in (taken, sent)
        )
        found = list(module.compare(old, new, Asked(demand, sent, context)))
    except (Unusable, Unreadable, CannotTell) as error:
        return CheckResult(Outcome.ERRORED, f"the contracts cannot be compared: {error}", data=data)
    return _judged(spec, found, data)


def _judged(
    spec: Mapping[str, Json], found: list[Finding | Undecided], data: dict[str, Json]
) -> CheckResult:
    findings = tuple(_here(spec, each) for each in found if isinstance(each, Finding))
    breaking = [each for each in findings if each.severity is Severity.BREAKING]
    if breaking:
        return CheckResult(Outcome.FAILED, breaking[0].message, findings, data=data)
    unclear = [each for each in found if isinstance(each, Undecided)]
    if unclear:
        reason = f"{unclear[0].surface}: {unclear[0].reason}"
        return CheckResult(Outcome.INCONCLUSIVE, reason, findings, data=data)
    return CheckResult(Outcome.PASSED, findings=findings, data=data)


def _here(spec: Mapping[str, Json], finding: Finding) -> Finding:
    """The finding about this edge: what is the version before there is the consumer's here."""
    producer, consumer = spec["edge"]["producer"], spec["edge"]["consumer"]
    sent, taken = spec["output"]["name"], spec["input"]["name"]
    return replace(
        finding,
        message=f"{producer} puts out {sent}, and {consumer} was written for {taken}: "
        f"{finding.message}",
        file=finding.file or spec["output"]["path"],
        evidence={**finding.evidence, **spec["edge"], "output": sent, "input": taken},
    )
