"""What a run found, as one value: the report that rules, people and CI read.

Pure: built by ``run``, stored by the engine, printed by ``orchestrator.report``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.plugins.spec import FAMILIES, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["CheckReport", "Report", "Verdict", "overall"]


class Verdict:
    """The three answers of a run and the exit status each has."""

    PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
    EXIT = {PASSED: 0, FAILED: 1, UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One check with its result. ``seconds`` is wall time.

    ``flaky``: failed once and passed once on the same tree. ``preexisting``:
    it fails on the base too. ``waived`` are fingerprints of waived findings.
    ``shadow`` says why what it found decides nothing; empty when it decides.
    A replayed verdict names the run it came from in ``cached_from``;
    ``cached_at`` (ms since the epoch) is when it was found then.
    """

    id: str
    family: str
    title: str
    plugin: str
    layer: str | None
    result: CheckResult
    seconds: float = 0.0
    flaky: bool = False
    preexisting: bool = False
    cached_from: str | None = None
    cached_at: int | None = None
    waived: tuple[str, ...] = ()
    shadow: str = ""

    @property
    def decides(self) -> bool:
        """Whether its outcome counts in the verdict."""
        return not self.preexisting and not self.shadow

    @property
    def outcome(self) -> Outcome:
        return self.result.outcome


@dataclass(frozen=True, slots=True)
class Report:
    """One run's report.

    ``commit`` is what was verified (the merge result), ``head`` the producer's
    commit, ``base`` the integration commit it was merged onto. ``conflicts``
    are paths that did not merge; then no check ran. ``plugins`` maps a plugin's
    name to its version. Times: ``started_at`` in ms since the epoch, ``seconds``
    wall time.
    """

    run: str
    project: str
    commit: str
    tree: str
    head: str
    base: str | None
    config_digest: str
    checks: tuple[CheckReport, ...] = ()
    conflicts: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    plugins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    started_at: int = 0
    seconds: float = 0.0
    policy_from: str = "base"

    def findings(self) -> list[tuple[CheckReport, Finding]]:
        """Every finding with its check, worst first."""
        order = list(Severity)
        pairs = [(check, finding) for check in self.checks for finding in check.result.findings]
        return sorted(pairs, key=lambda pair: order.index(pair[1].severity))

    def fingerprint(self) -> str:
        """Identifies *what was found*, not when: binds a human's answer to it."""
        lines = sorted(
            f"{check.id} {check.outcome} {finding.fingerprint(check.id)}"
            for check, finding in self.findings()
        ) + sorted(f"{c.id} {c.outcome}" for c in self.checks if c.outcome != Outcome.PASSED)
        return hashlib.sha256("\n".join([*lines, *self.conflicts]).encode()).hexdigest()[:16]

    def counts(self, family: str | None = None) -> dict[str, int]:
        """How many checks ended in each outcome (every outcome is a key), plus ``total``.

        What fails on the base too, or is set aside, is counted under ``preexisting``
        or ``shadow`` alone.
        """
        chosen = [c for c in self.checks if family is None or c.family == family]
        tally = Counter(str(c.outcome) for c in chosen if c.decides)
        return {**{str(o): tally[o] for o in Outcome}, "total": len(chosen)}

    def facts(self) -> dict[str, Json]:
        """``report`` as the rules see it."""
        severities = Counter(
            str(finding.severity)
            for check, finding in self.findings()
            if finding.fingerprint(check.id) not in check.waived and not check.shadow
        )
        return {
            **self.counts(),
            "failed": self.counts()["failed"] + (1 if self.conflicts else 0),
            "conflicts": len(self.conflicts),
            "flaky": sum(c.flaky and not c.shadow for c in self.checks),
            "preexisting": sum(c.preexisting for c in self.checks),
            "shadow": sum(bool(c.shadow) for c in self.checks),
            "waived": sum(len(c.waived) for c in self.checks),
            **{str(s): severities[s] for s in Severity},
            "replayed": sum(c.cached_from is not None for c in self.checks),
            "oldest_evidence": self._oldest_evidence(),
            "seconds": self.seconds,
            **{key: self.counts(family) for family, key in FAMILIES.items()},
        }

    def _oldest_evidence(self) -> float:
        """The age, in seconds, of the oldest verdict that was replayed; 0 when none was."""
        times = [c.cached_at for c in self.checks if c.cached_at is not None]
        return max(0.0, (self.started_at - min(times)) / 1000) if times else 0.0

    def grouped(self) -> dict[str, Json]:
        """The report as JSON, results under the four keys of the framework's document."""
        value = asdict(self)
        checks = value.pop("checks")
        value["verdict"] = overall(self)
        value["summary"] = self.facts()
        value["results"] = {
            key: {
                "outcome": _family_outcome(self, family),
                "checks": [c for c in checks if c["family"] == family],
            }
            for family, key in FAMILIES.items()
        }
        return value

    def to_json(self) -> dict[str, Any]:
        """Lossless JSON; ``from_json`` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Report:
        checks = tuple(
            CheckReport(
                **{
                    **item,
                    "result": CheckResult.from_json(item["result"]),
                    "waived": tuple(item["waived"]),
                }
            )
            for item in value["checks"]
        )
        tuples = ("conflicts", "changed", "layers", "warnings")
        return cls(**{**value, "checks": checks, **{k: tuple(value[k]) for k in tuples}})


def overall(report: Report) -> str:
    """passed, failed or unknown for the whole run.

    A check that was skipped with a reason does not stand in the way; one that
    errored, was inconclusive or did not run does.
    """
    if report.conflicts:
        return Verdict.FAILED
    outcomes = {c.outcome for c in report.checks if c.decides}
    if Outcome.FAILED in outcomes:
        return Verdict.FAILED
    if outcomes & {Outcome.ERRORED, Outcome.INCONCLUSIVE, Outcome.NOT_RUN}:
        return Verdict.UNKNOWN
    return Verdict.PASSED


def _family_outcome(report: Report, family: str) -> str:
    """The worst outcome of a family; ``skipped`` when it has no check of its own to judge."""
    ranks = [
        Outcome.FAILED,
        Outcome.ERRORED,
        Outcome.INCONCLUSIVE,
        Outcome.NOT_RUN,
        Outcome.PASSED,
        Outcome.SKIPPED,
    ]
    outcomes = {c.outcome for c in report.checks if c.family == family and c.decides}
    return str(next((rank for rank in ranks if rank in outcomes), Outcome.SKIPPED))
