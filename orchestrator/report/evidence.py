"""A finding's evidence as notes for people: lost values, counterexample, interval, trace.

Knows the keys the built-in families use; whatever else is there is shown as it
is. Also what a benchmark measured when it led to no finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.report.text import cut, flat, size_of, visible
from orchestrator.verification.outcome import CheckReport

__all__ = ["Interval", "Note", "interval", "limits", "measured", "notes"]

#: Characters of one note.
NOTE_LIMIT = 2000
_MOST_OPEN = 5
_TITLES = {
    "lost_set": "lost set",
    "counterexample": "counterexample",
    "trace": "trace",
    "output": "output",
    "values": "values",
    "chain": "chain",
    "consumers": "used by",
    "producers": "produced by",
}
#: Keys an interval is made of; shown as one line.
_INTERVAL = {
    "ratio", "low", "high", "level", "chance", "risk", "pairs", "unit", "base_median",
    "candidate_median",
}  # fmt: skip
#: Keys that repeat what the finding says already.
_SAID = {"gate", "level", "tool", "test", "seconds", "content_model"}


@dataclass(frozen=True, slots=True)
class Note:
    """One labelled piece of evidence; ``text`` may have several lines."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Interval:
    """How much slower than the base: ``ratio`` with its bounds, 1 is the same.

    ``pairs`` were measured; ``base`` and ``candidate`` are the medians as text.
    """

    ratio: float
    low: float
    high: float
    pairs: int | None = None
    base: str = ""
    candidate: str = ""

    def words(self) -> str:
        """``12 % slower than the base (between 8 % and 16 %), 20 pairs``."""
        how = _change(self.ratio)
        between = f"between {_change(self.low)} and {_change(self.high)}"
        pairs = f", {self.pairs} pairs" if self.pairs else ""
        medians = f"; median {self.base} → {self.candidate}" if self.base and self.candidate else ""
        return f"{how} ({between}{pairs}){medians}"


def _change(ratio: float) -> str:
    share = (ratio - 1) * 100
    if abs(share) < 0.05:
        return "no change"
    return f"{abs(share):.1f} % {'slower' if share > 0 else 'faster'}"


def interval(evidence: Mapping[str, Any]) -> Interval | None:
    """The interval in a benchmark's evidence, or None when there is none."""
    bounds = [evidence.get(name) for name in ("ratio", "low", "high")]
    if not all(isinstance(b, (int, float)) and not isinstance(b, bool) and b > 0 for b in bounds):
        return None
    ratio, low, high = (float(b) for b in bounds if b is not None)
    pairs, unit = evidence.get("pairs"), str(evidence.get("unit", ""))
    return Interval(
        ratio,
        low,
        high,
        pairs if isinstance(pairs, int) else None,
        _median(evidence.get("base_median"), unit),
        _median(evidence.get("candidate_median"), unit),
    )


def _median(value: Any, unit: str) -> str:
    return size_of(float(value), unit) if isinstance(value, (int, float)) else ""


def measured(check: CheckReport) -> list[tuple[str, Interval]]:
    """What a check compared without a finding about it: name and interval."""
    if any(interval(finding.evidence) for finding in check.result.findings):
        return []
    compared = check.result.data.get("compared")
    if not isinstance(compared, Mapping):
        return []
    found = [(flat(str(name)) or check.id, interval(value)) for name, value in compared.items()
             if isinstance(value, Mapping)]  # fmt: skip
    return [(name, value) for name, value in found if value is not None]


def limits(check: CheckReport) -> list[str]:
    """How far a check's verdict goes: how it judged, what it compared, what it left open."""
    data = check.result.data
    found = []
    if "compatibility" in data and "kind" in data:
        versions = data.get("compared_with") or []
        with_ = f"compared with {_few(versions)}" if versions else "compared with nothing"
        model = f", content model {data['content_model']}" if "content_model" in data else ""
        found.append(f"{data['compatibility']}, {with_}{model}")
    if isinstance(data.get("not_examined"), list) and data["not_examined"]:
        found.append(f"not examined: {', '.join(map(str, data['not_examined']))}")
    for surface in list(data.get("undecided") or [])[:_MOST_OPEN]:
        if isinstance(surface, Mapping):
            named = " ".join(filter(None, (str(surface.get("surface", "")), "undecided:")))
            found.append(f"{named} {surface.get('reason', '')}")
    return [flat(line) for line in found]


def _few(names: list[Any]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(str(name) for name in names[:3]) + more


def notes(evidence: Mapping[str, Any]) -> list[Note]:
    """The evidence as notes, the short and telling ones first."""
    span = interval(evidence)
    found = [Note("measured", span.words())] if span else []
    skipped = (_INTERVAL if span else set()) | _SAID
    found += [_note(key, value) for key, value in _worth(evidence, skipped)]
    return sorted(found, key=lambda note: "\n" in note.text)


def _worth(evidence: Mapping[str, Any], skipped: set[str]) -> Iterator[tuple[str, Any]]:
    for key, value in evidence.items():
        if key not in skipped and value not in (None, "", [], {}):
            yield str(key), value


def _note(key: str, value: Any) -> Note:
    label = _TITLES.get(key) or flat(key.replace("_", " "))
    return Note(label, cut(visible(_shown(value)).strip("\n"), NOTE_LIMIT))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value) if sum(map(len, value)) < 160 else "\n".join(value)
    compact = json.dumps(value, ensure_ascii=False, default=str)
    if len(compact) <= 160:
        return compact
    return json.dumps(value, ensure_ascii=False, default=str, indent=2)
