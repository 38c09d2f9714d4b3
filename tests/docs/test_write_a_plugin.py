"""The plugin of the how-to, as a reader would make it: built, installed from its wheel, run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import MakeRepo, commit
from tests.environments import ROOT, environment

PAGE = ROOT / "docs" / "how-to" / "write-a-plugin.md"
CONFIG = "version: 1\nproject: shop\nlayers: {app: {paths: ['src/**']}}\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the plugin is installed: the Python there, and the folder with its sources."""

    python: Path
    sources: Path

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)

    def orchestrate(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(folder, "-m", "orchestrator", *arguments)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("plugin")
    sources = folder / "sources"
    sources.mkdir()
    for name, text in re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE.read_text(), re.DOTALL):
        (sources / name).write_text(text)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(sources)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    python, packages = environment(folder / "environment")
    [wheel] = (sources / "dist").glob("*.whl")
    # What pip does with a wheel of one module; pip itself would take seconds.
    zipfile.ZipFile(wheel).extractall(packages)
    return Place(python, sources)


def shop(make_repo: MakeRepo, text: str = "fine\n") -> Path:
    return make_repo({"config/orchestrate.yaml": CONFIG, "src/a.txt": text})


@pytest.mark.slow
def test_its_own_test_passes(installed: Place) -> None:
    done = installed.run(installed.sources, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_is_listed_and_keeps_the_contract(installed: Place, make_repo: MakeRepo) -> None:
    folder = shop(make_repo)
    listed = json.loads(installed.orchestrate(folder, "plugin", "list", "--json").stdout)
    found = {plugin["name"]: plugin["version"] for plugin in listed["plugins"]}
    assert found["markers"] == "1.0"
    done = installed.orchestrate(folder, "plugin", "check", "markers", "--execute")
    shown = re.sub(r"in \d+\.\d s", "in 0.1 s", done.stdout)
    assert done.returncode == 0 and shown in PAGE.read_text()


@pytest.mark.slow
def test_verify_passes_and_fails_by_it(installed: Place, make_repo: MakeRepo) -> None:
    folder = shop(make_repo)
    assert installed.orchestrate(folder, "verify").returncode == 0
    commit(folder, {"src/a.txt": "one\n<<<<<<< ours\n"})
    done = installed.orchestrate(folder, "verify")
    assert done.returncode == 1
    assert "src/a.txt:2" in done.stdout and "a merge was left unfinished" in done.stdout
