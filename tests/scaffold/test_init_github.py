"""The workflow for GitHub Actions: valid, pinned, and safe with what others wrote."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import yaml

from orchestrator.scaffold.github import WORKFLOW, workflow
from orchestrator.scaffold.init import set_up
from tests.conftest import MakeRepo, commit, git


def test_the_workflow_is_valid_pinned_and_never_overwrites(make_repo: MakeRepo) -> None:
    repo = make_repo()
    assert WORKFLOW in set_up(repo, github=True).written
    text = (repo / WORKFLOW).read_text()
    value = yaml.safe_load(text)
    assert value["permissions"] == {"contents": "read"}
    assert value[True]["push"]["branches"] == ["main"], "YAML reads the key on as true"
    steps = value["jobs"]["verify"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) == 4
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in used)
    [verify] = [step["run"] for step in steps if step.get("name") == "Verify"]
    assert "${{" not in verify, "nothing of an event reaches a shell"
    words = verify.split()
    assert words[:4] == ["orchestrate", "verify", "--since", '"$SINCE"']
    assert words[words.index("sarif") + 2] == "reports/orchestrate.sarif"
    assert not re.search(r"\{\w+\}", text.replace("${{", "")), "no placeholder is left"
    (repo / WORKFLOW).write_text("mine\n")
    assert WORKFLOW in set_up(repo, github=True).kept
    assert (repo / WORKFLOW).read_text() == "mine\n"
    odd = yaml.safe_load(workflow("it's: #1", "a/b.yaml").text)
    assert odd[True]["push"]["branches"] == ["it's: #1"]
    assert odd["jobs"]["verify"]["env"]["ORCHESTRATE_CONFIG"] == "a/b.yaml"


def test_the_base_to_compare_with_is_found(make_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_repo()
    first = git(repo, "rev-parse", "HEAD")
    steps = yaml.safe_load(workflow("main").text)["jobs"]["verify"]["steps"]
    [script] = [step["run"] for step in steps if step.get("id") == "base"]

    def base(value: str) -> str:
        output = tmp_path / "output"
        output.write_text("")
        env = {**os.environ, "BASE": value, "GITHUB_OUTPUT": str(output)}
        subprocess.run(["bash", "-e", "-c", script], cwd=repo, env=env, check=True)
        return output.read_text().strip().removeprefix("commit=")

    assert base("0" * 40) == first, "the very first push"
    second = commit(repo, {"a": "1"})
    commit(repo, {"a": "2"})
    assert base(first) == first
    assert base("0" * 40) == second, "a new branch: its last commit"
    assert git(repo, "status", "--porcelain") == ""
