"""Contracts of kind ``openapi``: a sound document that breaks nobody who calls it today.

Structural rules, and every schema lowered to JSON Schema and compared. What is
not examined is named in the result (``data["not_examined"]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.contracts import modes
from orchestrator.plugins.builtin.contracts.documents import Read, Unreadable, line_of, loads
from orchestrator.plugins.builtin.contracts.json_schema import absent, kept_history, unreadable
from orchestrator.plugins.builtin.contracts.normal import DanglingReference, Unmodelled
from orchestrator.plugins.builtin.contracts.openapi_bodies import Side, Undecided, bodies
from orchestrator.plugins.builtin.contracts.openapi_model import (
    Malformed,
    Operation,
    api,
    not_examined,
    schema_places,
)
from orchestrator.plugins.builtin.contracts.openapi_rules import Change, structural
from orchestrator.plugins.builtin.contracts.verdict import Part, broken, combined, unclear
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["execute"]

Contract = Mapping[str, Json]


def execute(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """The whole check of one document; never raises for what its files contain."""
    contract: Contract = spec["contract"]
    found = modes.versions(contract, context)
    if found.candidate is None:
        return combined([absent(contract, found)])
    try:
        side = _side(found.candidate, contract["path"], found.here)
    except Unreadable as error:
        return combined([unreadable(contract, error)])
    except Malformed as error:
        return combined([_malformed(contract, found.candidate, error)])
    unresolved = _unresolved(side, contract, found.candidate)
    return combined([_about(side, contract), unresolved, *_compatible(spec, side, found)])


def _side(content: bytes, path: str, read: Read) -> Side:
    return Side(api(loads(content, path)), path, read)


def _about(side: Side, contract: Contract) -> Part:
    return Part(
        data={
            "compatibility": contract["compatibility"],
            "content_model": contract["content_model"],
            "operations": len(side.api.operations),
            "not_examined": not_examined(side.api.document),
        }
    )


def _unresolved(side: Side, contract: Contract, content: bytes) -> Part:
    """Schemas of operations that refer to what is not there."""
    findings: dict[str, Finding] = {}
    for operation in side.api.operations.values():
        for place in schema_places(operation):
            try:
                side.schema(place, sent=True)
            except DanglingReference as error:
                findings.setdefault(str(error), _bad_schema(operation, error, place, contract))
            except Unmodelled:
                continue  # said where it is compared
    lines = (replace(f, line=line_of(content, f.evidence["pointer"])) for f in findings.values())
    return broken(*lines)


def _bad_schema(operation: Operation, error: Exception, place: str, contract: Contract) -> Finding:
    return Finding(
        rule="openapi.bad-schema",
        severity=Severity.BREAKING,
        message=f"{operation.name}: {error}",
        file=contract["path"],
        remedy="define what the reference names, or mend the reference",
        evidence={"operation": operation.name, "pointer": place},
    )


def _malformed(contract: Contract, content: bytes, error: Malformed) -> Part:
    return broken(
        Finding(
            rule="openapi.invalid",
            severity=Severity.BREAKING,
            message=f"this is no valid OpenAPI document: {error.message}",
            file=contract["path"],
            line=line_of(content, error.place),
            remedy="mend the document; OpenAPI 3.0 and 3.1 are understood",
            evidence={"pointer": error.place},
        )
    )


def _compatible(spec: Mapping[str, Json], side: Side, found: modes.Versions) -> Iterator[Part]:
    contract = spec["contract"]
    mode = contract["compatibility"].removesuffix("-transitive")
    if mode == "none":
        return
    if mode != "backward":
        yield unclear(
            Outcome.ERRORED,
            f"compatibility {mode} is not known for openapi: callers of today are protected "
            "(backward), or nobody (none)",
        )
        return
    if found.trouble:
        yield unclear(Outcome.ERRORED, found.trouble)
        return
    yield kept_history(contract, found)
    for version in found.earlier:
        yield from _compared(spec, side, version, found.candidate or b"")


def _compared(
    spec: Mapping[str, Json], new: Side, version: modes.Version, content: bytes
) -> Iterator[Part]:
    try:
        old = _side(version.content, version.path, version.read)
    except (Unreadable, Malformed) as error:
        reason = f"the version to compare with ({version.label}) cannot be read: {error}"
        yield unclear(Outcome.INCONCLUSIVE, reason)
        return
    contract = spec["contract"]
    changes = [_finding(change) for change in structural(old.api, new.api)]
    undecided: list[Undecided] = []
    for found in bodies(old, new, contract["content_model"]):
        if isinstance(found, Undecided):
            undecided.append(found)
        else:
            changes.append(found)
    yield broken(*(_placed(place, f, spec, version, content) for place, f in changes))
    if undecided:
        yield _undecided(undecided)


def _finding(change: Change) -> tuple[str, Finding]:
    return change.place, Finding(
        rule=change.rule,
        severity=change.severity,
        message=f"{change.operation}: {change.message}",
        remedy=change.remedy,
        evidence={"operation": change.operation},
    )


def _placed(
    place: str, finding: Finding, spec: Mapping[str, Json], version: modes.Version, content: bytes
) -> Finding:
    """The finding with its file, its line and what it was compared with."""
    more = {
        "pointer": place,
        "compared_with": version.label,
        "consumers": list(spec["consumers"]),
    }
    return replace(
        finding,
        file=spec["contract"]["path"],
        line=line_of(content, place),
        evidence={**finding.evidence, **more},
    )


def _undecided(surfaces: list[Undecided]) -> Part:
    first = surfaces[0]
    more = f" (and {len(surfaces) - 1} more)" if len(surfaces) > 1 else ""
    return Part(
        Outcome.INCONCLUSIVE,
        f"{first.surface}: {first.reason}{more}",
        data={"undecided": [{"surface": s.surface, "reason": s.reason} for s in surfaces[:100]]},
    )
