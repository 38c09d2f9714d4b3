"""``./dev bench public``: how findings are held against a changelog."""

from __future__ import annotations

import io

from rich.console import Console

from bench.public import _compared
from bench.releases import RELEASES, Entry


def test_findings_are_counted_by_the_entry_that_tells_them() -> None:
    entries = (
        Entry("f is gone", r"shop\.f:"),
        Entry("g is gone", r"shop\.g:", "said in prose only"),
        Entry("slower", None, "behaviour"),
        Entry("h needs more", r"shop\.h\(", listed=False),
    )
    findings = [{"message": m} for m in ("shop.f: it is gone", "shop.h(): new", "shop.x: odd")]
    table, *counts = _compared(entries, findings)
    assert counts == [1, 1, 1]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table)
    printed = console.export_text()
    assert "said in prose only" in printed
    assert "(in no entry)" in printed and "shop.x: odd" in printed


def test_every_release_has_entries_that_a_name_shows_and_some_that_none_does() -> None:
    for release in RELEASES:
        shown = [entry for entry in release.entries if entry.shows and entry.listed]
        assert 5 < len(shown) < len(release.entries)
        assert all(entry.why for entry in release.entries if not entry.shows)
