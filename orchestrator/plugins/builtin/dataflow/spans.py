"""Judges the spans a flow left behind: missing, too many, failed, slow, below the wrong parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.plugins.builtin.dataflow.otlp import Span, spans_in
from orchestrator.plugins.builtin.dataflow.stage import Stage
from orchestrator.plugins.spec import Finding, Json, Severity

__all__ = ["Traces", "judge"]

Expected = Mapping[str, Json]

_LISTED = 20


class Traces:
    """The file a flow's spans go to. Made before it begins: what is there already is not its."""

    def __init__(self, wanted: Mapping[str, Json], stage: Stage) -> None:
        named = wanted["file"]
        self._wanted = wanted
        self._path = Path(stage.context.checkout) / named if named else stage.spans
        self._shown = named or "{spans}"
        self._skip = self._path.stat().st_size if self._path.is_file() else 0

    def judged(self) -> list[Finding]:
        """What is wrong with the spans since then. Raises ``SpansUnreadable``."""
        found = spans_in(self._path, self._shown, self._skip)
        return judge(self._wanted, found)


def judge(wanted: Mapping[str, Json], spans: Sequence[Span]) -> list[Finding]:
    """A finding for each expectation, or span, that is not as it has to be."""
    by_id = {(span.trace, span.id): span for span in spans}
    findings: list[Finding] = []
    expected_of: set[tuple[str, str]] = set()
    for expected in wanted["expect"]:
        matching = [span for span in spans if _is_meant(expected, span)]
        expected_of |= {(span.trace, span.id) for span in matching}
        findings += _amount(expected, matching, spans)
        for span in matching:
            findings += _one(expected, span, by_id)
    others = [span for span in spans if (span.trace, span.id) not in expected_of]
    findings += _others(others, wanted["others"] == "refuse")
    return findings


def _is_meant(expected: Expected, span: Span) -> bool:
    return span.name == expected["name"] and expected["service"] in (None, span.service)


def _amount(
    expected: Expected, matching: Sequence[Span], spans: Sequence[Span]
) -> Iterator[Finding]:
    number, called = len(matching), _called(expected)
    if number < expected["min"]:
        evidence = {"found": number, "names": sorted({span.name for span in spans})[:_LISTED]}
        what = "is missing" if number == 0 else f"is there {_times(number)}"
        least = "" if expected["min"] == 1 else f", not {_times(expected['min'])}"
        yield _finding("flow.span-missing", f"span {called} {what}{least}", evidence)
    if expected["max"] is not None and number > expected["max"]:
        most = f"at most {_times(expected['max'])}" if expected["max"] else "never"
        message = f"span {called} is there {_times(number)}; it may be {most}"
        yield _finding("flow.span-extra", message, {"found": number})


def _one(
    expected: Expected, span: Span, by_id: Mapping[tuple[str, str], Span]
) -> Iterator[Finding]:
    evidence: dict[str, Json] = {"trace": span.trace, "span": span.id, "service": span.service}
    called, wanted = _called(expected), expected["status"]
    good = span.status != "error" if wanted is None else wanted in ("any", span.status)
    if not good:
        status = f"ended in status {span.status}" + (f", not {wanted}" if wanted else "")
        said = f": {span.message}" if span.message else ""
        yield _finding("flow.span-failed", f"span {called} {status}{said}", evidence)
    longest = expected["max_duration"]
    if longest is not None and span.seconds > longest:
        # How long it took is another number each time: it is in the evidence.
        message = f"span {called} took longer than {longest:g} s"
        yield _finding("flow.span-slow", message, {**evidence, "seconds": span.seconds})
    if expected["parent"] is not None:
        above = by_id.get((span.trace, span.parent))
        if above is None or above.name != expected["parent"]:
            message = f"span {called} is {_below(span, above)}, not below {expected['parent']}"
            yield _finding("flow.span-parent", message, {**evidence, "chain": _chain(span, by_id)})


def _others(others: Sequence[Span], refuse: bool) -> Iterator[Finding]:
    """Spans nothing is expected of, each name once."""
    seen: set[tuple[str, str]] = set()
    for span in others:
        if (span.name, span.service) in seen or not (refuse or span.status == "error"):
            continue
        seen.add((span.name, span.service))
        evidence: dict[str, Json] = {"trace": span.trace, "span": span.id, "service": span.service}
        called = _named(span.name, span.service)
        if span.status == "error":
            said = f": {span.message}" if span.message else ""
            yield _finding("flow.span-failed", f"span {called} ended in an error{said}", evidence)
        else:
            yield _finding("flow.span-extra", f"span {called} is not expected", evidence)


def _below(span: Span, above: Span | None) -> str:
    if above is not None:
        return f"below {_named(above.name, above.service)}"
    return "below a span that is not in the file" if span.parent else "the first of its trace"


def _chain(span: Span, by_id: Mapping[tuple[str, str], Span]) -> list[str]:
    """The names from a span up to its root, or to where the chain breaks or turns."""
    chain, seen = [span.name], {span.id}
    above = by_id.get((span.trace, span.parent))
    while above is not None and above.id not in seen:
        chain.append(above.name)
        seen.add(above.id)
        above = by_id.get((above.trace, above.parent))
    return chain


def _called(expected: Expected) -> str:
    return _named(expected["name"], expected["service"])


def _named(name: str, service: str | None) -> str:
    return f"{name} of {service}" if service else name


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _finding(rule: str, message: str, evidence: Mapping[str, Json]) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.BREAKING,
        message=message,
        remedy="look at the trace; or change what the flow expects of it",
        evidence=evidence,
    )
