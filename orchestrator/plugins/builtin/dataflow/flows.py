"""Runs a flow through the layers and judges what crosses each boundary.

The payload is validated before and after every step, so a wrong one is blamed
on the layer that produced it, not on the one that choked on it. Stops at the
first violation: what follows from it would blame the innocent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plugins.builtin.contracts.documents import in_checkout
from orchestrator.plugins.builtin.contracts.schemas import Violation
from orchestrator.plugins.builtin.contracts.verdict import evidence_of
from orchestrator.plugins.builtin.dataflow import invariants
from orchestrator.plugins.builtin.dataflow.boundaries import Boundaries, ContractUnusable
from orchestrator.plugins.builtin.dataflow.steps import Broken, run
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["execute"]

Step = Mapping[str, Json]


def execute(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """Run one flow; never raises for what its commands do."""
    return _Run(spec["flow"], context).to_end()


@dataclass(slots=True)
class _Trace:
    """What has happened so far. ``steps`` is what invariants see."""

    steps: dict[str, dict[str, Json]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    validated: list[str] = field(default_factory=list)
    not_validated: list[str] = field(default_factory=list)

    def result(
        self, outcome: Outcome, reason: str = "", *findings: Finding, output: str = ""
    ) -> CheckResult:
        return CheckResult(
            outcome,
            reason,
            findings,
            metrics={f"flow.seconds.{name}": spent for name, spent in self.seconds.items()},
            output=output,
            data={"validated": self.validated, "not_validated": self.not_validated},
        )


class _Run:
    """One run of one flow. ``producer`` says who made the payload that is travelling."""

    def __init__(self, flow: Mapping[str, Json], context: CheckContext) -> None:
        self._flow = flow
        self._context = context
        self._boundaries = Boundaries(context.config, in_checkout(context.checkout))
        self._deadline = time.monotonic() + min(float(flow["timeout"]), context.timeout)
        self._trace = _Trace()
        self._producer = ""

    def to_end(self) -> CheckResult:
        """Every step and the invariants, or as far as it goes."""
        payload: Json = None
        try:
            for step in self._flow["steps"]:
                if step.get("input") is not None:
                    payload = step["input"]
                    self._producer = f"the input written for step {step['name']}"
                stopped = self._step(step, payload)
                if stopped is not None:
                    return stopped
                payload = self._trace.steps[step["name"]]["output"]
        except ContractUnusable as error:
            return self._trace.result(Outcome.ERRORED, error.message)
        return self._judge()

    def _step(self, step: Step, payload: Json) -> CheckResult | None:
        """Run one step with its boundaries; a result where the flow ends here."""
        wrong = self._crossing(step, "input", payload) if self._producer else None
        left = self._deadline - time.monotonic()
        if wrong is not None:
            return self._trace.result(Outcome.FAILED, wrong.message, wrong)
        if left <= 0:
            reason = f"no time was left for step {step['name']}"
            return self._trace.result(Outcome.ERRORED, reason)
        ran = run(step, payload, self._context, left)
        self._producer = _who(step)
        if isinstance(ran, Broken):
            return self._broken(step, ran)
        self._trace.steps[step["name"]] = {"input": payload, "output": ran.output}
        self._trace.seconds[step["name"]] = ran.seconds
        wrong = self._crossing(step, "output", ran.output)
        return None if wrong is None else self._trace.result(Outcome.FAILED, wrong.message, wrong)

    def _crossing(self, step: Step, side: str, payload: Json) -> Finding | None:
        """Judge a payload at a boundary; the finding names who produced it."""
        where = f"{step['name']}.{side}"
        contract = self._boundaries.contract(step.get("layer"), side)
        if contract is None:
            self._trace.not_validated.append(where)
            return None
        self._trace.validated.append(where)
        violations = self._boundaries.violations(contract, payload)
        if not violations:
            return None
        return _violated(step, side, contract, self._producer, violations, payload)

    def _broken(self, step: Step, ran: Broken) -> CheckResult:
        reason = f"step {step['name']} ({step['run']}) {ran.reason}"
        if not ran.failed:
            return self._trace.result(Outcome.ERRORED, reason, output=ran.printed)
        printed = ran.printed[-1000:]
        finding = Finding(
            rule=ran.rule,
            severity=Severity.BREAKING,
            message=f"{_who(step)}: {reason}",
            remedy="run the step by hand; what it printed is in the evidence",
            evidence={"step": step["name"], "layer": step.get("layer"), "printed": printed},
        )
        return self._trace.result(Outcome.FAILED, finding.message, finding, output=ran.printed)

    def _judge(self) -> CheckResult:
        """The invariants, once every step has run."""
        findings, errors = invariants.judge(self._flow["invariants"], self._trace.steps)
        if findings:
            return self._trace.result(Outcome.FAILED, findings[0].message, *findings)
        if errors:
            return self._trace.result(Outcome.ERRORED, "; ".join(errors))
        return self._trace.result(Outcome.PASSED)


def _who(step: Step) -> str:
    layer = step.get("layer")
    return f"layer {layer}" if layer else f"step {step['name']}"


def _violated(
    step: Step,
    side: str,
    contract: Mapping[str, Json],
    producer: str,
    violations: list[Violation],
    payload: Json,
) -> Finding:
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    verb = "put out" if side == "output" else f"handed to step {step['name']}"
    return Finding(
        rule=f"flow.invalid-{side}",
        severity=Severity.BREAKING,
        message=f"{producer} {verb} what contract {contract['name']} does not allow: "
        f"{first.path}: {first.message}{more}",
        file=contract["path"],
        remedy=f"mend what {producer} produces, or change the contract first",
        evidence={
            "producer": producer,
            "step": step["name"],
            "boundary": side,
            "contract": contract["name"],
            "violations": [{"path": v.path, "message": v.message} for v in violations],
            "payload": evidence_of(payload),
        },
    )
