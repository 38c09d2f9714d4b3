"""Puts the parts of one contract's check together into its result.

Each part ends like a check; the worst decides, the findings and the data of
all are kept. Also: how values are shown, and how large evidence may be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.plugins.builtin.contracts.kinds import Undecided
from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome, Severity

__all__ = ["Part", "broken", "combined", "evidence_of", "shown", "unclear", "undecided"]

_WORST = (Outcome.FAILED, Outcome.ERRORED, Outcome.INCONCLUSIVE, Outcome.PASSED)
#: The largest schema or value evidence carries, in characters of JSON.
_MAX_EVIDENCE = 4000
_MAX_LISTED, _MAX_REASONS = 100, 5
#: Data that every part adds to.
_ADDED_UP = ("undecided", "not_examined")


@dataclass(frozen=True, slots=True)
class Part:
    """How one part of a check ended; ``reason`` is required unless it passed."""

    outcome: Outcome = Outcome.PASSED
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    data: Mapping[str, Json] = field(default_factory=dict)


def broken(*findings: Finding) -> Part:
    """Failed if a finding is breaking, else passed; the first breaking one is the reason."""
    worst = [finding for finding in findings if finding.severity is Severity.BREAKING]
    if not worst:
        return Part(findings=findings)
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    return Part(Outcome.FAILED, f"{worst[0].message}{more}", findings)


def unclear(outcome: Outcome, reason: str) -> Part:
    """Errored or inconclusive, and why."""
    return Part(outcome, reason)


def undecided(surfaces: Sequence[Undecided], version: str) -> Part:
    """Inconclusive: what could not be decided against a version, the first as the reason."""
    first = surfaces[0]
    more = f" (and {len(surfaces) - 1} more)" if len(surfaces) > 1 else ""
    named = f"{first.surface}: " if first.surface else ""
    listed = [{"surface": s.surface, "reason": s.reason, "compared_with": version}
              for s in surfaces[:_MAX_LISTED]]  # fmt: skip
    return Part(
        Outcome.INCONCLUSIVE,
        f"compared with {version}: {named}{first.reason}{more}",
        data={"undecided": listed},
    )


def combined(parts: Iterable[Part]) -> CheckResult:
    """One result of all parts: the worst outcome, with the reasons of the parts that have it."""
    every = list(parts)
    outcome = next((o for o in _WORST if any(p.outcome is o for p in every)), Outcome.PASSED)
    reasons = [part.reason for part in every if part.outcome is outcome and part.reason]
    data: dict[str, Json] = {}
    for part in every:
        data |= {name: value for name, value in part.data.items() if name not in _ADDED_UP}
    unseen = [name for part in every for name in part.data.get("not_examined", ())]
    if any("not_examined" in part.data for part in every):
        data["not_examined"] = list(dict.fromkeys(unseen))
    open_ = [surface for part in every for surface in part.data.get("undecided", ())]
    if open_:
        data["undecided"] = open_[:_MAX_LISTED]
    return CheckResult(
        outcome,
        "; ".join(list(dict.fromkeys(reasons))[:_MAX_REASONS]),
        tuple(finding for part in every for finding in part.findings),
        data=data,
    )


def shown(value: Json, limit: int = 120) -> str:
    """A value as short JSON, for messages."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}…"


def evidence_of(value: Json) -> Json:
    """A value if it is small enough to be evidence, else the beginning of it as text."""
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MAX_EVIDENCE else f"{text[:_MAX_EVIDENCE]}…"
