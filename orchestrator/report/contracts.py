"""A comparison of two versions of a contract, and its history, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from orchestrator.plugins.spec import CheckResult, Finding, Json, Outcome, Severity
from orchestrator.report.text import beginning, flat, json_text, plural, visible
from orchestrator.report.words import place

__all__ = ["compared", "kept"]

_SAYS = {
    Outcome.PASSED: ("✓ compatible", "green"),
    Outcome.FAILED: ("✗ breaking", "red"),
}
_TONES = {Severity.BREAKING: "red", Severity.DANGEROUS: "yellow", Severity.NOTICE: "dim"}
#: Evidence shown below a finding, and its title.
_SHOWN = {
    "request": "request",
    "counterexample": "counterexample",
    "refused_because": "refused because",
    "lost_set": "lost set",
    "before": "before",
    "after": "after",
}
_SIGNS = {"passed": "✓", "failed": "✗", None: " "}


def compared(console: Console, result: CheckResult, old: str, new: str) -> None:
    """What was found between two versions, what was not examined, and the verdict."""
    for finding in result.findings:
        for text in _finding(finding):
            console.print(text, soft_wrap=True)
    for open_ in result.data.get("undecided", ()):
        surface = f"{open_['surface']}: " if open_["surface"] else ""
        console.print(Text(flat(f"? {surface}{open_['reason']}"), style="yellow"), soft_wrap=True)
    unseen = result.data.get("not_examined") or []
    if unseen:
        console.print(Text(f"not examined: {flat(', '.join(unseen))}", style="dim"),
                      soft_wrap=True)  # fmt: skip
    said, tone = _SAYS.get(result.outcome, ("? could not tell", "yellow"))
    judged = [f"{key} {result.data[key]}"
              for key in ("kind", "compatibility", "direction", "content_model")
              if key in result.data]  # fmt: skip
    why = "" if result.outcome in _SAYS or result.data.get("undecided") else f": {result.reason}"
    how = f"  ({', '.join(judged)})" if judged else ""
    line = f"{said}: {flat(old)} → {flat(new)}{flat(why)}{how}"
    console.print(Text(line, style=f"bold {tone}"), soft_wrap=True)


def _finding(finding: Finding) -> Iterator[Text]:
    pointer = finding.evidence.get("pointer")
    inside = f" {pointer}" if pointer else ""
    yield Text(f"{finding.severity}  {flat(finding.message)}", style=_TONES[finding.severity])
    yield Text(f"    {flat(place(finding) + inside)}  {finding.rule}", style="dim")
    for key, title in _SHOWN.items():
        value = finding.evidence.get(key)
        if value is not None and not (key == "counterexample" and "request" in finding.evidence):
            yield Text(f"    {title}: {_value(value)}")
    for key, title in (("consumers", "used by"), ("producers", "produced by")):
        if finding.evidence.get(key):
            yield Text(f"    {title}: {flat(', '.join(finding.evidence[key]))}")
    if finding.remedy:
        yield Text(f"    → {flat(finding.remedy)}")


def _value(value: Json) -> str:
    text = value if isinstance(value, str) else " ".join(json_text(value).split())
    return beginning(flat(visible(text)), 600)


def kept(console: Console, name: str, mode: str, result: CheckResult) -> None:
    """The kept versions, newest first: commit, date, and what each made of the one before."""
    versions: Sequence[Mapping[str, Json]] = result.data["versions"]
    for entry in versions:
        blessed = entry["blessed"]
        verdict = entry["verdict"]
        first = "the first" if result.data["complete"] else "the oldest of those shown"
        words = {None: first, "passed": "keeps the one before", "failed": "breaks it"}
        said = words.get(verdict, f"{verdict}: ") if not entry["reason"] else entry["reason"]
        sign = _SIGNS.get(verdict, "?")
        console.print(Text(f"{sign} {entry['commit'][:12]}  {entry['date'][:10]}  {flat(said)}"),
                      soft_wrap=True)  # fmt: skip
        if blessed:
            line = f"  accepted by {blessed['by']}: {blessed['reason']}; a new start"
            console.print(Text(f"               {flat(line)}"), soft_wrap=True)
    if not versions:
        console.print(Text(f"no version of {flat(name)} is kept yet"))
        return
    more = "" if result.data["complete"] else "; there are older ones"
    console.print(Text(f"{plural(len(versions), 'version')} of {flat(name)} ({mode}){more}"))
