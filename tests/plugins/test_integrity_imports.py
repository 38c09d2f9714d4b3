"""Import rules read the candidate's modules and name the line that breaks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.model import Check, Layer
from orchestrator.plugins.builtin import integrity
from orchestrator.plugins.spec import CheckResult, Outcome
from orchestrator.testing import plugins as harness

APP = {"app/__init__.py": "", "app/api.py": "from app import db\n", "app/db.py": "import json\n"}


def run(folder: Path, *layers: str, root: str | None = None) -> CheckResult:
    check = Check("order", imports={"layers": list(layers), "root": root})
    settings = harness.config(layers={"app": Layer("app", ("**",), checks=(check,))})
    [planned] = harness.plan(integrity, settings)
    where = harness.context(folder, folder.parent / "scratch", settings=settings)
    return harness.execute(integrity, planned, where)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return harness.write(tmp_path / "checkout", APP)


def test_imports_that_go_downward_pass(folder: Path) -> None:
    result = run(folder, "app.api", "app.db")
    assert (result.outcome, result.findings) == (Outcome.PASSED, ())
    assert result.metrics == {"imports.modules": 3, "imports.illegal": 0}


def test_an_upward_import_is_named_with_file_and_line(folder: Path) -> None:
    result = run(folder, "app.db", "app.api")
    assert (result.outcome, result.reason) == (Outcome.FAILED, "1 forbidden import")
    [finding] = result.findings
    assert (finding.rule, finding.file, finding.line) == ("imports.order", "app/api.py", 1)
    assert finding.message == "app.api must not import app.db: app.api → app.db"
    assert "app.db → app.api" in (finding.remedy or "")


def test_an_indirect_chain_is_told_step_by_step(folder: Path) -> None:
    harness.write(
        folder,
        {
            "app/db.py": "\n\ndef late():\n    import app.middle\n",
            "app/middle.py": "import os\nfrom app.api import x\n",
            "app/api.py": "x = 1\n",
        },
    )
    [finding] = run(folder, "app.api", "app.db").findings
    assert (finding.file, finding.line) == ("app/db.py", 4)
    assert [(s["file"], s["line"]) for s in finding.evidence["chain"]] == [
        ("app/db.py", 4),
        ("app/middle.py", 2),
    ]


def test_packages_below_a_root_are_found(tmp_path: Path) -> None:
    folder = harness.write(tmp_path / "checkout", {f"src/{k}": v for k, v in APP.items()})
    [finding] = run(folder, "app.db", "app.api", root="src").findings
    assert finding.file == "src/app/api.py"


def test_several_packages_are_one_graph(folder: Path) -> None:
    harness.write(folder, {"web/__init__.py": "import app.db\n"})
    assert run(folder, "web", "app").outcome is Outcome.PASSED
    assert run(folder, "app", "web").findings[0].file == "web/__init__.py"


@pytest.mark.parametrize(
    ("layers", "root", "reason"),
    [
        (["other.a", "other.b"], None, "there is no package other"),
        (["app.api", "app.gone"], None, "there is no module app.gone"),
        (["app.api"], "nowhere", "is not a folder of the repository"),
        (["app.api"], "../", "is not a folder of the repository"),
        (["json", "app"], None, "there is no package json"),
    ],
)
def test_what_is_not_there_is_errored_never_passed(
    folder: Path, layers: list[str], root: str | None, reason: str
) -> None:
    result = run(folder, *layers, root=root)
    assert result.outcome is Outcome.ERRORED
    assert reason in result.reason


def test_a_file_that_does_not_parse_is_a_finding(folder: Path) -> None:
    harness.write(folder, {"app/db.py": "x = 1\ndef (\n"})
    result = run(folder, "app.api", "app.db")
    [finding] = result.findings
    assert (finding.rule, finding.file, finding.line) == ("imports.syntax", "app/db.py", 2)
    assert result.reason == "app/db.py is not valid Python", "not a forbidden import"
    assert result.metrics["imports.illegal"] == 0


def test_the_candidate_is_read_and_never_what_is_installed_here(tmp_path: Path) -> None:
    modules = {"__init__.py": "", "cli.py": "import orchestrator.store\n", "store.py": ""}
    folder = harness.write(
        tmp_path / "checkout", {f"orchestrator/{name}": text for name, text in modules.items()}
    )
    result = run(folder, "orchestrator.cli", "orchestrator.store")
    assert result.outcome is Outcome.PASSED and result.metrics["imports.modules"] == 3


def test_files_that_are_named_like_the_standard_library_are_not_imported(folder: Path) -> None:
    trap = "raise SystemExit('imported')\n"
    harness.write(folder, {"json.py": trap, "logging/__init__.py": trap, "grimp.py": trap})
    assert run(folder, "app.api", "app.db").outcome is Outcome.PASSED


def test_nothing_is_written_into_the_checkout(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    run(folder, "app.api", "app.db")
    assert sorted(folder.rglob("*")) == before
