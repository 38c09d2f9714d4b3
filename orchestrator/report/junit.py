"""A run as JUnit XML: a suite a family, a case a check.

What failed is a failure; what could not be told is an error; what fails on the
base too is skipped, because it is not this work's doing.
"""

from __future__ import annotations

from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from orchestrator.plugins.spec import FAMILIES, Finding, Outcome
from orchestrator.report.text import cut, visible
from orchestrator.report.words import elsewhere, place, word
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["junit"]

#: Characters of a check's output.
_OUTPUT = 10_000


def junit(report: Report) -> str:
    """JUnit XML, indented; ends with a newline."""
    document = JUnitXml(visible(report.project))
    for family in FAMILIES:
        checks = [check for check in report.checks if check.family == family]
        if checks:
            document.add_testsuite(_suite(family, checks, report))
    if report.conflicts:
        document.add_testsuite(_conflicts(report))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]  # junitparser
    root = ElementTree.fromstring(text)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode") + "\n"


def _suite(family: str, checks: list[CheckReport], report: Report) -> TestSuite:
    suite = TestSuite(family)
    for name in ("run", "commit", "base", "config_digest"):
        suite.add_property(name, str(getattr(report, name) or ""))
    for check in checks:
        suite.add_testcase(_case(family, check))
        if check.cached_from:
            suite.add_property(f"replayed {visible(check.id)}", visible(check.cached_from))
    return suite


def _case(family: str, check: CheckReport) -> TestCase:
    group = f"{family}.{visible(check.layer or 'project')}"
    case = TestCase(visible(check.id), group, check.seconds)
    result = _result(check)
    if result is not None:
        case.result = [result]
    if check.result.output.strip():
        more = f"\n{elsewhere(check).strip()}" if elsewhere(check) else ""
        case.system_out = visible(cut(check.result.output, _OUTPUT) + more)
    return case


def _result(check: CheckReport) -> Error | Failure | Skipped | None:
    reason = visible(check.result.reason)
    if check.outcome is Outcome.PASSED:
        return None
    if check.preexisting:
        return Skipped(f"failing on the base too: {reason}")
    if check.shadow:
        return Skipped(f"{visible(check.shadow)}: {check.outcome}: {reason}")
    if check.outcome is Outcome.SKIPPED:
        return Skipped(reason)
    kind = Failure if check.outcome is Outcome.FAILED else Error
    result = kind(reason or word(check), str(check.outcome))
    result.text = visible("\n\n".join(map(_told, check.result.findings)))
    return result


def _told(finding: Finding) -> str:
    where = f"{place(finding)}: " if finding.file else ""
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    return f"{where}{finding.rule}: {finding.message}{remedy}"


def _conflicts(report: Report) -> TestSuite:
    suite = TestSuite("merge")
    for path in report.conflicts:
        case = TestCase(visible(path), "merge.conflict", 0)
        case.result = [Failure("changed on both sides", "conflict")]
        suite.add_testcase(case)
    return suite
