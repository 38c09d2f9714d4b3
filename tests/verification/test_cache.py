"""Entries of the cache: shared, whole or absent, and never more than there is room for."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.verification.cache import Cache, Found
from orchestrator.verification.ledger import Entry, Ledger, changes

KEY = "ab" * 32


def key(number: int) -> str:
    return f"{number:02x}" * 32


def test_what_was_put_is_found_by_another_process(tmp_path: Path) -> None:
    assert Cache(tmp_path).put(KEY, {"a": ["ü", 1]}) is None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(Cache(tmp_path).get, (KEY,)) == Found({"a": ["ü", 1]})
    assert Cache(tmp_path).get(key(1)) == Found()


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda text: text.replace(b"true", b"fals"),
    lambda text: text[:-9],
)


def test_a_changed_or_torn_entry_is_a_miss_that_is_said(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for damage in DAMAGES:
        cache.put(KEY, {"passed": True})
        [file] = tmp_path.rglob("*.json")
        file.write_bytes(damage(file.read_bytes()))
        found = cache.get(KEY)
        assert found.value is None and "damaged" in (found.trouble or "")
        assert cache.get(KEY) == Found(), "it is gone, and said once"


def test_an_entry_under_another_key_is_not_believed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(key(1), 1)
    [file] = tmp_path.rglob("*.json")
    (tmp_path / KEY[:2]).mkdir()
    file.rename(tmp_path / KEY[:2] / f"{KEY}.json")
    assert cache.get(KEY).value is None


def test_old_entries_and_those_of_the_future_are_misses(tmp_path: Path) -> None:
    cache, now = Cache(tmp_path, max_age=60), int(time.time() * 1000)
    for at, found in ((now - 59_000, 1), (now - 61_000, None), (now + 60_000, None)):
        cache.put(KEY, 1, at)
        assert cache.get(KEY).value == found


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, size=5000)
    for number in range(10):
        cache.put(key(number), "x" * 800)
        file = tmp_path / key(number)[:2] / f"{key(number)}.json"
        os.utime(file, (number + 1, number + 1))
    cache.get(key(0))
    assert cache.make_room() > 0
    assert cache.stats().size <= 4500
    assert cache.get(key(0)).value is not None, "it was used"
    assert cache.get(key(9)).value is not None and cache.get(key(1)).value is None
    left = cache.stats().entries
    assert cache.clear() == left and cache.stats().entries == 0


def test_a_folder_that_cannot_be_written_is_told_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = Cache(tmp_path / "file" / "below").put(KEY, 1)
    assert said is not None and str(tmp_path) in said


def entry(run: str, **parts: str) -> Entry:
    return Entry(run, 1, "executed", "passed", parts)


def test_the_ledger_keeps_the_key_of_the_run_before(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "last.json")
    ledger.write({"a": entry("R-1", tree="1", path="same"), "b": entry("R-1", tree="1")})
    ledger.write({"a": entry("R-2", tree="2", path="same")})
    found = Ledger(ledger.file).read()
    assert (found["a"].before_run, found["b"].before_run) == ("R-1", None)
    assert found["a"].before is not None
    assert changes(found["a"].before, found["a"].parts) == [("tree", "1", "2")]
    for _ in range(3):
        ledger.write({"a": entry("R-3", tree="3"), "b": entry("R-3", tree="3")})
    assert "same" not in ledger.file.read_text(), "lines nobody needs are gone"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"checks": {"a": 1}, "lines": []}'])
def test_a_ledger_that_cannot_be_read_has_no_entries(tmp_path: Path, text: str) -> None:
    (tmp_path / "last.json").write_text(text)
    assert Ledger(tmp_path / "last.json").read() == {}
