"""What a report does not show is on disk, and never grows without end."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.plugins.outputs import FULL_OUTPUT, Recorder, make_room
from orchestrator.plugins.spec import CheckResult, CommandResult, Outcome
from orchestrator.plugins.worker import _run


def runner(
    command: str | Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    stop: int | None = None,
    spill: Path | None = None,
) -> CommandResult:
    return CommandResult("exited", 0, f"{command}\n" * 10, "", 0.1)


def recorder(folder: Path, check: str) -> Recorder:
    made = Recorder(runner, folder, check)
    made("\x1b[1mecho", cwd="/", environment={}, timeout=1)
    return made


def test_only_what_is_not_shown_is_written(tmp_path: Path) -> None:
    whole = CheckResult(Outcome.PASSED, output="x" * 500)
    assert recorder(tmp_path / "r", "a").kept(whole) == whole
    assert not (tmp_path / "r").exists()
    kept = recorder(tmp_path / "r", "a/../b c").kept(CheckResult(Outcome.PASSED, data={"k": 1}))
    path = Path(kept.data[FULL_OUTPUT])
    assert path.parent == tmp_path / "r" and kept.data["k"] == 1
    assert path.read_text().startswith("$ \\x1b[1mecho\n") and "exited 0" in path.read_text()
    again = recorder(tmp_path / "r", "a/../b c").kept(CheckResult(Outcome.PASSED))
    assert again.data[FULL_OUTPUT] != str(path), "a second try does not write over the first"


def test_all_of_a_very_long_output_is_on_disk_and_its_ends_in_memory(tmp_path: Path) -> None:
    made = Recorder(_run, tmp_path / "r", "loud")
    loud = "seq 400000; echo no >&2; exit 3"
    ended = made(loud, cwd="/", environment={"PATH": os.environ["PATH"]}, timeout=60)
    assert ended.truncated and "cut out" in ended.output
    path = Path(made.kept(CheckResult(Outcome.FAILED, "loud")).data[FULL_OUTPUT])
    lines = path.read_text().splitlines()
    assert lines[:2] == [f"$ {loud}", "1"]
    assert lines[200_000] == "200000", "the middle too"
    assert lines[-2].startswith("[exited 3 after")
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no parts are left"


def test_a_folder_that_cannot_be_written_costs_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CheckResult(Outcome.PASSED)
    assert recorder(tmp_path / "file" / "r", "a").kept(result) == result


def test_the_oldest_runs_make_room(tmp_path: Path) -> None:
    for number in range(5):
        folder = tmp_path / f"R-{number}"
        folder.mkdir()
        (folder / "a.txt").write_text("x" * 100)
        os.utime(folder, (number + 1, number + 1))
    make_room(tmp_path, limit=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["R-3", "R-4"]
    make_room(tmp_path, limit=1)
    assert [path.name for path in tmp_path.iterdir()] == ["R-4"], "the last run stays"
