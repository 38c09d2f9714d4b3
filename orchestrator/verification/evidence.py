"""What a verdict is bound to, as a statement other tools can read.

An in-toto Statement (v1) with a SLSA verification summary (v1); what SLSA has
no field for stands under ``orchestrate``, which its readers ignore. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator import __version__
from orchestrator.plugins.spec import Json, dumps
from orchestrator.verification.outcome import Report, Verdict, overall

__all__ = ["PREDICATE", "STATEMENT", "bind", "report_digest", "still_valid"]

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/verification_summary/v1"

#: The one level this summary speaks of; SLSA's own are about builds.
_LEVEL = "ORCHESTRATE_VERIFIED"


def bind(report: Report) -> dict[str, Json]:
    """The statement for a report: the same report gives the same statement.

    ``subject`` is the commit and its tree. ``verificationResult`` is PASSED or
    FAILED; a run that could not tell has FAILED here, and ``unknown`` as
    ``orchestrate.verdict``.
    """
    verdict = overall(report)
    passed = verdict == Verdict.PASSED
    ended = datetime.fromtimestamp(report.started_at / 1000 + report.seconds, UTC)
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": f"{report.project} commit", "digest": {"gitCommit": report.commit}},
            {"name": f"{report.project} tree", "digest": {"gitTree": report.tree}},
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {
                "id": "pkg:pypi/handoff-orchestrator",
                "version": {"handoff-orchestrator": __version__, **report.plugins},
            },
            "timeVerified": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "resourceUri": f"git:{report.project}@{report.commit}",
            "policy": {
                "uri": f"orchestrate:configuration@{report.base or report.commit}",
                "digest": {"sha256": report.config_digest},
            },
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [_LEVEL] if passed else [],
            "slsaVersion": "1.0",
            "orchestrate": _ours(report, verdict),
        },
    }


def report_digest(report: Report) -> str:
    """sha256 (hex) of everything a run found, whatever the order its checks ended in."""
    value = report.to_json()
    value["checks"] = sorted(value["checks"], key=lambda check: str(check["id"]))
    return hashlib.sha256(dumps(value).encode(errors="surrogateescape")).hexdigest()


def still_valid(
    evidence: Mapping[str, Json],
    *,
    commit: str,
    base: str | None,
    config_digest: str,
    plugins: Mapping[str, str],
) -> list[str]:
    """Why the evidence does not hold for what is there now; empty when it does."""
    predicate = evidence["predicate"]
    ours = predicate["orchestrate"]
    judged: str = evidence["subject"][0]["digest"]["gitCommit"]
    reasons = []
    if judged != commit:
        reasons.append(f"the commit is {commit[:12]}, {judged[:12]} was verified")
    if ours["base"] != base:
        reasons.append(f"the base moved from {_short(ours['base'])} to {_short(base)}")
    if predicate["policy"]["digest"]["sha256"] != config_digest:
        reasons.append("the configuration in force has changed")
    return reasons + _moved_plugins(ours["plugins"], plugins)


def _ours(report: Report, verdict: str) -> dict[str, Json]:
    """What SLSA has no field for."""
    return {
        "run": report.run,
        "verdict": verdict,
        "base": report.base,
        "head": report.head,
        "policyFrom": report.policy_from,
        "plugins": dict(report.plugins),
        "layers": list(report.layers),
        "conflicts": list(report.conflicts),
        "checks": [
            {
                "id": check.id,
                "outcome": str(check.outcome),
                "flaky": check.flaky,
                "preexisting": check.preexisting,
                "waived": list(check.waived),
                "shadow": check.shadow,
                "replayedFrom": check.cached_from,
            }
            for check in report.checks
        ],
        "fingerprint": report.fingerprint(),
        "reportDigest": {"sha256": report_digest(report)},
    }


def _moved_plugins(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f'the plugin "{name}" was {then.get(name, "not there")}, is {now.get(name, "not there")}'
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "none"
