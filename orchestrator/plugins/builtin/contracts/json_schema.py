"""Contracts of kind ``json-schema``: valid, its samples valid, compatible with what was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.plugins.builtin.contracts import modes, samples, schemas, wording
from orchestrator.plugins.builtin.contracts.compare import Comparison, compare
from orchestrator.plugins.builtin.contracts.documents import Unreadable, line_of, loads
from orchestrator.plugins.builtin.contracts.normal import (
    Source,
    Unmodelled,
    dialect_of,
    is_self_contained,
    normalise,
)
from orchestrator.plugins.builtin.contracts.pair import Pair
from orchestrator.plugins.builtin.contracts.schemas import Answer
from orchestrator.plugins.builtin.contracts.verdict import Part, broken, combined, unclear
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["absent", "execute", "kept_history", "unreadable"]

Contract = Mapping[str, Json]


def execute(spec: Mapping[str, Json], context: CheckContext) -> CheckResult:
    """The whole check of one contract; never raises for what its files contain."""
    contract: Contract = spec["contract"]
    found = modes.versions(contract, context)
    if found.candidate is None:
        return combined([absent(contract, found)])
    try:
        document = loads(found.candidate, contract["path"])
    except Unreadable as error:
        return combined([unreadable(contract, error)])
    candidate = Source(document, contract["path"], found.here, dialect_of(document))
    wrong = schemas.invalid(document, candidate.dialect)
    if wrong or not isinstance(document, (dict, bool)):
        return combined([_invalid(contract, found.candidate, wrong)])
    payloads, bad = samples.find(context.checkout, contract.get("samples"))
    parts = [_samples(candidate, payloads, bad, contract.get("samples"))]
    parts += _compatible(spec, candidate, found, [sample.payload for sample in payloads])
    return combined([_about(contract), *parts])


def _about(contract: Contract) -> Part:
    """What the report says about how this was judged."""
    named = ("compatibility", "direction", "content_model")
    return Part(data={name: contract[name] for name in named})


def absent(contract: Contract, found: modes.Versions) -> Part:
    """The file of a contract is not there."""
    gone = "was deleted" if found.at_base else "is absent"
    return broken(
        Finding(
            rule="contract.absent",
            severity=Severity.BREAKING,
            message=f"the file of contract {contract['name']} {gone}",
            file=contract["path"],
            remedy="restore the file, or take the contract out of the configuration",
        )
    )


def unreadable(contract: Contract, error: Unreadable) -> Part:
    """The file of a contract is not JSON or YAML."""
    return broken(
        Finding(
            rule="contract.unreadable",
            severity=Severity.BREAKING,
            message=f"the contract cannot be read: {error.message}",
            file=contract["path"],
            line=error.line,
            remedy="write valid JSON, or YAML in a file that ends in .yaml",
        )
    )


def _invalid(contract: Contract, content: bytes, wrong: list[schemas.Violation]) -> Part:
    wrong = wrong or [schemas.Violation("$", "a schema is an object, true or false")]
    return broken(
        *(
            Finding(
                rule="schema.invalid",
                severity=Severity.BREAKING,
                message=f"the schema is not valid at {violation.path}: {violation.message}",
                file=contract["path"],
                line=line_of(content, violation.pointer),
                remedy="mend the schema; the draft is the one $schema names, else 2020-12",
            )
            for violation in wrong
        )
    )


def _samples(
    candidate: Source, payloads: list[samples.Sample], bad: list[Finding], pattern: str | None
) -> Part:
    if pattern is None:
        return Part()
    try:
        schema, dialect = normalise(candidate), 20
    except Unmodelled:
        schema, dialect = candidate.document, candidate.dialect
    return samples.check(schema, payloads, bad, pattern, dialect=dialect)


def _compatible(
    spec: Mapping[str, Json], candidate: Source, found: modes.Versions, seeds: list[Json]
) -> Iterator[Part]:
    """One part for every earlier version and demand."""
    contract = spec["contract"]
    demanded = modes.demands(contract["compatibility"], contract["direction"])
    if not demanded:
        return
    if found.trouble:
        yield unclear(Outcome.ERRORED, found.trouble)
        return
    yield kept_history(contract, found)
    for version in found.earlier:
        for demand in demanded:
            part = _compared(spec, candidate, version, demand, seeds)
            yield part
            if part.outcome is Outcome.ERRORED:
                return


def kept_history(contract: Contract, found: modes.Versions) -> Part:
    """Which versions are compared with, and a notice where there is nothing."""
    data = {"compared_with": [version.label for version in found.earlier]}
    if found.earlier or not found.known_base:
        return Part(data=data)
    new = Finding(
        rule="contract.new",
        severity=Severity.NOTICE,
        message=f"contract {contract['name']} is new; there is no version to compare it with",
        file=contract["path"],
    )
    return Part(findings=(new,), data=data)


def _compared(
    spec: Mapping[str, Json],
    candidate: Source,
    version: modes.Version,
    demand: str,
    seeds: list[Json],
) -> Part:
    contract = spec["contract"]
    try:
        document = loads(version.content, version.path)
    except Unreadable as error:
        reason = f"the version to compare with ({version.label}) cannot be read: {error}"
        return unclear(Outcome.INCONCLUSIVE, reason)
    earlier = Source(document, version.path, version.read, dialect_of(document))
    if document == candidate.document and is_self_contained(document):
        return Part()
    try:
        old, new = normalise(earlier), normalise(candidate)
        writer, reader = (old, new) if demand == modes.MUST_NOT_SHRINK else (new, old)
        pair = Pair(writer, reader, content_model=contract["content_model"], seeds=seeds)
    except ValueError as error:
        reason = f"compared with {version.label}: {error}"
        return unclear(Outcome.INCONCLUSIVE, reason)
    return _judged(spec, version, demand, compare(pair))


def _judged(
    spec: Mapping[str, Json],
    version: modes.Version,
    demand: str,
    comparison: Comparison,
) -> Part:
    if comparison.answer is Answer.YES:
        return Part()
    if comparison.answer is Answer.UNKNOWN:
        reason = f"compared with {version.label}, {demand}: {comparison.reason}"
        return unclear(Outcome.INCONCLUSIVE, reason)
    contract = spec["contract"]
    situation = wording.LOST if demand == modes.MUST_NOT_SHRINK else wording.GAINED
    evidence: dict[str, Json] = {
        "compared_with": version.label,
        "content_model": contract["content_model"],
        "consumers": list(spec["consumers"]),
        "producers": list(spec["producers"]),
    }
    prefix = "" if version.label == "base" else f"compared with {version.label}: "
    found = wording.findings(comparison, situation, prefix=prefix, evidence=evidence)
    return broken(*(replace(finding, file=contract["path"]) for finding in found))
