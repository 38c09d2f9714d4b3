"""The Claude Code plugin, as it is made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.cli.main import COMMANDS, run
from orchestrator.hooks import packing, registration
from orchestrator.hooks.entering import paragraph
from orchestrator.hooks.settings import hooks_in

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    packing.pack(folder)
    return folder


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def test_it_has_the_hooks_of_the_table(plugin: Path) -> None:
    wanted = [registration.command(hook, "claude-code") for hook in registration.CLAUDE_CODE]
    assert hooks_in((plugin / "hooks/hooks.json").read_text()) == wanted


def test_it_is_plugin_and_marketplace_in_one(plugin: Path) -> None:
    manifest = loaded(plugin / ".claude-plugin/plugin.json")
    market = loaded(plugin / ".claude-plugin/marketplace.json")
    assert f"{manifest['name']}@{market['name']}" == packing.FULL_NAME
    assert market["plugins"][0] | {"description": ""} == {
        "name": manifest["name"], "source": "./", "description": "",
    }  # fmt: skip


def test_what_a_directory_of_plugins_asks_for_is_there(plugin: Path) -> None:
    assert len((plugin / "README.md").read_text().split()) >= 40
    assert (plugin / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("name", ["briefing", "handoff", "lease"])
def test_a_skill_is_one_that_clients_accept(plugin: Path, name: str) -> None:
    text = (plugin / "skills" / name / "SKILL.md").read_text()
    _, head, body = text.split("---\n", 2)
    fields = yaml.safe_load(head)
    assert fields["name"] == name and 40 < len(fields["description"]) <= 1024
    assert "{orchestrate}" not in body and len(body.splitlines()) < 500
    assert commands(text) <= set(COMMANDS) and len(commands(text)) >= 3


def commands(text: str) -> set[str]:
    """The commands of ours that a text tells to type."""
    return set(re.findall(r"(?:[`(]|^    )orchestrate ([a-z-]+)", text, re.M))


def test_agents_md_names_commands_that_exist() -> None:
    assert len(commands(paragraph())) >= 6 and commands(paragraph()) <= set(COMMANDS)


def test_a_second_time_changes_nothing_and_another_place_changes_the_version(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {one.verb for one in packing.pack(plugin)} == {"kept"}
    monkeypatch.setattr(registration, "interpreter", lambda: "/elsewhere/python3")
    changed = {one.name for one in packing.pack(plugin) if one.verb != "kept"}
    assert changed == {"hooks/hooks.json", ".claude-plugin/plugin.json"}


def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["init", "--plugin", str(tmp_path)]) == 2
    assert "E734" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_it_says_how_a_client_gets_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--plugin", str(tmp_path / "a b")]) == 0
    out = capsys.readouterr().out
    assert f"claude --plugin-dir '{tmp_path}/a b'" in out
    assert run(["init", "--plugin", str(tmp_path / "c"), "--dry-run"]) == 0
    assert not (tmp_path / "c").exists()
