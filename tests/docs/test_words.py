"""This repository's own plugin finds what it is there to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def words() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words", ROOT / "plugins" / "words.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree in which code and pages agree."""
    files = {
        "orchestrator/errors.py": 'class A:\n    code = "E001"\n',
        "orchestrator/cli/main.py": 'C = {\n    "watch": ("watch", "Coordinate."),\n}\n',
        "docs/reference/errors.md": "### E001 A\n",
        "README.md": "orchestrate watch\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_tree_in_step_has_no_findings(words: ModuleType, tree: Path) -> None:
    assert list(words.problems(tree)) == []


def test_a_code_without_a_section_is_found_with_its_line(words: ModuleType, tree: Path) -> None:
    (tree / "orchestrator/new.py").write_text('\nclass B:\n    code = "E002"\n')
    (finding,) = words.problems(tree)
    assert (finding.rule, finding.file, finding.line) == ("words.code", "orchestrator/new.py", 3)


def test_a_command_no_page_shows_is_found(words: ModuleType, tree: Path) -> None:
    (tree / "README.md").write_text("nothing\n")
    (finding,) = words.problems(tree)
    assert finding.message == "no page shows `orchestrate watch`"


def test_a_code_that_no_longer_exists_is_found(words: ModuleType, tree: Path) -> None:
    (tree / "docs/page.md").write_text("You get E099.\n")
    (finding,) = words.problems(tree)
    assert (finding.rule, finding.file) == ("words.stale", "docs/page.md")


def test_this_repository_is_in_step(words: ModuleType) -> None:
    assert [finding.message for finding in words.problems(ROOT)] == []
