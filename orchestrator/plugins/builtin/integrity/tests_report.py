"""Test reports: JUnit XML and CTRF, to ``tests.*`` and a finding for each failed test."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.integrity import places
from orchestrator.plugins.builtin.integrity.documents import UnreadableReport, number
from orchestrator.plugins.builtin.integrity.reading import Reading
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["Case", "ctrf", "junit"]

_STATES = ("passed", "failed", "errored", "skipped")
#: Characters kept of a message's first line, and of a trace's end.
_MESSAGE, _TRACE = 300, 3000
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True, slots=True)
class Case:
    """One test: ``state`` is passed, failed, errored or skipped, ``seconds`` its time."""

    name: str
    suite: str = ""
    state: str = "passed"
    seconds: float = 0.0
    message: str = ""
    trace: str = ""
    file: str | None = None
    line: int | None = None
    flaky: bool = False
    runner: str = ""

    @property
    def title(self) -> str:
        return f"{self.suite}::{self.name}" if self.suite else self.name


def junit(root: ET.Element, checkout: str, command: str) -> Reading:
    """Read JUnit XML of any flavour, reruns and flaky tests included."""
    from junitparser import JUnitXmlError
    from junitparser.xunit2 import JUnitXml

    try:
        document = JUnitXml.fromroot(root)  # type: ignore[arg-type]  # it takes the plain element
        cases = [_junit_case(case, suite.name) for suite in document for case in suite]
    except RecursionError:
        raise UnreadableReport("its suites are nested too deeply") from None
    except (JUnitXmlError, ValueError, TypeError) as error:
        raise UnreadableReport(f"it is not JUnit XML: {error}") from None
    return _reading("junit", cases, checkout, command)


def _junit_case(case: Json, suite: str | None) -> Case:
    """``case`` is junitparser's (untyped) test case."""
    attributes = case._elem.attrib
    state = next(
        (name for name, holds in (
            ("errored", case.is_error), ("failed", case.is_failure), ("skipped", case.is_skipped),
        ) if holds), "passed",
    )  # fmt: skip
    results = [r for r in case.result if type(r).__name__ != "Skipped"]
    line = attributes.get("line", "")
    return Case(
        name=case.name or "(no name)",
        suite=case.classname or "",
        state=state,
        seconds=number(attributes.get("time") or 0, "a test's time"),
        message=next((str(r.message) for r in results if r.message), ""),
        trace="\n".join(r.text for r in results if r.text),
        file=attributes.get("file"),
        # pytest counts lines from 0 in this attribute, everybody else from 1.
        line=int(line) + (suite == "pytest") if line.isdecimal() else None,
        flaky=state == "passed" and (case.is_flaky or case.is_rerun),
        runner="pytest" if suite == "pytest" else "",
    )


def ctrf(value: Mapping[str, Json], checkout: str, command: str) -> Reading:
    """Read a Common Test Report (durations in ms)."""
    results = value["results"]
    tests, summary = results.get("tests"), results.get("summary")
    if not isinstance(tests, list) or not isinstance(summary, Mapping):
        raise UnreadableReport("it is CTRF without its tests or its summary")
    tool = results.get("tool")
    runner = str(tool.get("name", "")) if isinstance(tool, Mapping) else ""
    cases = [_ctrf_case(test, runner) for test in tests]
    for key, found in (("tests", len(cases)), ("failed", sum(c.state == "failed" for c in cases))):
        if number(summary.get(key, found), f"summary.{key}") != found:
            raise UnreadableReport(
                f"its summary says {key}: {summary[key]}, its list of tests {found}"
            )
    return _reading("ctrf", cases, checkout, command)


