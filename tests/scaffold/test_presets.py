"""Every preset: its configuration loads, its checks run in an empty repository."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from orchestrator.config import presets
from orchestrator.config.load import load
from orchestrator.config.model import Approval, Check, Config
from orchestrator.scaffold.init import set_up
from orchestrator.scaffold.starter import CONTRACTS, STARTERS, text_of
from tests.conftest import MakeRepo, commit, git

KINDS = {"data", "service", "communication", "presentation", "integration", "caching", None}
ROLES = {
    "web": {"frontend", "backend", "devops"},
    "mobile": {"ui", "logic", "platform"},
    "data": {"ingestion", "processing", "output"},
    "microservices": {"service", "gateway", "infrastructure"},
}


def prepared(make_repo: MakeRepo, preset: str) -> tuple[Path, Config]:
    """A new repository with a first commit, set up and committed."""
    repo = make_repo()
    set_up(repo, preset=preset)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "set up")
    return repo, load(repo / "config/orchestrate.yaml")


def every_check(config: Config) -> list[Check]:
    layers = [check for layer in config.layers.values() for check in layer.checks]
    return [*layers, *config.integration_tests]


def run(repo: Path, check: Check) -> subprocess.CompletedProcess[str]:
    report = repo.parent / "report"
    assert check.run is not None
    command = check.run.replace("{report}", f"'{report}'")
    return subprocess.run(["sh", "-c", command], cwd=repo, capture_output=True, text=True)


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_is_complete(name: str) -> None:
    preset = presets.load(name)
    layers = {layer.name for layer in preset.layers}
    assert {layer.kind for layer in preset.layers} <= KINDS
    assert sum(layer.main for layer in preset.layers) == 1
    assert layers == {one for instance in preset.instances for one in instance.layers}
    assert all(set(layer.depends_on) <= layers for layer in preset.layers)
    starters = {s for layer in preset.layers for s in layer.starters} | set(preset.starters)
    assert starters <= set(STARTERS)
    assert {*preset.contracts} <= set(CONTRACTS)
    assert ROLES.get(name, set()) <= {instance.id for instance in preset.instances}


def test_the_six_layer_kinds_are_all_used() -> None:
    assert {layer.kind for name in presets.NAMES for layer in presets.load(name).layers} == KINDS


def test_every_starter_belongs_to_a_preset() -> None:
    used = {
        s for name in presets.NAMES for layer in presets.load(name).layers for s in layer.starters
    }
    used |= {s for name in presets.NAMES for s in presets.load(name).starters}
    assert used == set(STARTERS)


@pytest.mark.parametrize("name", presets.NAMES)
def test_an_empty_repository_set_up_with_a_preset_passes_its_checks(
    make_repo: MakeRepo, name: str
) -> None:
    repo, config = prepared(make_repo, name)
    assert set(config.instances) == {i.id for i in presets.load(name).instances} | {"coordinator"}
    assert set(config.layers) == {layer.name for layer in presets.load(name).layers}
    for check in every_check(config):
        done = run(repo, check)
        assert done.returncode == 0, f"{check.name}: {done.stdout}{done.stderr}"
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_planted_secret_fails_in_every_preset(make_repo: MakeRepo, name: str) -> None:
    repo, config = prepared(make_repo, name)
    commit(repo, {"settings.py": f'KEY = "AKIA{"Q7" * 8}"\n'})
    failed = [check.name for check in config.integration_tests if run(repo, check).returncode == 1]
    assert failed == ["secret-scan"]


@pytest.mark.parametrize("name", presets.NAMES)
def test_what_is_commented_out_can_be_switched_on(make_repo: MakeRepo, name: str) -> None:
    """In a repository that has something, the rest of the preset is a comment that is YAML."""
    preset = presets.load(name)
    main = next(layer for layer in preset.layers if layer.main)
    repo = make_repo({f"{main.paths[0].removesuffix('/**')}/code.py": "x = 1\n"})
    set_up(repo, preset=name)
    path = repo / "config/orchestrate.yaml"
    before = load(path)
    assert main.name in before.layers
    path.write_text(switched_on(path.read_text()))
    after = load(path)
    assert set(after.layers) == {layer.name for layer in preset.layers}
    assert {instance.id for instance in preset.instances} <= set(after.instances)
    wanted = {s for layer in preset.layers for s in layer.starters} - {"unit-tests"}
    assert wanted <= {check.name for check in every_check(after)}


def switched_on(text: str) -> str:
    """The configuration with everything that is commented out in the layers taken in."""
    before, start, rest = text.partition("instances:\n")
    middle, end, after = rest.partition("integration_tests:\n")
    line = re.compile(r"""(?m)^( +)# ( *(?:- |[\w-]+:(?: |$)).*)$""")
    for _ in range(2):
        middle = line.sub(r"\1\2", middle)
    return before + start + middle + end + after


def test_every_example_in_a_comment_loads(make_repo: MakeRepo) -> None:
    repo = make_repo()
    set_up(repo)
    path = repo / "config/orchestrate.yaml"
    example = re.compile(r"""(?m)^( *)# ( *(?:- |[\w-]+:(?: |$)|report\.|&& ).*)$""")
    path.write_text(example.sub(r"\1\2", path.read_text()))
    config = load(path)
    assert set(config.flows) == {"order"}
    assert set(config.benchmarks) == {"search"}
    assert set(config.contracts) == {"user"}
    assert config.verification.plugins == ("plugins/example.py",)
    assert len(config.emergency) == 2
    assert config.approval == Approval(approve_when=config.approval.approve_when)
    assert config.approval.approve_when.split() == Approval().approve_when.split()


def test_example_contracts_fit_their_samples() -> None:
    import jsonschema

    for contract in CONTRACTS.values():
        schema = json.loads(text_of(contract.path))
        for sample in contract.samples:
            jsonschema.validate(json.loads(text_of(sample)), schema)


def test_the_reference_page_names_everything() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/presets.md").read_text()
    for name in presets.NAMES:
        preset = presets.load(name)
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        names = [one.id for one in preset.instances] + [one.name for one in preset.layers]
        assert all(f"| `{one}` |" in section for one in names)
        for layer in preset.layers:
            assert layer.about in section
            assert all(f"`{starter}`" in section for starter in layer.starters)
    for name, starter in STARTERS.items():
        assert f"| `{name}` | {starter.about} | {starter.report} |" in page
