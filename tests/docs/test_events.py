"""Every kind of event the code records stands on its page, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.lifecycle.states import Event

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/events.md"
#: How kinds stand in the code: given to ``NewEvent`` or to one of the helpers around it.
RECORDED = re.compile(r'(?:NewEvent\(|tell\(\s*tx,)\s*(?:kind=)?"([a-z]+\.[a-z_]+)"')
ESCALATED = re.compile(r'_tell\(tx, row, "([a-z]+)"')


def recorded() -> set[str]:
    """The kinds the sources record."""
    text = "\n".join(path.read_text() for path in (ROOT / "orchestrator").rglob("*.py"))
    kinds = set(RECORDED.findall(text))
    kinds |= {f"escalation.{verb}" for verb in ESCALATED.findall(text)}
    return kinds | {f"instance.{event}" for event in Event}


def listed() -> set[str]:
    """The kinds in the first column of the page's tables."""
    cells = re.findall(r"^\| (`[a-z]+\.[^|]+) \|", PAGE.read_text(), re.MULTILINE)
    return {kind for cell in cells for kind in re.findall(r"`([a-z]+\.[a-z_]+)`", cell)}


def test_every_kind_that_is_recorded_stands_on_the_page() -> None:
    assert recorded() - listed() == set()
    assert len(recorded()) > 20


def test_the_page_lists_no_kind_that_nobody_records() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "orchestrator").rglob("*.py"))
    events = {str(event) for event in Event}
    verbs = {kind.split(".")[1] for kind in listed()}
    unknown = {v for v in verbs - events if not re.search(rf"""["'.]{v}["']""", sources)}
    assert unknown == set()
