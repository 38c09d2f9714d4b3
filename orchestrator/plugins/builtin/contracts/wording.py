"""The sentences about differences between schemas, and what to do about each.

Three situations: a version refuses what the one before took (*lost*), sends
what readers of the one before refuse (*gained*), or a layer is sent what its
input refuses (*edge*). The same facts, said for the person affected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator.plugins.builtin.contracts.compare import Comparison
from orchestrator.plugins.builtin.contracts.explain import Difference, Kind
from orchestrator.plugins.builtin.contracts.verdict import evidence_of, shown
from orchestrator.plugins.spec import Finding, Json, Severity, dumps

__all__ = ["GAINED", "LOST", "Situation", "edge", "findings", "going_back"]

_SHOWN = 6
#: Other places of the same difference that a finding lists.
_ALSO = 20

#: The path of a value's part → a JSON pointer into a document.
Place = Callable[[Sequence[str | int]], str]


@dataclass(frozen=True, slots=True)
class Situation:
    """Who writes, who reads. ``refuses`` completes "…, which …"; empty: the version did."""

    rule: str
    refuses: str
    remedy: str

    @property
    def is_lost(self) -> bool:
        return not self.refuses


LOST = Situation("schema.lost-values", "", "")
GAINED = Situation(
    "schema.gained-values",
    "readers of the previous version do not accept",
    "keep to what the previous version allowed; or change every reader first and the writer later",
)


def edge(reader: str) -> Situation:
    """What a layer is sent and does not accept; ``reader`` names its input."""
    return Situation(
        "flow.refused-values",
        f"{reader} does not accept",
        "narrow what the producer puts out, or let the consumer's input take it first",
    )


def findings(
    comparison: Comparison,
    situation: Situation,
    *,
    prefix: str = "",
    evidence: dict[str, Json] | None = None,
    place: Place | None = None,
) -> list[Finding]:
    """The findings of a comparison that is broken; one where nothing could be named.

    ``prefix`` begins every message (an operation, the other version's name).
    ``place`` gives the pointer of what decides at a path.
    """
    unnamed = Difference(Kind.OTHER, lost=comparison.lost, example=comparison.example)
    return [
        Finding(
            rule=situation.rule,
            severity=Severity.BREAKING,
            message=prefix + _message(difference, situation),
            remedy=_remedy(difference, situation),
            evidence={
                **_evidence(difference),
                **({"pointer": place(difference.at)} if place else {}),
                **({"also_at": also[:_ALSO]} if also else {}),
                **(evidence or {}),
            },
        )
        for difference, also in _distinct(comparison.differences or (unnamed,), place)
    ]


def _distinct(
    differences: Sequence[Difference], place: Place | None
) -> list[tuple[Difference, list[str]]]:
    """What one place of the document makes at several places of a value is one difference.

    Each with the paths of the others; the shortest path is its own.
    """
    grouped: dict[str, list[Difference]] = {}
    for one in differences:
        where = place(one.at) if place else one.path
        same = [where, one.kind, one.names, one.keyword, one.lost]
        grouped.setdefault(dumps(same), []).append(one)
    ordered = (sorted(group, key=lambda one: len(one.at)) for group in grouped.values())
    return [(first, [one.path for one in rest]) for first, *rest in ordered]


def going_back(finding: Finding) -> Finding:
    """The finding of a comparison the other way round: the new version's users meet the old."""
    return replace(
        finding,
        message=f"going back to the version before, {finding.message}",
        remedy="let the version before have it first; or make the new version do without it",
        line=None,
        evidence={**finding.evidence, "going_back": True},
    )


def _evidence(difference: Difference) -> dict[str, Json]:
    found: dict[str, Json] = {"path": difference.path}
    if difference.kind in (Kind.VALUES, Kind.TYPES):
        found[f"lost_{difference.kind}"] = evidence_of(list(difference.names))
    if difference.lost is not None:
        found["lost_set"] = evidence_of(difference.lost)
    if difference.example is not None:
        found["counterexample"] = evidence_of(difference.example.value)
    return found


def _message(difference: Difference, situation: Situation) -> str:
    lost = _lost(difference)
    return lost if situation.is_lost else f"{_sent(difference)}, which {situation.refuses}"


def _lost(difference: Difference) -> str:
    path, names = difference.path, _list(difference.names)
    match difference.kind:
        case Kind.VALUES:
            return f"{path} no longer accepts {names}"
        case Kind.TYPES:
            return f"{path} no longer accepts values of type {_plain(difference.names)}"
        case Kind.REQUIRED:
            return f"{path}.{difference.names[0]} became required; values without it were valid"
        case Kind.REFUSED:
            return f"{path}.{difference.names[0]} is no longer accepted"
        case Kind.PATTERN:
            return f"{path} must now match {difference.reads}{_before(difference)}"
        case Kind.BOUND if difference.keyword == "enum":
            return f"{path} now accepts only {_list(tuple(difference.reads))}"
        case Kind.BOUND:
            now = shown(difference.reads)
            return f"{path}: {difference.keyword} is now {now}{_before(difference)}"
    return f"{path} no longer accepts every value it did"


def _before(difference: Difference) -> str:
    if difference.wrote is None:
        return "; before there was no such limit"
    return f"; before it was {difference.wrote}"


def _sent(difference: Difference) -> str:
    path, names = difference.path, _list(difference.names)
    match difference.kind:
        case Kind.VALUES:
            return f"{path} may be {names}"
        case Kind.TYPES:
            return f"{path} may be of type {_plain(difference.names)}"
        case Kind.REQUIRED:
            return f"{path}.{difference.names[0]} may be absent"
        case Kind.REFUSED:
            return f"{path}.{difference.names[0]} may be present"
        case Kind.PATTERN:
            return f"{path} may be text that does not match {difference.reads}"
        case Kind.BOUND if difference.keyword == "enum":
            return f"{path} may be something else than {_list(tuple(difference.reads))}"
        case Kind.BOUND:
            return f"{path} may be outside {difference.keyword} {shown(difference.reads)}"
    return f"{path} may take values"


def _remedy(difference: Difference, situation: Situation) -> str:
    if not situation.is_lost:
        return situation.remedy
    match difference.kind:
        case Kind.VALUES:
            return (
                f"accept {_list(difference.names)} again, beside what is new; "
                "remove it only when nobody sends it any more"
            )
        case Kind.REQUIRED:
            return (
                f"make {difference.names[0]} optional, with a default for those who do not send it"
            )
        case Kind.REFUSED:
            return f"keep {difference.names[0]} as an optional property, even if it is ignored"
    return "accept what was valid before, or publish a new contract beside this one"


def _list(values: tuple[Json, ...]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(shown(value, 60) for value in values[:_SHOWN]) + more


def _plain(values: tuple[Json, ...]) -> str:
    return ", ".join(str(value) for value in values)
