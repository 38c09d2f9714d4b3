"""The demonstration plays for real, in a pipe, whoever calls it, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.git import find
from orchestrator.scaffold.story import CHAPTERS, Ending
from orchestrator.store.sqlite import open_store

DEMO = (sys.executable, "-P", "-m", "orchestrator", "demo", "--fast", "--keep")

#: What a client, a hook of git and a user's configuration would set around it.
HOSTILE = {
    "CLAUDECODE": "1",
    "CLAUDE_CODE_SESSION_ID": "somebody-else",
    "GIT_DIR": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "ORCHESTRATE_STATE": "/nowhere/state",
    "ORCHESTRATE_INSTANCE": "nobody",
    "PYTHONPATH": "/nowhere",
}


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, str(folder)],
        cwd="/",
        env={**os.environ, **HOSTILE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One performance for all the claims about it."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    done = run_demo(folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder, done.stdout


def processes_in(folder: Path) -> Iterator[int]:
    """Processes whose working directory is in ``folder``."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            here = str((entry / "cwd").readlink())
        except OSError:
            continue
        if here.startswith(str(folder)):
            yield int(entry.name)


@pytest.mark.slow
def test_every_change_of_state_is_told_as_from_to(played: tuple[Path, str]) -> None:
    told = re.findall(r"(\w+)  (\w+) → (\w+)", played[1])
    expected = []
    for chapter in CHAPTERS:
        who = chapter.instance
        expected.append((who, "STANDBY", "ACTIVE"))
        came_from = "ACTIVE"
        for attempt in chapter.attempts:
            expected += [(who, came_from, "HANDOFF_READY"), (who, "HANDOFF_READY", "VERIFICATION")]
            if attempt.ending is Ending.SENT_BACK:
                expected += [(who, "VERIFICATION", "FAILED"), (who, "FAILED", "REMEDIATION")]
                came_from = "REMEDIATION"
            else:
                expected += [
                    (who, "VERIFICATION", "APPROVED"),
                    (who, "APPROVED", "HANDOFF_COMPLETE"),
                    (who, "HANDOFF_COMPLETE", "STANDBY"),
                ]
    assert told == expected


@pytest.mark.slow
def test_what_is_told_is_what_the_log_holds(played: tuple[Path, str]) -> None:
    folder, _ = played
    store = open_store(find(folder / "shop").state)
    handoffs = {row["id"]: row for row in store.read(lambda reader: reader.find("handoffs"))}
    assert [row["status"] for row in handoffs.values()] == ["landed"] * 3
    assert [row["attempt"] for row in handoffs.values()] == [1, 2, 1]
    assert handoffs["H-3"]["approved_by"].startswith("human:")
    assert handoffs["H-1"]["approved_by"] == "coordinator"
    assert store.verify_events() > 20
    store.close()


@pytest.mark.slow
def test_the_broken_contract_is_told_by_the_value_it_lost(played: tuple[Path, str]) -> None:
    assert re.search(r"contracts/order-request: .*invoice", played[1])


@pytest.mark.slow
def test_the_places_it_names_exist(played: tuple[Path, str]) -> None:
    folder, text = played
    for name in ("report", "status document", "event log", "the watch's log"):
        found = re.search(rf"^ *{name} +(\S+)", text, re.MULTILINE)
        assert found, name
        assert Path(found[1]).is_file(), name
        assert Path(found[1]).is_relative_to(folder), name


@pytest.mark.slow
def test_nothing_is_left_running(played: tuple[Path, str]) -> None:
    assert list(processes_in(played[0])) == []


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run_demo(tmp_path)
    assert done.returncode == 2
    assert "E141" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_ends_everything_it_started(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "here"
    demo = subprocess.Popen(
        [*DEMO, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert demo.stdout is not None
    with demo.stdout as lines:
        # In the middle: the watch is verifying the first handoff.
        assert any("HANDOFF_READY → VERIFICATION" in line for line in lines)
        demo.send_signal(number)
        lines.read()
    assert demo.wait() == 130
    assert list(processes_in(folder)) == []
