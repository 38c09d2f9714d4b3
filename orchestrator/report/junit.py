"""A run as JUnit XML: a suite a family, a case a check."""

from __future__ import annotations

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from orchestrator.plugins.spec import FAMILIES, Finding, Outcome
from orchestrator.report.page import visible
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["junit"]


def junit(report: Report) -> str:
    """JUnit XML. What failed is a failure; what could not be told is an error."""
    document = JUnitXml(report.project)
    for family in FAMILIES:
        checks = [check for check in report.checks if check.family == family]
        if checks:
            document.add_testsuite(_suite(family, checks))
    if report.conflicts:
        document.add_testsuite(_conflicts(report))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]  # junitparser
    return text.decode()


def _suite(family: str, checks: list[CheckReport]) -> TestSuite:
    suite = TestSuite(family)
    for check in checks:
        case = TestCase(_xml(check.id), f"{family}.{_xml(check.layer or 'project')}", check.seconds)
        result = _result(check)
        if result is not None:
            case.result = [result]
        case.system_out = _xml(check.result.output[-10_000:])
        suite.add_testcase(case)
    return suite


def _result(check: CheckReport) -> Error | Failure | Skipped | None:
    outcome, reason = check.outcome, _xml(check.result.reason)
    if outcome is Outcome.PASSED:
        return None
    if outcome is Outcome.SKIPPED or check.preexisting:
        return Skipped(reason or "fails on the base too")
    body = "\n\n".join(_told(finding) for finding in check.result.findings)
    kind = Failure if outcome is Outcome.FAILED else Error
    result = kind(reason or str(outcome), str(outcome))
    result.text = _xml(body)
    return result


def _told(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line or 1}: " if finding.file else ""
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    return f"{place}{finding.rule}: {finding.message}{remedy}"


def _conflicts(report: Report) -> TestSuite:
    suite = TestSuite("merge")
    for path in report.conflicts:
        case = TestCase(_xml(path), "merge.conflict", 0)
        case.result = [Failure("changed on both sides", "conflict")]
        suite.add_testcase(case)
    return suite


def _xml(text: str) -> str:
    """Text that XML 1.0 can hold: control characters and lone surrogates written out."""
    return visible(text).encode("utf-8", "backslashreplace").decode()
