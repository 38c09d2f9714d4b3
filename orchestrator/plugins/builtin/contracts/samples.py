"""The sample payloads of a contract: every one must be valid under its schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.plugins.builtin.contracts.documents import Unreadable, loads
from orchestrator.plugins.builtin.contracts.kinds import Kind
from orchestrator.plugins.builtin.contracts.verdict import Part, broken, unclear
from orchestrator.plugins.spec import Finding, Json, Outcome, Severity

__all__ = ["Sample", "check", "find"]

_MOST = 2000


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample file and its payload."""

    path: str
    payload: Json


def find(checkout: str, pattern: str | None) -> tuple[list[Sample], list[Finding]]:
    """The samples a glob matches, sorted, and a finding for each that cannot be read."""
    samples: list[Sample] = []
    findings: list[Finding] = []
    for path in _matched(checkout, pattern):
        name = path.relative_to(checkout).as_posix()
        try:
            samples.append(Sample(name, loads(path.read_bytes(), name)))
        except (Unreadable, OSError) as error:
            findings.append(_unreadable(name, error))
    return samples, findings


def check(
    kind: Kind, loaded: Any, samples: list[Sample], unreadable: list[Finding], pattern: str
) -> Part:
    """Validate the samples; a glob that matches nothing is errored: nothing was tested.

    ``loaded`` is what the kind made of the candidate (``Any``: its own affair).
    """
    if not samples and not unreadable:
        return unclear(Outcome.ERRORED, f"no sample matches {pattern}")
    found = []
    for sample in samples:
        try:
            wrong = kind.violations(loaded, sample.payload)
        except ValueError as error:
            return unclear(Outcome.ERRORED, f"samples cannot be validated: {error}")
        if wrong is None:
            return unclear(Outcome.ERRORED, "contracts of this kind have no samples: a payload "
                           "cannot be validated by it")  # fmt: skip
        found += [_violation(sample, path, message) for path, message in wrong]
    part = broken(*unreadable, *found)
    return Part(part.outcome, part.reason, part.findings, {"samples": len(samples)})


def _matched(checkout: str, pattern: str | None) -> Iterator[Path]:
    root = Path(checkout)
    if pattern is None or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        return iter(())
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    inside = (path for path in found if path.resolve().is_relative_to(root.resolve()))
    return iter(list(inside)[:_MOST])


def _violation(sample: Sample, path: str, message: str) -> Finding:
    return Finding(
        rule="sample.invalid",
        severity=Severity.BREAKING,
        message=f"{path}: {message}",
        file=sample.path,
        remedy="mend the sample, or let the contract accept what is really sent",
        evidence={"path": path},
    )


def _unreadable(name: str, error: Exception) -> Finding:
    return Finding(
        rule="sample.unreadable",
        severity=Severity.BREAKING,
        message=f"the sample cannot be read: {error}",
        file=name,
        line=getattr(error, "line", None),
        remedy="write valid JSON, or take the file out of the samples",
    )
