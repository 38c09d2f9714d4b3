"""The rules in force are those of one commit; its author cannot change them in passing."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.model import Config, Contract, Verification
from orchestrator.git import find
from orchestrator.verification.rules import rules_at, touches_policy
from tests.conftest import MakeRepo, commit

YAML = """
version: 1
project: shop
layers:
  data: {paths: ["data/**"], checks: [{name: fine, run: "true"}]}
verification: {plugins: ["plugins/licences.py"]}
"""


@pytest.fixture
def shop(make_repo: MakeRepo) -> Path:
    return make_repo({"config/orchestrate.yaml": YAML, "plugins/licences.py": "JUDGE = 1\n"})


def test_plugins_are_those_of_the_commit_not_of_the_working_tree(shop: Path) -> None:
    repository = find(shop)
    base = repository.git.commit("HEAD")
    assert base is not None
    later = commit(shop, {"plugins/licences.py": "JUDGE = 2\n"})
    (shop / "plugins/licences.py").write_text("JUDGE = 3\n")
    for revision, content in ((base, "JUDGE = 1\n"), (later, "JUDGE = 2\n")):
        rules = rules_at(repository, revision)
        assert rules is not None and rules.commit == revision
        assert (rules.folder / "plugins/licences.py").read_text() == content
        assert rules.folder == repository.state / "rules" / revision
        assert rules.state == repository.state


def test_a_plugin_file_changed_in_the_state_folder_is_put_right(shop: Path) -> None:
    repository = find(shop)
    head = str(repository.git.commit("HEAD"))
    rules = rules_at(repository, head)
    assert rules is not None
    (rules.folder / "plugins/licences.py").write_text("JUDGE = 9\n")
    rules_at(repository, head)
    assert (rules.folder / "plugins/licences.py").read_text() == "JUDGE = 1\n"


def test_a_plugin_the_commit_does_not_have_is_left_to_loading(shop: Path) -> None:
    without = commit(shop, {"plugins/licences.py": None})
    rules = rules_at(find(shop), without)
    assert rules is not None and not (rules.folder / "plugins/licences.py").exists()


def test_a_commit_without_configuration_has_no_rules(shop: Path) -> None:
    assert rules_at(find(shop), commit(shop, {"config/orchestrate.yaml": None})) is None


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("config/orchestrate.yaml", True),
        (".orchestrate/config/orchestrate.yaml", True),
        ("plugins/licences.py", True),
        ("verification/checks/secret_scan.py", True),
        ("plugins/unnamed.py", False),
        ("verification/baselines/search.json", True),
        ("verification/baselinesx/search.json", False),
        ("verification/baselines/contracts/user.json", True),
        ("verification/contracts/user.json", False),
        ("src/app.py", False),
    ],
)
def test_which_paths_are_policy(path: str, policy: bool) -> None:
    config = Config(
        "shop",
        {},
        contracts={"user": Contract("user", "json-schema", "verification/contracts/user.json")},
        verification=Verification(plugins=("plugins/licences.py",)),
    )
    assert bool(touches_policy(config, "config/orchestrate.yaml", ["README.md", path])) is policy


def test_policy_of_a_project_kept_under_another_folder() -> None:
    config = Config("shop", {}, source=".orchestrate/config/orchestrate.yaml")
    changed = [".orchestrate/verification/baselines/a.json", "verification/baselines/a.json"]
    assert touches_policy(config, config.source, changed) == (changed[0],)
