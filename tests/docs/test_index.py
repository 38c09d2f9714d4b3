"""Every page is found from the index, and no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def links(page: Path) -> list[Path]:
    """The files a page links to."""
    found = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    return [(page.parent / link).resolve() for link in found if "://" not in link]


def test_the_index_has_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {index, *links(index)}
    assert [str(page) for page in (ROOT / "docs").rglob("*.md") if page not in listed] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    assert [str(place) for place in links(page) if not place.exists()] == []
