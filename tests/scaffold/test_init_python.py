"""A Python library is set up so that its tests can run and what it ships is protected."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import MakeRepo
from tests.scaffold.test_init_detect import Tree, fitted

BUILT = "[build-system]\nrequires = ['flit_core']\n[project]\nname = 'My-Shop'\n"
EXTRA = "[project.optional-dependencies]\ntests = ['pytest']\n"
TESTED = {"tests/test_x.py": "", "tox.ini": "pytest\n"}


@pytest.mark.parametrize(
    ("manifest", "files", "wanted"),
    [
        (BUILT, {}, "-e . pytest"),
        (BUILT, {"requirements/tests.txt": "pytest==8\n"}, "-e . -r requirements/tests.txt"),
        (BUILT + EXTRA, {}, "-e '.[tests]' pytest"),
        (f"{BUILT}[dependency-groups]\ntest = ['hypothesis>=6', {{include-group = 'x'}}]\n", {},
         "-e . 'hypothesis>=6' pytest"),
    ],
)  # fmt: skip
def test_what_its_tests_need_is_installed(
    make_repo: MakeRepo, manifest: str, files: dict[str, str], wanted: str
) -> None:
    tree: Tree = {"pyproject.toml": manifest, "src/my_shop/__init__.py": "", **TESTED, **files}
    _, config, _ = fitted(make_repo, tree)
    [step] = config.verification.prepare
    assert step.run.endswith(wanted)
    assert step.when_changed == ("pyproject.toml", *files)
    assert config.verification.keep == (".venv",)


@pytest.mark.parametrize("folder", ["src/", ""])
def test_the_package_it_ships_is_a_contract(make_repo: MakeRepo, folder: str) -> None:
    tree: Tree = {
        "pyproject.toml": BUILT,
        f"{folder}my_shop/__init__.py": "",
        f"{folder}my_shop/deep/__init__.py": "",
        "tests/__init__.py": "",
    }
    _, config, _ = fitted(make_repo, tree)
    [contract] = config.contracts.values()
    assert (contract.name, contract.kind, contract.package) == ("my-shop", "python", "my_shop")
    assert contract.path == (folder.rstrip("/") or ".")


def test_an_application_promises_nobody_its_names(make_repo: MakeRepo) -> None:
    manifest = f"{BUILT}dependencies = ['flask']\n"
    done, config, _ = fitted(
        make_repo, {"pyproject.toml": manifest, "my_shop/__init__.py": "", "my_shop/a.html": "<p>"}
    )
    assert done.preset == "web" and config.contracts == {}


def test_a_starter_leaves_out_what_was_installed(make_repo: MakeRepo) -> None:
    tree: Tree = {"pyproject.toml": BUILT, "src/my_shop/__init__.py": "", "vendor/x.py": ""}
    done, _, _ = fitted(make_repo, tree)
    secret = "url = 'https://me:hunter2hunter2@there'\n"
    for place in (".venv/lib/a.py", "new.py", "vendor/x.py"):
        path = done.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secret)
    script = "verification/checks/secret_scan.py"
    run = subprocess.run([sys.executable, "-B", script], cwd=done.root, env=dict(os.environ),
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert run.returncode == 1
    assert "new.py:1:" in run.stdout and "vendor/x.py:1:" in run.stdout
    assert ".venv" not in run.stdout
