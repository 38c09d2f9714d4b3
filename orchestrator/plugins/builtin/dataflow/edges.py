"""Proves, before anything runs, that a layer accepts what the layer below it puts out.

A layer with several inputs takes what comes along an edge by one of them: the
one of the same name, else any that admits it all.

Where both name one contract, a change of it would agree with itself: then the
candidate's output is compared with the base's input, what the consumer was
written for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.contracts import wording
from orchestrator.plugins.builtin.contracts.compare import Comparison, compare
from orchestrator.plugins.builtin.contracts.documents import Read, at_base, in_checkout
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.builtin.dataflow import other_edges
from orchestrator.plugins.builtin.dataflow.boundaries import ContractUnusable, schema_of
from orchestrator.plugins.spec import CheckContext, CheckResult, Json, Outcome

__all__ = ["execute"]

Spec = Mapping[str, Json]

#: Best first: one input that takes everything is enough.
_BEST = (Outcome.PASSED, Outcome.INCONCLUSIVE, Outcome.ERRORED, Outcome.FAILED)


def execute(spec: Spec, context: CheckContext) -> CheckResult:
    """Compare; never raises for what the contracts contain."""
    if "not_examined" in spec:
        reason = f"not examined: {spec['not_examined']}"
        return CheckResult(Outcome.SKIPPED, reason, data=dict(spec["edge"]))
    compared = _by_schema if spec["output"]["kind"] == "json-schema" else other_edges.compared
    results = [compared({**spec, "input": taken}, context) for taken in spec["inputs"]]
    best = min(results, key=lambda result: _BEST.index(result.outcome))
    if len(results) == 1 or best.outcome is Outcome.PASSED:
        return best
    reason = f"by none of its {len(results)} inputs; the nearest: {best.reason}"
    return replace(best, reason=reason)


def _by_schema(spec: Spec, context: CheckContext) -> CheckResult:
    read = _reader(spec, context)
    if read is None:
        reason = "both sides name one contract and no earlier version is there to compare with"
        return CheckResult(Outcome.PASSED, reason)
    model = spec["output"]["content_model"]
    try:
        sent = schema_of(spec["output"], in_checkout(context.checkout))
        pair = Pair(sent, schema_of(spec["input"], read), content_model=model)
    except ContractUnusable as error:
        return CheckResult(Outcome.ERRORED, error.message)
    except ValueError as error:
        return CheckResult(Outcome.INCONCLUSIVE, str(error))
    return _judged(spec, compare(pair))


def _reader(spec: Spec, context: CheckContext) -> Read | None:
    """Reads the consumer's side: the base's where both are one contract, None where it has none."""
    if spec["output"]["name"] != spec["input"]["name"]:
        return in_checkout(context.checkout)
    if context.base is None:
        return None
    read = at_base(context.checkout, context.base)
    return read if read(spec["input"]["path"]) is not None else None


def _judged(spec: Spec, comparison: Comparison) -> CheckResult:
    data = {"content_model": spec["output"]["content_model"], **spec["edge"]}
    if comparison.answer is Answer.YES:
        return CheckResult(Outcome.PASSED, data=data)
    if comparison.answer is Answer.UNKNOWN:
        return CheckResult(Outcome.INCONCLUSIVE, comparison.reason, data=data)
    producer, consumer = spec["edge"]["producer"], spec["edge"]["consumer"]
    evidence: dict[str, Json] = {
        **spec["edge"],
        "output": spec["output"]["name"],
        "input": spec["input"]["name"],
    }
    found = wording.findings(
        comparison,
        wording.edge(f"the input of {consumer} ({spec['input']['name']})"),
        prefix=f"{producer} puts out {spec['output']['name']}: ",
        evidence=evidence,
    )
    path = spec["output"]["path"]
    return CheckResult(
        Outcome.FAILED,
        found[0].message,
        tuple(replace(finding, file=path) for finding in found),
        data=data,
    )
