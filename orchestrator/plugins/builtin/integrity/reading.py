"""What one report says, in the words all reports share.

Counts are *additive*, so that several reports of one layer become one by
adding; shares such as ``coverage.line`` are made from them at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.plugins.spec import Finding, Severity

__all__ = ["FINDING_LIMIT", "NAMESPACES", "Reading", "metrics", "total", "worst_first"]

#: Findings kept of one check; the rest is counted.
FINDING_LIMIT = 200

#: Format → the first part of the metrics it yields.
NAMESPACES = {"junit": "tests", "ctrf": "tests", "coverage": "coverage", "sarif": "findings"}

#: Counts that exist only to make a share of.
_PARTS = {
    "coverage.line": ("coverage.lines.covered", "coverage.lines.valid"),
    "coverage.branch": ("coverage.branches.covered", "coverage.branches.valid"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One report, read.

    ``format`` is junit, coverage, sarif or ctrf. ``wrong`` counts what the
    report itself calls wrong, whatever the command's exit status says;
    ``doubtful`` what is worth an exit status but not a failure (warnings).
    ``empty`` says why the report proves nothing, if so.
    """

    format: str
    counts: Mapping[str, float]
    findings: tuple[Finding, ...] = ()
    wrong: int = 0
    doubtful: int = 0
    empty: str | None = None


def total(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The counts of several reports as those of one."""
    added: Counter[str] = Counter()
    for each in counts:
        added.update(each)
    return dict(added)


def metrics(counts: Mapping[str, float]) -> dict[str, float]:
    """The metrics by dotted name; a share exists only if something was measured."""
    parts = {name for pair in _PARTS.values() for name in pair}
    result = {name: value for name, value in counts.items() if name not in parts}
    for share, (covered, valid) in _PARTS.items():
        if counts.get(valid):
            result[share] = counts.get(covered, 0.0) / counts[valid]
    return result


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst severity first, else as they came."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
