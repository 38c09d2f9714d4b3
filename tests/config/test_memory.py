"""What was found right is not looked at again; everything else always is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config.load import at, in_force
from orchestrator.config.memory import Memory
from orchestrator.config.model import Config
from orchestrator.config.problems import InvalidConfig
from orchestrator.git import Git, find
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


def test_a_configuration_is_looked_at_once(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": RULED})
    find(repo).state.mkdir()
    libraries = {"cel", "jsonschema_rs", "yaml"}
    assert libraries <= imported(READ, repo)
    assert "cel" not in imported(READ, repo)
    commit(repo, {"config/orchestrate.yaml": RULED + "# changed\n"})
    assert libraries <= imported(READ, repo)


def test_what_is_remembered_is_the_same_configuration(make_repo: MakeRepo) -> None:
    text = Path(__file__).with_name("whole.yaml").read_text()
    repo = make_repo({"config/orchestrate.yaml": text})
    memory = Memory.of(find(repo).state, make=True)

    def read() -> Config:
        found = at(Git(repo), "HEAD", memory=memory)
        assert found is not None
        return found

    first = read()
    [entry] = memory.folder.iterdir()
    assert read() == first
    assert list(read().layers) == list(first.layers)
    entry.write_bytes(entry.read_bytes().replace(b"verification", b"vindication", 1))
    assert read() == first


def test_code_that_has_changed_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "rules.py").write_text("1")
    monkeypatch.setattr("orchestrator.config.memory._CODE", (str(code),))
    memory = Memory.of(tmp_path)
    memory.add(b"a", {"a": 1})
    assert memory.recall(b"a") == {"a": 1}
    (code / "rules.py").write_text("12")
    assert memory.recall(b"a") is None


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
        memory.add(b"%d" % number, number)
        [made] = (file for file in memory.folder.iterdir() if file.stat().st_mtime > 1000)
        os.utime(made, (number, number))
    assert memory.recall(b"0") is None
    assert memory.recall(b"39") == 39
    assert len(list(memory.folder.iterdir())) == 32


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"", b"x" * 70 + b"\n", b'\n{"a": 2}'])
def test_a_damaged_memory_remembers_nothing(tmp_path: Path, damage: bytes) -> None:
    memory = Memory.of(tmp_path)
    memory.add(b"a", {"a": 1})
    [entry] = memory.folder.iterdir()
    entry.write_bytes(damage)
    assert memory.recall(b"a") is None


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path)
    memory.folder.write_text("a file")
    memory.add(b"a", {"a": 1})
    assert memory.recall(b"a") is None
