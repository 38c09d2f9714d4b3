"""Text becomes the model, with every default; and the configuration in force is found."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config.load import at, effective, in_force, load, load_text, locate
from orchestrator.config.model import Approval, Config, Contract, Coordinator, Instance, Rule
from orchestrator.config.problems import InvalidConfig, MissingConfig
from orchestrator.config.schema import schema
from orchestrator.config.show import written
from orchestrator.git import Git, find
from tests.config.texts import MINIMAL, WHOLE
from tests.conftest import MakeRepo, commit, git


def loaded(text: str) -> Config:
    return load_text(text, source="config/orchestrate.yaml")


def test_three_keys_are_enough_and_the_rest_has_defaults() -> None:
    config = loaded(MINIMAL)
    assert config.project == "shop"
    assert config.coordinator == Coordinator()
    assert config.approval == Approval()
    assert list(config.layers) == ["data", "service"]
    assert config.layers["service"].depends_on == ("data",)
    assert config.verification.budget == 900.0


def test_the_coordinator_needs_no_entry_and_gets_its_role() -> None:
    config = loaded(MINIMAL + "coordinator: {instance: boss}\n")
    assert config.instances == {"boss": Instance("boss", "INTEGRATION_COORDINATION")}


def test_a_coordinator_with_an_entry_keeps_it() -> None:
    config = loaded(MINIMAL + "instances: {coordinator: {role: CHIEF}}\n")
    assert config.instances == {"coordinator": Instance("coordinator", "CHIEF")}


def test_a_whole_file_arrives_in_the_model() -> None:
    config = loaded(WHOLE)
    assert config.coordinator == Coordinator("boss", 60.0, "trunk", "merge", "origin")
    assert config.instances["backend"].file_patterns == ("src/backend/**", "database/")
    assert config.instances["backend"].priority == 3
    assert config.layers["data"].checks[1].options == {"allow": ["MIT", None], "deep": {"on": True}}
    assert config.layers["service"].checks[0].report == {"format": None, "path": "build/*.xml"}
    assert config.layers["service"].checks[2].imports == {
        "layers": ["app.api", "app.db"],
        "root": "src",
    }
    assert config.contracts["user"] == Contract(
        name="user",
        kind="json-schema",
        path="verification/user.schema.json",
        compatibility="full-transitive",
        direction="output",
        samples="verification/samples/user/*.json",
        content_model="open",
    )
    assert config.contracts["wire"].policy == "wire-json"
    assert config.flows["signup"].steps[0].input == {"name": "Ada", "mail": None}
    assert config.flows["signup"].steps[0].timeout == 1.5
    assert config.benchmarks["search"].max_regression == 0.125
    assert config.benchmarks["search"].budget == 0.25
    assert config.benchmarks["search"].time_limit == 3600.0
    assert config.benchmarks["search"].timeout == 5.0
    assert config.verification.prepare[0].timeout == 86400.0
    assert config.escalation.always_when == (
        Rule("handoff.touches_policy"),
        Rule("handoff.attempt > 3", enforce=False),
    )
    assert config.escalation.levels[1].ack_within == 14400.0
    assert config.emergency[1].do == ("freeze", "rollback", "escalate")


def test_checks_without_a_name_get_one_from_their_command() -> None:
    config = loaded(WHOLE)
    assert [check.name for check in config.layers["data"].checks] == ["db-tests", "licences"]
    assert [check.name for check in config.layers["service"].checks] == [
        "pytest",
        "pytest-2",
        "imports",
    ]
    assert [check.name for check in config.integration_tests] == ["make"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("uv run ruff check .", "ruff"),
        ("python3.12 tools/run_tests.py x", "run_tests"),
        ("npm run test:unit", "test-unit"),
        ("cd web && npx vitest --run", "vitest"),
        ("--", "command"),
        ("ünïcode", "n-code"),
    ],
)
def test_the_name_of_a_check_is_the_first_telling_word(command: str, name: str) -> None:
    text = MINIMAL + f"integration_tests: [{{run: {command!r}}}]\n"
    assert loaded(text).integration_tests[0].name == name


def test_a_made_name_never_takes_one_that_was_given() -> None:
    text = MINIMAL + "integration_tests: [{run: make a}, {name: make, run: b}, {run: make c}]\n"
    assert [c.name for c in loaded(text).integration_tests] == ["make-2", "make", "make-3"]


@pytest.mark.parametrize("text", [MINIMAL, WHOLE], ids=["minimal", "whole"])
def test_what_is_shown_loads_to_the_same_configuration(text: str) -> None:
    config = loaded(text)
    again = loaded(yaml.safe_dump(written(config), sort_keys=False, allow_unicode=True))
    assert again == config
    assert again.digest == config.digest


def test_two_files_that_say_the_same_have_the_same_digest() -> None:
    longer = MINIMAL + "approval: {auto: true}\ncoordinator: {monitoring_interval: 30}\n"
    assert loaded(MINIMAL).digest == loaded(longer).digest
    assert loaded(MINIMAL).digest != loaded(MINIMAL + "approval: {auto: false}\n").digest


@dataclass(frozen=True)
class Grown(Coordinator):
    """As a later version may have it."""

    new: str = "as ever"


def test_a_key_left_at_its_default_is_no_part_of_the_digest() -> None:
    """So a later version with one more key gives the same file the same digest."""
    config = loaded(MINIMAL + "coordinator: {monitoring_interval: 60}\n")
    kept = {each.name: getattr(config.coordinator, each.name) for each in fields(Coordinator)}
    assert replace(config, coordinator=Grown(**kept)).digest == config.digest
    assert replace(config, coordinator=Grown(**kept, new="said")).digest != config.digest


def test_the_whole_file_uses_every_key_of_the_schema() -> None:
    """So that the tests above speak of everything there is."""
    used = keys(yaml.safe_load(WHOLE))
    assert set(properties(schema())) - used == set()


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys(entry) for entry in value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def properties(part: Any) -> list[str]:
    """The names of all properties anywhere in a schema."""
    if isinstance(part, list):
        return [name for entry in part for name in properties(entry)]
    if not isinstance(part, dict):
        return []
    found = list(part["properties"]) if isinstance(part.get("properties"), dict) else []
    return found + [name for entry in part.values() for name in properties(entry)]


def test_the_defaults_of_the_schema_are_those_of_the_model() -> None:
    """A file that states every default of the schema means what an empty one means."""
    text = yaml.safe_load(MINIMAL)
    sections = ("coordinator", "verification", "approval", "escalation")
    definitions = schema()["$defs"]
    for name in sections:
        text[name] = defaults(definitions[name])
    text["instances"] = {"a": {"role": "R", **defaults(definitions["instance"])}}
    text["contracts"] = {"c": {"kind": "avro", "path": "c", **defaults(definitions["contract"])}}
    text["benchmarks"] = {"b": {"run": "x", **defaults(definitions["benchmark"])}}
    text["integration_tests"] = [{"uses": "x", **defaults(definitions["check"])}]
    step = {"name": "s", "run": "x", **defaults(definitions["step"])}
    text["flows"] = {"f": {"steps": [step], **defaults(definitions["flow"])}}
    stated = loaded(yaml.safe_dump(text, sort_keys=False))
    short = (
        "instances: {a: {role: R}}\ncontracts: {c: {kind: avro, path: c}}\n"
        "benchmarks: {b: {run: x}}\nintegration_tests: [{uses: x}]\n"
        "flows: {f: {steps: [{name: s, run: x}]}}\n"
    )
    assert stated == loaded(MINIMAL + short)


def defaults(definition: Any) -> dict[str, Any]:
    return {
        key: entry["default"]
        for key, entry in definition["properties"].items()
        if "default" in entry
    }


def test_the_configuration_of_this_repository_loads() -> None:
    root = Path(__file__).parents[2]
    assert load(root / "config" / "orchestrate.yaml").project == "orchestrate"


def test_the_schema_is_a_valid_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema())


def test_every_key_of_the_schema_is_described() -> None:
    silent = [
        f"{name}.{key}"
        for name, definition in schema()["$defs"].items()
        for key, entry in definition.get("properties", {}).items()
        if "description" not in entry and "$ref" not in entry
    ]
    assert silent == []


# Where it is found


def test_a_file_is_found_at_its_two_places_and_by_the_variable(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo({"sub/config/orchestrate.yaml": MINIMAL})
    assert locate(repo) is None
    hidden = repo / ".orchestrate/config/orchestrate.yaml"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(MINIMAL)
    assert locate(repo) == hidden
    (repo / "config").mkdir()
    (repo / "config/orchestrate.yaml").write_text(MINIMAL)
    assert locate(repo) == repo / "config/orchestrate.yaml"
    monkeypatch.setenv("ORCHESTRATE_CONFIG", "sub/config/orchestrate.yaml")
    assert locate(repo) == repo / "sub/config/orchestrate.yaml"


def test_a_loaded_file_knows_its_path_in_the_repository(make_repo: MakeRepo) -> None:
    repo = make_repo({".orchestrate/config/orchestrate.yaml": MINIMAL})
    assert load(repo / ".orchestrate/config/orchestrate.yaml").source == (
        ".orchestrate/config/orchestrate.yaml"
    )


def test_a_file_outside_git_is_loaded_relative_to_its_config_folder(tmp_path: Path) -> None:
    path = tmp_path / "config" / "orchestrate.yaml"
    path.parent.mkdir()
    path.write_text(MINIMAL)
    assert load(path).source == "config/orchestrate.yaml"


def project(text: str, name: str) -> str:
    return text.replace("project: shop", f"project: {name}")


def test_the_integration_branch_decides_not_what_is_written_beside_it(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": project(MINIMAL, "landed")})
    (repo / "config/orchestrate.yaml").write_text(project(MINIMAL, "edited"))
    git(repo, "worktree", "add", "-q", "-b", "work", "../other")
    (repo.parent / "other/config/orchestrate.yaml").write_text(project(MINIMAL, "elsewhere"))
    assert in_force(find(repo)).project == "landed"
    assert in_force(find(repo.parent / "other")).project == "landed"


def test_the_main_worktree_names_the_integration_branch(make_repo: MakeRepo) -> None:
    text = MINIMAL + "coordinator: {integration_branch: trunk}\n"
    repo = make_repo({"config/orchestrate.yaml": project(text, "main-branch")})
    git(repo, "branch", "trunk")
    commit(repo, {"config/orchestrate.yaml": project(text, "newer")})
    found = effective(find(repo))
    assert found.config.project == "main-branch"
    head = Git(repo).commit("refs/heads/trunk")
    assert head
    assert found.origin == f"branch trunk, commit {head[:10]}"


def test_a_broken_file_in_the_main_worktree_does_not_hide_the_branch(make_repo: MakeRepo) -> None:
    repo = make_repo({"config/orchestrate.yaml": MINIMAL})
    (repo / "config/orchestrate.yaml").write_text("layers: [")
    assert in_force(find(repo)).project == "shop"


def test_before_it_is_committed_the_main_worktrees_file_decides(make_repo: MakeRepo) -> None:
    repo = make_repo()
    git(repo, "worktree", "add", "-q", "-b", "work", "../other")
    other = repo.parent / "other" / "config" / "orchestrate.yaml"
    other.parent.mkdir()
    other.write_text(project(MINIMAL, "other"))
    found = effective(find(other.parent))
    assert (found.config.project, found.origin) == (
        "other",
        "this worktree, not committed on the integration branch",
    )
    (repo / "config").mkdir()
    (repo / "config/orchestrate.yaml").write_text(project(MINIMAL, "main"))
    found = effective(find(other.parent))
    assert (found.config.project, found.origin) == (
        "main",
        "the main worktree, not committed on the integration branch",
    )


def test_an_author_cannot_choose_the_branch_whose_rules_apply(make_repo: MakeRepo) -> None:
    """Not even where the main worktree has no file that names it."""
    repo = make_repo({"config/orchestrate.yaml": project(MINIMAL, "landed")})
    git(repo, "worktree", "add", "-q", "-b", "mine", "../other")
    lax = project(MINIMAL, "lax") + "coordinator: {integration_branch: mine}\n"
    commit(repo.parent / "other", {"config/orchestrate.yaml": lax})
    (repo / "config/orchestrate.yaml").unlink()
    assert in_force(find(repo.parent / "other")).project == "landed"
    git(repo, "checkout", "-q", "-f", "--detach")
    git(repo, "branch", "-q", "-D", "main")
    (repo / "config/orchestrate.yaml").unlink()
    assert in_force(find(repo.parent / "other")).project == "lax"


def test_without_any_configuration_the_error_says_how_to_write_one(make_repo: MakeRepo) -> None:
    with pytest.raises(MissingConfig) as caught:
        in_force(find(make_repo()))
    assert caught.value.hint == "write one: orchestrate init"


def test_a_repository_without_commits_has_the_file_of_its_worktree(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/orchestrate.yaml").write_text(MINIMAL)
    assert in_force(find(tmp_path)).project == "shop"


def test_a_named_file_of_the_repository_is_read_from_the_branch(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo({"team/o.yaml": project(MINIMAL, "landed")})
    (repo / "team/o.yaml").write_text(project(MINIMAL, "edited"))
    monkeypatch.setenv("ORCHESTRATE_CONFIG", "team/o.yaml")
    found = in_force(find(repo))
    assert (found.project, found.source) == ("landed", "team/o.yaml")


def test_a_named_file_outside_the_repository_decides_itself(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repo({"config/orchestrate.yaml": project(MINIMAL, "landed")})
    outside = tmp_path / "mine.yaml"
    outside.write_text(project(MINIMAL, "mine"))
    for name in (str(outside), "../mine.yaml"):
        monkeypatch.setenv("ORCHESTRATE_CONFIG", name)
        assert in_force(find(repo)).project == "mine"


def test_the_configuration_of_a_commit_is_that_commits(make_repo: MakeRepo) -> None:
    repo = make_repo()
    before = git(repo, "rev-parse", "HEAD")
    after = commit(repo, {"config/orchestrate.yaml": MINIMAL})
    (repo / "config/orchestrate.yaml").write_text("nonsense")
    assert at(Git(repo), before) is None
    found = at(Git(repo), after)
    assert found is not None
    assert found.project == "shop"
    assert at(Git(repo), after, "elsewhere.yaml") is None


def test_a_broken_configuration_in_a_commit_is_an_error_that_names_the_commit(
    make_repo: MakeRepo,
) -> None:
    repo = make_repo({"config/orchestrate.yaml": "version: 1\nproject: a\nlayers: {}\n"})
    head = git(repo, "rev-parse", "HEAD")
    with pytest.raises(InvalidConfig) as caught:
        in_force(find(repo))
    assert caught.value.message == (
        f"config/orchestrate.yaml in commit {head[:10]} has a problem:\n\n"
        "config/orchestrate.yaml:3:9  layers\n  E106 must not be empty\n"
    )
