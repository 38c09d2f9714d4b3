"""A file of somebody else's is rewritten whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from orchestrator.scaffold.json_text import UnreadableSettings
from orchestrator.scaffold.rewrite import CannotRewrite, rewrite


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "s.json", tmp_path / "s.json"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    assert rewrite(link, lambda text: text + "er", "s").verb == "changed"
    assert link.is_symlink() and real.read_text() == "older"
    assert real.stat().st_mode & 0o777 == 0o640
    assert list(real.parent.iterdir()) == [real]


def test_nothing_to_change_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("same")
    before = path.stat()
    assert rewrite(path, lambda text: text, "f").verb == "kept"
    assert rewrite(tmp_path / "new" / "g", lambda text: text, "g").verb == "kept"
    assert path.stat().st_mtime_ns == before.st_mtime_ns and not (tmp_path / "new").exists()


def test_another_writer_in_between_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("a")
    calls: list[str] = []

    def change(text: str) -> str:
        calls.append(text)
        if len(calls) == 2:  # the first call only works it out
            path.write_text("b")
        return text + "!"

    assert rewrite(path, change, "f").verb == "changed"
    assert path.read_text() == "b!" and calls == ["a", "a", "b"]


def test_two_at_once_both_count(tmp_path: Path) -> None:
    path = tmp_path / "f"
    threads = [
        threading.Thread(target=rewrite, args=(path, lambda text, n=n: text + n, "f"))
        for n in "abcdefgh"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_text()) == list("abcdefgh")


def test_a_failure_half_way_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotRewrite, match="No space left"):
        rewrite(path, lambda text: "new", "f")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CannotRewrite, match="no ordinary file"):
            rewrite(path, lambda text: "new", "f")


def test_what_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b'{\n  "a": "\xff"}')
    with pytest.raises(UnreadableSettings) as caught:
        rewrite(path, lambda text: text, "f")
    assert caught.value.where == "f:2:9"
