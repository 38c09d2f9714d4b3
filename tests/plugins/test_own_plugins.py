"""This repository keeps to its own plugins, and they find what they are for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.testing.plugins import context, execute, plan, write

ROOT = Path(__file__).parents[2]


def plugin(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"own_{name}", ROOT / f"plugins/{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["walls", "words"])
def test_this_repository_passes(name: str, tmp_path: Path) -> None:
    module = plugin(name)
    [check] = plan(module)
    result = execute(module, check, context(ROOT, tmp_path))
    assert [f"{f.file}:{f.line} {f.message}" for f in result.findings] == []
    assert result.outcome == "passed"


def test_an_import_through_a_wall_is_found_with_its_line(tmp_path: Path) -> None:
    text = "def late():\n    from cel import evaluate\n"
    files = {"orchestrator/engine/x.py": text, "orchestrator/policy/rules.py": text}
    module = plugin("walls")
    [check] = plan(module)
    where = context(write(tmp_path / "checkout", files), tmp_path / "scratch")
    result = execute(module, check, where)
    assert [(f.file, f.line) for f in result.findings] == [("orchestrator/engine/x.py", 2)]
