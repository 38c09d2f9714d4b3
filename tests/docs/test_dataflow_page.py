"""The page on data flow lists every rule a finding can have, and no other; and every invariant."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.plugins.builtin.dataflow.conserved import INVARIANTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/checks-dataflow.md").read_text()
FAMILY = ROOT / "orchestrator/plugins/builtin"
RULE = r"flow\.[a-z]+(?:-[a-z]+)*"
#: What a step is called that could not be told: no finding has it.
UNTOLD = {"flow.timeout", "flow.missing", "flow.signalled", "flow.too-much", "flow.no-answer"}


def defined() -> set[str]:
    sources = [*(FAMILY / "dataflow").glob("*.py"), FAMILY / "contracts/wording.py"]
    text = "\n".join(path.read_text() for path in sources)
    made = {f"flow.invalid-{side}" for side in ("input", "output")}
    return (set(re.findall(rf'"({RULE})"', text)) | made) - UNTOLD


def test_every_rule_stands_on_the_page_and_no_other() -> None:
    assert set(re.findall(rf"`({RULE})`", PAGE)) == defined()
    assert len(defined()) > 14


def test_every_ready_made_invariant_stands_on_the_page() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.M))
    assert set(INVARIANTS) <= listed
