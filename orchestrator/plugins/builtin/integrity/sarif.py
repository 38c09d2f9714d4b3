"""SARIF 2.1.0 of any analyser, to ``findings.*`` and a finding for each result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from orchestrator.plugins.builtin.integrity import places
from orchestrator.plugins.builtin.integrity.documents import UnreadableReport
from orchestrator.plugins.builtin.integrity.reading import Reading
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["sarif"]

_SEVERITY = {
    "error": Severity.BREAKING, "warning": Severity.DANGEROUS, "note": Severity.NOTICE,
}  # fmt: skip
_MESSAGE = 500


def sarif(value: Mapping[str, Json], checkout: str) -> Reading:
    """Read every run. Suppressed, absent and informational results are not counted."""
    runs = value["runs"]
    if not isinstance(runs, list) or not runs:
        raise UnreadableReport("it is SARIF without a run: no tool says that it looked")
    findings = [finding for run in runs for finding in _run(run, checkout)]
    levels = Counter(finding.evidence["level"] for finding in findings)
    return Reading(
        format="sarif",
        counts={
            "findings.total": len(findings),
            **{f"findings.{level}": levels[level] for level in _SEVERITY},
        },
        findings=tuple(findings),
        wrong=levels["error"],
        doubtful=levels["warning"] + levels["note"],
    )


def _run(run: Json, checkout: str) -> Iterator[Finding]:
    run = _mapping(run)
    driver = _mapping(_mapping(run.get("tool")).get("driver"))
    tool = str(driver.get("name", "the tool"))
    for invocation in _list(run.get("invocations")):
        if _mapping(invocation).get("executionSuccessful") is False:
            raise UnreadableReport(f"{tool} reports that it did not run successfully")
    if not isinstance(run.get("results"), list):
        # The format's way of saying that the analysis did not happen.
        raise UnreadableReport(f"{tool} reports no list of results")
    rules = [_mapping(rule) for rule in _list(driver.get("rules"))]
    for result in run["results"]:
        finding = _result(_mapping(result), rules, tool, checkout)
        if finding is not None:
            yield finding


def _result(
    result: Mapping[str, Json], rules: list[Mapping[str, Json]], tool: str, checkout: str
) -> Finding | None:
    rule = _rule(result, rules)
    default = _mapping(rule.get("defaultConfiguration")).get("level", "warning")
    level = str(result.get("level", default))
    if level not in _SEVERITY or not _counts(result):
        return None
    file, line, uri = _location(result, checkout)
    name = str(result.get("ruleId") or rule.get("id") or "result")
    text = str(_mapping(result.get("message")).get("text") or rule.get("name") or name)
    return Finding(
        rule=f"{tool}.{name}",
        severity=_SEVERITY[level],
        message=text.strip()[:_MESSAGE],
        file=file,
        line=line,
        remedy=_remedy(rule, name, tool),
        evidence={"level": level, "tool": tool, **({"uri": uri} if file is None and uri else {})},
    )


def _counts(result: Mapping[str, Json]) -> bool:
    """False for a result that is not a problem, is gone, or was accepted by somebody."""
    if result.get("kind", "fail") != "fail" or result.get("baselineState") == "absent":
        return False
    suppressions = [_mapping(item) for item in _list(result.get("suppressions"))]
    states = {item.get("status", "accepted") for item in suppressions}
    return not suppressions or bool(states & {"rejected", "underReview"})


def _rule(result: Mapping[str, Json], rules: list[Mapping[str, Json]]) -> Mapping[str, Json]:
    index = result.get("ruleIndex", _mapping(result.get("rule")).get("index"))
    if isinstance(index, int) and 0 <= index < len(rules):
        return rules[index]
    name = result.get("ruleId") or _mapping(result.get("rule")).get("id")
    return next((rule for rule in rules if name and rule.get("id") == name), {})


def _location(
    result: Mapping[str, Json], checkout: str
) -> tuple[str | None, int | None, str | None]:
    """File and line if inside the checkout, and the address as it was given."""
    for location in islice(_list(result.get("locations")), 1):
        physical = _mapping(_mapping(location).get("physicalLocation"))
        uri = _mapping(physical.get("artifactLocation")).get("uri")
        line = _mapping(physical.get("region")).get("startLine")
        if isinstance(uri, str) and uri:
            file = places.inside(checkout, uri, exists=False)
            return file, line if isinstance(line, int) and line > 0 else None, uri
    return None, None, None


def _remedy(rule: Mapping[str, Json], name: str, tool: str) -> str:
    help_text = str(_mapping(rule.get("help")).get("text") or "").strip()
    if help_text:
        return help_text.splitlines()[0][:_MESSAGE]
    where = rule.get("helpUri")
    return f"See {where}" if isinstance(where, str) else f"See what {tool} says about {name}."


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
