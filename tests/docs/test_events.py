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


def test_the_page_lists_exactly_the_kinds_that_are_recorded() -> None:
    listed = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert listed == recorded()
    assert len(listed) > 20
