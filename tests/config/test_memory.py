"""Rules that were found right are not looked at again; everything else always is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config.load import in_force
from orchestrator.config.memory import Memory
from orchestrator.config.problems import InvalidConfig
from orchestrator.git import find
from tests.config.texts import MINIMAL
from tests.conftest import MakeRepo, commit

ROOT = Path(__file__).parents[2]
RULED = MINIMAL + 'approval: {reject_when: "report.failed > 2"}\n'


def imported(code: str, folder: Path) -> set[str]:
    """The modules a new process has after ``code``."""
    show = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", show], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


READ = "\n".join(
    (
        "from orchestrator.config.load import in_force",
        "from orchestrator.git import find",
        "in_force(find())",
    )
)


def test_the_usual_rules_do_not_start_the_library_of_rules(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": MINIMAL})
    assert not {"cel", "jsonschema", "rich"} & imported(READ, repo)


def test_rules_are_looked_at_once(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": RULED})
    find(repo).state.mkdir()
    assert "cel" in imported(READ, repo)
    assert "cel" not in imported(READ, repo)
    commit(repo, {"config/orchestrate.yaml": RULED + "# changed\n"})
    assert "cel" in imported(READ, repo)


def test_broken_rules_are_never_remembered_as_right(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": RULED.replace("failed", "faild")})
    find(repo).state.mkdir()
    for _ in range(2):
        with pytest.raises(InvalidConfig, match="E114"):
            in_force(find(repo))


def test_reading_a_configuration_makes_no_folder(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": RULED})
    in_force(find(repo))
    assert not find(repo).state.exists()


def test_the_memory_is_bounded_and_forgets_the_oldest(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path)
    for number in range(40):
        memory.add(b"%d" % number)
    assert not memory.knows(b"0")
    assert memory.knows(b"39")
    assert len(memory.file.read_text().splitlines()) == 32


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"", b"x" * 70 + b"\n"])
def test_a_damaged_memory_remembers_nothing(tmp_path: Path, damage: bytes) -> None:
    memory = Memory.of(tmp_path)
    memory.add(b"a")
    memory.file.write_bytes(damage)
    assert not memory.knows(b"a")


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path)
    memory.file.mkdir()
    memory.add(b"a")
    assert not memory.knows(b"a")
