"""Plays a flow through the layers and judges what crosses each boundary.

The payload is validated before and after every step, so a wrong one is blamed
on the layer that produced it, not on the one that choked on it. Stops at the
first violation: what follows from it would blame the innocent. Whatever was
set up or started is taken down again, however it ends.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.plugins.builtin.dataflow import invariants, steps
from orchestrator.plugins.builtin.dataflow.boundaries import Boundaries, ContractUnusable
from orchestrator.plugins.builtin.dataflow.client import Refused
from orchestrator.plugins.builtin.dataflow.crossing import Crossings, who
from orchestrator.plugins.builtin.dataflow.otlp import SpansUnreadable
from orchestrator.plugins.builtin.dataflow.preparation import Preparation, SetUpFailed
from orchestrator.plugins.builtin.dataflow.services import Services, ServiceTrouble
from orchestrator.plugins.builtin.dataflow.spans import Traces
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.builtin.dataflow.steps import Broken, Ran
from orchestrator.plugins.builtin.dataflow.timing import reserve
from orchestrator.plugins.builtin.dataflow.trace import Trace
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["execute"]

Step = Mapping[str, Json]

#: Seconds to notice that a service has ended, where something went wrong.
_NOTICED = 0.5


def execute(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """Play one flow; never raises for what its commands do."""
    folder = Path(tempfile.mkdtemp(prefix="flow-", dir=context.scratch))
    return _Play(spec, Stage(context, folder)).to_end()


class _Play:
    """One play of one flow. ``producer`` says who made the payload that is travelling."""

    def __init__(self, spec: Mapping[str, Json], stage: Stage) -> None:
        self._flow = spec["flow"]
        self._services_wanted = spec["services"]
        self._stage = stage
        context, kept = stage.context, reserve(self._flow)
        limit = min(float(self._flow["timeout"]), max(context.timeout - kept, context.timeout / 2))
        self._deadline = time.monotonic() + limit
        self._trace = Trace()
        self._crossings = Crossings(Boundaries(context.config, context.checkout), self._trace)
        self._services = Services(stage)
        self._preparation = Preparation(self._flow, stage)
        spans = self._flow["spans"]
        self._traces = Traces(spans, stage) if spans else None
        self._producer = ""

    def to_end(self) -> CheckResult:
        """Set up, play, judge, take down."""
        try:
            with self._preparation.remembered():
                result = self._judged()
        except SetUpFailed as error:
            result = self._trace.errored(error.message)
        printed = "\n".join(text for text in (result.output, self._services.printed()) if text)
        findings = (*result.findings, *self._preparation.remarks)
        return replace(result, findings=findings, output=printed)

    def _judged(self) -> CheckResult:
        try:
            result = self._played()
        finally:
            self._services.end()
        if result.outcome is Outcome.PASSED and self._traces is not None:
            return self._by_spans(self._traces)
        return result

    def _played(self) -> CheckResult:
        try:
            self._preparation.set_up(self._deadline)
            self._services.start(self._services_wanted, self._deadline)
            self._preparation.remember()
            result = self._steps()
        except (ContractUnusable, Refused, ServiceTrouble) as error:
            return self._trace.errored(error.message)
        patience = 0.0 if result.outcome is Outcome.PASSED else _NOTICED
        gone = self._services.gone(patience)
        if gone is None:
            return result
        after = f"; {result.reason}" if result.reason else ""
        return self._trace.errored(f"{gone}{after}", result.output)

    def _by_spans(self, traces: Traces) -> CheckResult:
        """Judged when the services have ended: what they kept back they have written then."""
        try:
            findings = traces.judged()
        except SpansUnreadable as error:
            return self._trace.errored(error.message)
        return self._trace.failed(*findings) if findings else self._trace.result(Outcome.PASSED)

    def _steps(self) -> CheckResult:
        """Every step and the invariants, or as far as it goes."""
        payload: Json = None
        for step in self._flow["steps"]:
            if step.get("input") is not None:
                payload = step["input"]
                self._producer = f"the input written for step {step['name']}"
            stopped = self._step(step, payload)
            if stopped is not None:
                return stopped
            payload = self._trace.steps[step["name"]]["output"]
        return self._judge()

    def _step(self, step: Step, payload: Json) -> CheckResult | None:
        """Run one step with its boundaries; a result where the flow ends here."""
        if self._producer:
            wrong = self._crossings.entering(step, payload, self._producer)
            if wrong is not None:
                return self._trace.failed(wrong)
        left = self._deadline - time.monotonic()
        if left <= 0:
            return self._trace.errored(f"no time was left for step {step['name']}")
        ran = self._run(step, payload, left)
        if isinstance(ran, Broken):
            return self._broken(step, ran)
        self._producer = who(step)
        self._trace.steps[step["name"]] = {"input": payload, "output": ran.output}
        self._trace.seconds[step["name"]] = ran.seconds
        wrong = self._crossings.leaving(step, ran)
        return None if wrong is None else self._trace.failed(wrong)

    def _run(self, step: Step, payload: Json, left: float) -> Ran | Broken:
        if step.get("http"):
            from orchestrator.plugins.builtin.dataflow.requests import send

            return send(step, payload, self._stage, left)
        return steps.run(step, payload, self._stage, left)

    def _broken(self, step: Step, ran: Broken) -> CheckResult:
        reason = f"step {step['name']} ({_action(step)}) {ran.reason}"
        if not ran.failed:
            return self._trace.errored(reason, ran.printed)
        blamed = who(step)
        message = f"{blamed}: {reason}" if step.get("layer") else reason
        if ran.producer:
            blamed = self._producer or blamed
            message = (
                f"{blamed} handed to step {step['name']} what {ran.reason}, which its address needs"
            )
        finding = Finding(
            rule=ran.rule,
            severity=Severity.BREAKING,
            message=message,
            remedy=f"mend what {blamed} produces" if ran.producer
            else "run the step by hand; what it printed is in the evidence",
            evidence={
                "producer": blamed,
                "step": step["name"],
                "layer": step.get("layer"),
                "printed": ran.printed[-1000:],
            },
        )  # fmt: skip
        return self._trace.failed(finding, output=ran.printed)

    def _judge(self) -> CheckResult:
        """The invariants, once every step has run."""
        named = {step["name"]: who(step) for step in self._flow["steps"]}
        findings, errors = invariants.judge(
            self._flow["invariants"], self._trace.steps, named.__getitem__
        )
        if findings:
            return self._trace.failed(*findings)
        if errors:
            return self._trace.errored("; ".join(errors))
        return self._trace.result(Outcome.PASSED)


def _action(step: Step) -> str:
    """What a step does, as it is written: a port that was filled in is another each time."""
    http = step.get("http")
    return f"{http['method']} {http['url']}" if http else str(step["run"])