def _ctrf_case(test: Json, runner: str) -> Case:
    if not isinstance(test, Mapping) or not isinstance(test.get("name"), str):
        raise UnreadableReport("it lists a test without a name")
    states = {"passed": "passed", "failed": "failed", "skipped": "skipped", "pending": "skipped"}
    suite, line = test.get("suite") or "", test.get("line")
    return Case(
        name=test["name"],
        suite=" > ".join(map(str, suite)) if isinstance(suite, list) else str(suite),
        # "other" is a test whose own tool could not tell.
        state=states.get(str(test.get("status")), "errored"),
        seconds=number(test.get("duration", 0), "a test's duration") / 1000,
        message=str(test.get("message") or ""),
        trace=str(test.get("trace") or ""),
        file=str(test["filePath"]) if test.get("filePath") else None,
        line=line if isinstance(line, int) and line > 0 else None,
        flaky=test.get("flaky") is True,
        runner=runner,
    )


def _reading(kind: str, cases: list[Case], checkout: str, command: str) -> Reading:
    states = Counter(case.state for case in cases)
    wrong = [case for case in cases if case.state in ("failed", "errored")]
    flaky = [case for case in cases if case.flaky]
    empty = None
    if not cases:
        empty = "no test ran"
    elif states["skipped"] == len(cases):
        empty = f"no test ran: all {len(cases)} were skipped"
    return Reading(
        format=kind,
        counts={
            "tests.total": len(cases),
            **{f"tests.{state}": states[state] for state in _STATES},
            "tests.flaky": len(flaky),
            "tests.seconds": sum(case.seconds for case in cases),
        },
        findings=(*(_failure(c, checkout, command) for c in wrong), *_flaky(flaky, checkout)),
        wrong=len(wrong),
        empty=empty,
    )


def _failure(case: Case, checkout: str, command: str) -> Finding:
    file, line = _place(case, checkout)
    said = _said(case) or next(iter(case.trace.strip().splitlines()[-1:]), "") or case.state
    first = _steady(checkout, said.strip().splitlines()[0] if said.strip() else case.state)
    return Finding(
        rule=f"tests.{case.state}",
        severity=Severity.BREAKING,
        message=f"{case.title}: {first[:_MESSAGE]}",
        file=file,
        line=line,
        remedy=f"Make it pass. To run it again: {_again(case, checkout, command)}",
        evidence={
            "test": case.title,
            "seconds": round(case.seconds, 6),
            "trace": places.relative_text(checkout, case.trace)[-_TRACE:],
        },
    )


def _flaky(cases: Iterable[Case], checkout: str) -> list[Finding]:
    return [
        Finding(
            rule="tests.flaky",
            severity=Severity.NOTICE,
            message=f"{case.title} failed and then passed in the same run",
            file=_place(case, checkout)[0],
            remedy="Find what it depends on besides the code; until then it proves little.",
            evidence={"test": case.title},
        )
        for case in cases
    ]


def _place(case: Case, checkout: str) -> places.Place:
    module = places.module_file(checkout, case.suite or case.name)
    own = places.inside(checkout, case.file) if case.file else module and module[0]
    file, line = places.from_trace(checkout, case.trace, own or None)
    if own and file != own:
        return own, case.line
    return (file or own or None), (line or case.line)


def _said(case: Case) -> str:
    """The message; where pytest says no more than that it could not collect, the error too."""
    errors = [line[1:].strip() for line in case.trace.splitlines() if line.startswith("E  ")]
    if case.message == "collection failure" and errors:
        return f"{case.message}: {errors[0]}"
    return case.message


def _steady(checkout: str, text: str) -> str:
    """The same text for the same failure: no checkout, no addresses (it is fingerprinted)."""
    return _ADDRESS.sub("0x…", places.relative_text(checkout, text))


def _again(case: Case, checkout: str, command: str) -> str:
    """A command for this test alone if its runner is known, else the check's own."""
    module = places.module_file(checkout, case.suite or case.name)
    if module and not case.suite and "pytest" in command:
        return "pytest " + shlex.quote(module[0])
    if module and (case.runner == "pytest" or "pytest" in command):
        return "pytest " + shlex.quote("::".join([module[0], *module[1], case.name]))
    if module and "unittest" in command:
        return "python -m unittest " + shlex.quote(f"{case.suite}.{case.name}")
    return places.by_hand(command)
