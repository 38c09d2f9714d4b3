"""Imports point downward only, and heavy libraries stay off the cheap paths."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
import yaml

from tests.conftest import MakeRepo

ROOT = Path(__file__).parents[1] / "orchestrator"

#: Top first. A module imports what is on its own level or below it, never above.
LEVELS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli", "api", "dropin", "hooks", "mcp", "web"),
    ("scaffold",),
    ("engine",),
    ("report", "coordination", "verification", "plugins", "status", "config"),
    ("store", "policy", "lifecycle"),
    ("errors", "git", "environment", "processes", "descendants"),
)

_LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("orchestrator", cache_dir=None)


def area(module: str) -> str:
    """``orchestrator.cli.demo`` → ``cli``."""
    return module.split(".")[1] if "." in module else ""


def test_every_part_has_its_level() -> None:
    parts = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__pycache__", "__init__", "py", "testing"} <= set(_LEVEL)


def test_imports_point_downward_only(graph: grimp.ImportGraph) -> None:
    upward = [
        f"{importer} → {imported}"
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if _LEVEL.get(area(imported), 99) < _LEVEL.get(area(importer), -1)
    ]
    assert upward == []


@pytest.mark.parametrize("pure", ["lifecycle", "policy"])
def test_the_middle_is_pure(graph: grimp.ImportGraph, pure: str) -> None:
    below = {"errors", pure, ""}
    impure = [
        f"{importer} → {imported}"
        for importer in sorted(graph.modules)
        if area(importer) == pure
        for imported in graph.find_modules_directly_imported_by(importer)
        if area(imported) not in below
    ]
    assert impure == []


_DRIVER = ("import sqlite3", "from sqlite3", "import _sqlite3", "from _sqlite3")


def test_only_one_module_knows_the_driver_of_the_store() -> None:
    users = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if "scaffold" not in path.parts and any(line.startswith(_DRIVER) for line in lines(path))
    ]
    # The exception is stated in docs/explanation/architecture.md.
    assert sorted(users) == ["hooks/driver.py", "store/driver.py"]


def test_every_test_file_is_in_exactly_one_check_of_this_repository_s_own_rules() -> None:
    # A test in none of them would judge no handoff.
    project = ROOT.parent
    rules = yaml.safe_load((project / "config/orchestrate.yaml").read_text())
    commands = [
        c["run"] for layer in rules["layers"].values() for c in layer["checks"] if "run" in c
    ]
    suites = [shlex.split(command) for command in commands if "pytest" in command]
    assert all(words[words.index("-m", 3) + 1] == "not slow" for words in suites)
    places = [word for words in suites for word in words if word.startswith("tests/")]
    checked = [file for place in places for file in files_of(project, place)]
    assert sorted(checked) == files_of(project, "tests")


def files_of(project: Path, place: str) -> list[Path]:
    """What pytest collects of a folder, or of the files a pattern of the shell stands for."""
    return sorted(
        file
        for found in project.glob(place)
        for file in (found.rglob("test_*.py") if found.is_dir() else [found])
    )


def lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines()]


#: A program of its own, started with ``-I`` to examine somebody else's checkout.
_PROGRAM = "plugins/builtin/integrity/import_graph.py"


def test_no_module_edits_where_python_looks_for_modules() -> None:
    editors = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not {"sample", "starters"} & set(path.parts)
        and any(line.startswith(("sys.path.insert", "sys.path.append")) for line in lines(path))
    ]
    assert [p for p in editors if p != _PROGRAM and not p.startswith("hooks/")] == []


@pytest.mark.parametrize("module", ["orchestrator", "orchestrator.errors", "orchestrator.__main__"])
def test_a_cheap_start_imports_nothing_heavy(module: str) -> None:
    show = f"import sys; import {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", show], capture_output=True, text=True, check=True
    )
    heavy = {
        "click",
        "rich",
        "yaml",
        "pluggy",
        "transitions",
        "jsonschema",
        "asyncio",
        "subprocess",
    }
    assert heavy & set(done.stdout.split()) == set()


def test_the_wheel_has_one_top_level_name() -> None:
    text = (ROOT.parent / "pyproject.toml").read_text()
    assert 'packages = ["orchestrator"]' in text


def test_a_run_in_which_everything_is_known_imports_nothing_it_does_not_need(
    make_repo: MakeRepo,
) -> None:
    layers = 'layers: {app: {paths: ["**"], checks: [{name: tests, run: "true"}]}}'
    repo = make_repo({"config/orchestrate.yaml": f"version: 1\nproject: shop\n{layers}\n"})
    show = "import sys; from orchestrator.cli.main import run; run(['verify']); print(*sys.modules)"
    for told in ("passed: 1 check in", "(1 known from earlier runs)"):
        done = subprocess.run(
            [sys.executable, "-c", show], cwd=repo, capture_output=True, text=True, check=True
        )
        assert told in done.stdout
    unneeded = {
        "cel",
        "concurrent.futures",
        "ctypes",
        "difflib",
        "email",
        "importlib.metadata",
        "jsonschema_rs",
        "logging",
        "orchestrator.plugins.manager",
        "orchestrator.store",
        "pluggy",
        "random",
        "rich",
        "secrets",
        "socket",
        "tempfile",
        "yaml",
    }
    assert unneeded & set(done.stdout.splitlines()[-1].split()) == set()
