"""The page on replacing the scripts has every mapped word, view and function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.config.model import Views
from orchestrator.coordination import foreign

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "replace-the-shell-scripts.md").read_text()
TABLES = {
    "task status": foreign.TASK_STATUSES,
    "message status": foreign.MESSAGE_STATUSES,
    "decision status": foreign.DECISION_STATUSES,
    "priority": foreign.PRIORITIES,
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_words_is_that_of_the_code(name: str) -> None:
    table = PAGE.split(f"| {name} there | here |\n|---|---|\n")[1].split("\n\n")[0]
    found: dict[str, str] = {}
    for row in table.splitlines():
        _, theirs, ours, _ = row.split("|")
        found |= {word: ours.split(";")[0].strip() for word in re.findall(r"`(\w+)`", theirs)}
    assert found == {word: ours for word, ours in TABLES[name].items() if word}


def test_every_view_is_on_the_page() -> None:
    for name in Views.__dataclass_fields__:
        assert f"| `{name}` | `" in PAGE


def test_every_function_of_the_library_is_on_the_page() -> None:
    library = (ROOT / "orchestrator" / "dropin" / "coordination.sh").read_text()
    functions = re.findall(r"^(coord_\w+)\(\)", library, re.MULTILINE)
    assert len(functions) == 14
    assert [name for name in functions if f"`{name}" not in PAGE] == []
