"""A run as SARIF 2.1.0: a result a finding; checks without a place still are results."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from orchestrator import __version__
from orchestrator.plugins.spec import Finding, Outcome, Severity
from orchestrator.verification.outcome import CheckReport, Report, Verdict, overall

__all__ = ["sarif"]

_LEVEL = {Severity.BREAKING: "error", Severity.DANGEROUS: "warning", Severity.NOTICE: "note"}
_UNSAID = {Outcome.FAILED: "error", Outcome.ERRORED: "error", Outcome.INCONCLUSIVE: "warning",
           Outcome.NOT_RUN: "warning"}  # fmt: skip


def sarif(report: Report) -> str:
    """SARIF as text. Findings with a file have a location, repository-relative."""
    results = [_of_finding(check, finding) for check, finding in report.findings()]
    results += [_of_check(check) for check in report.checks if _needs_saying(check)]
    results += [_result("merge.conflict", "error", "changed on both sides", path, None)
                for path in report.conflicts]  # fmt: skip
    rules = sorted({result["ruleId"] for result in results})
    driver = {
        "name": "orchestrate",
        "version": __version__,
        "rules": [{"id": rule} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "results": results,
        "invocations": [{"executionSuccessful": overall(report) != Verdict.UNKNOWN}],
        "versionControlProvenance": [{"repositoryUri": "file:///", "revisionId": report.commit}],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _needs_saying(check: CheckReport) -> bool:
    """A check that did not pass and has no finding of its own would else be invisible."""
    return check.outcome in _UNSAID and not check.result.findings and not check.preexisting


def _of_check(check: CheckReport) -> dict[str, Any]:
    text = f"{check.id} {check.outcome}: {check.result.reason}"
    return _result(f"check.{check.outcome}", _UNSAID[check.outcome], text, None, None)


def _of_finding(check: CheckReport, finding: Finding) -> dict[str, Any]:
    text = f"{finding.message} {finding.remedy}" if finding.remedy else finding.message
    result = _result(finding.rule, _LEVEL[finding.severity], text, finding.file, finding.line)
    result["partialFingerprints"] = {"orchestrate/v1": finding.fingerprint(check.id)}
    result["properties"] = {"check": check.id, "layer": check.layer}
    return result


def _result(rule: str, level: str, text: str, file: str | None, line: int | None) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": rule, "level": level, "message": {"text": text}}
    if file:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
        if line:
            place["region"] = {"startLine": line}
        result["locations"] = [{"physicalLocation": place}]
    return result
