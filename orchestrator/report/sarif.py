"""A run as SARIF 2.1.0: a result a finding; a check that did not pass is one at least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from orchestrator import __version__
from orchestrator.plugins.spec import Finding, Outcome, Severity
from orchestrator.report.text import json_text, visible
from orchestrator.verification.outcome import CheckReport, Report, overall

__all__ = ["sarif"]

_LEVEL = {Severity.BREAKING: "error", Severity.DANGEROUS: "warning", Severity.NOTICE: "note"}
#: Outcomes that must show even without a finding.
_UNSAID = {
    Outcome.FAILED: "error",
    Outcome.ERRORED: "error",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.NOT_RUN: "warning",
}
#: Where what has no place of its own is shown: code scanning refuses a file of results when
#: one of them has none, and this is where its check is written.
_CONFIG = "config/orchestrate.yaml"
#: Outcomes after which the tool cannot claim to have looked at everything.
_GAPS = (Outcome.ERRORED, Outcome.NOT_RUN)


def sarif(report: Report) -> str:
    """SARIF as text. Every result has a location, repository-relative."""
    results = list(_results(report))
    rules = sorted({result["ruleId"] for result in results})
    driver = {"name": "orchestrate", "version": __version__, "rules": [{"id": r} for r in rules]}
    complete = not any(check.outcome in _GAPS for check in report.checks)
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"orchestrate/{quote(report.run)}"},
        "invocations": [{"executionSuccessful": complete}],
        "results": results,
        "properties": {
            "verdict": overall(report),
            "commit": report.commit,
            "tree": report.tree,
            "base": report.base,
            "replayed": {c.id: c.cached_from for c in report.checks if c.cached_from},
        },
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json_text({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _results(report: Report) -> Iterator[dict[str, Any]]:
    for check, finding in report.findings():
        yield _of_finding(check, finding)
    for check in report.checks:
        if check.outcome in _UNSAID and not check.result.findings:
            yield _of_check(check)
    for path in report.conflicts:
        yield _result("merge.conflict", "error", "changed on both sides", path)


def _of_check(check: CheckReport) -> dict[str, Any]:
    said = f"{check.id} {str(check.outcome).replace('_', ' ')}: {check.result.reason}"
    level = "note" if not check.decides else _UNSAID[check.outcome]
    return _result(f"check.{check.outcome}", level, said) | _about(check)


def _of_finding(check: CheckReport, finding: Finding) -> dict[str, Any]:
    said = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    level = "note" if not check.decides else _LEVEL[finding.severity]
    fingerprint = finding.fingerprint(check.id)
    result = _result(finding.rule, level, said, finding.file, finding.line) | _about(check)
    result["partialFingerprints"] = {"orchestrate/v1": fingerprint}
    if fingerprint in check.waived:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _about(check: CheckReport) -> dict[str, Any]:
    properties = {"check": check.id, "layer": check.layer, "preexisting": check.preexisting}
    return {"properties": properties}


def _result(
    rule: str, level: str, said: str, file: str | None = None, line: int | None = None
) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(file or _CONFIG, errors="replace")}}
    if line or not file:
        place["region"] = {"startLine": line or 1}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": visible(said)},
        "locations": [{"physicalLocation": place}],
    }
