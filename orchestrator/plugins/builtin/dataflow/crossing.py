"""A payload crosses a boundary: judged by whatever contract there is, blamed on its producer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.plugins.builtin.contracts.schemas import Violation
from orchestrator.plugins.builtin.contracts.verdict import evidence_of
from orchestrator.plugins.builtin.dataflow.boundaries import Boundaries
from orchestrator.plugins.builtin.dataflow.requests import BODILESS
from orchestrator.plugins.builtin.dataflow.steps import Ran
from orchestrator.plugins.builtin.dataflow.trace import Trace
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["Crossings", "who"]

Step = Mapping[str, Json]
Contract = Mapping[str, Json]


def who(step: Step) -> str:
    """Who answers for what a step puts out."""
    layer = step.get("layer")
    return f"layer {layer}" if layer else f"step {step['name']}"


class Crossings:
    """Judges what goes into steps and comes out of them, and notes in the trace what was judged."""

    def __init__(self, boundaries: Boundaries, trace: Trace) -> None:
        self._boundaries = boundaries
        self._trace = trace

    def entering(self, step: Step, payload: Json, producer: str) -> Finding | None:
        """Judge what a step is handed. Raises ``ContractUnusable``."""
        http = step.get("http")
        where = f"{step['name']}.input"
        if http and http["method"] in BODILESS:
            return self._skip(where, f"{http['method']} sends no body")
        contracts = self._boundaries.contracts(step.get("layer"), "input")
        if schemas := _schemas(contracts):
            return self._by_schemas(step, "input", schemas, payload, producer)
        api = self._boundaries.api(step.get("layer"))
        if http and api:
            judged = self._boundaries.described(api).request(http["method"], _path(http), payload)
            if judged.silent:
                return self._skip(where, judged.silent)
            return self._told(step, "input", api, payload, producer, judged.violations)
        return self._skip(where, _why_not(step, "input", contracts))

    def leaving(self, step: Step, ran: Ran) -> Finding | None:
        """Judge what a step put out. Raises ``ContractUnusable``."""
        http = step.get("http")
        contracts = self._boundaries.contracts(step.get("layer"), "output")
        if schemas := _schemas(contracts):
            return self._by_schemas(step, "output", schemas, ran.output, who(step))
        api = self._boundaries.api(step.get("layer"))
        if http and api:
            described = self._boundaries.described(api)
            judged = described.answer(
                http["method"], _path(http), ran.status, ran.media, ran.output
            )
            if judged.silent:
                return self._skip(f"{step['name']}.output", judged.silent)
            return self._told(step, "output", api, ran.output, who(step), judged.violations)
        return self._skip(f"{step['name']}.output", _why_not(step, "output", contracts))

    def _by_schemas(
        self, step: Step, side: str, contracts: Sequence[Contract], payload: Json, producer: str
    ) -> Finding | None:
        """One of several inputs has to take it; where none does, the one nearest to it says why."""
        found = [(self._boundaries.violations(one, payload), one) for one in contracts]
        violations, nearest = min(found, key=lambda pair: len(pair[0]))
        return self._told(step, side, nearest, payload, producer, violations)

    def _told(
        self,
        step: Step,
        side: str,
        contract: Contract,
        payload: Json,
        producer: str,
        violations: Sequence[Violation],
    ) -> Finding | None:
        self._trace.validated.append(f"{step['name']}.{side}")
        if not violations:
            return None
        return _violated(step, side, contract, producer, violations, payload)

    def _skip(self, where: str, why: str) -> Finding | None:
        """Nothing was found, because nothing was looked at: noted with the reason."""
        self._trace.not_validated[where] = why
        return None


def _path(http: Mapping[str, Json]) -> str:
    """The path of a request as far as it is known without its payload: one part stays one."""
    path: str = http["url"].split("?")[0].split("#")[0]
    if "://" in path:
        path = path.split("://", 1)[1]
    place = path.find("/")
    return path[place:] if place >= 0 else "/"


def _schemas(contracts: Sequence[Contract]) -> list[Contract]:
    return [contract for contract in contracts if contract["kind"] == "json-schema"]


def _why_not(step: Step, side: str, contracts: Sequence[Contract]) -> str:
    layer = step.get("layer")
    if not layer:
        return "the step has no layer"
    if not contracts:
        return f"layer {layer} names no {side}"
    name, kind = contracts[0]["name"], contracts[0]["kind"]
    if kind == "openapi":
        return f"contract {name} is openapi and the step makes no request"
    return f"contract {name} is of kind {kind}"


def _violated(
    step: Step,
    side: str,
    contract: Contract,
    producer: str,
    violations: Sequence[Violation],
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
