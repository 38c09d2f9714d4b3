"""Our hooks in the text of a settings file."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings

from orchestrator.hooks.registration import CLAUDE_CODE, Hook, command, is_ours
from orchestrator.hooks.settings import enter, enter_server, hooks_in, leave, leave_server
from tests.scaffold.test_json_merge import load, texts

WRITE = partial(command, client="claude-code")
SERVER = {"command": "/v/python", "args": ["-I", "-m", "orchestrator", "mcp"]}
THEIRS = {"type": "command", "command": "make lint"}


def entered(text: str, hooks: tuple[Hook, ...] = CLAUDE_CODE) -> str:
    return enter(text, hooks, WRITE, "f", grouped=True)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(texts())
def test_any_settings_survive_byte_for_byte(text: str) -> None:
    once = entered(text)
    assert hooks_in(once) == [WRITE(hook) for hook in sorted_as(once)]
    assert entered(once) == once
    assert leave(once, "f") == text


def sorted_as(text: str) -> list[Hook]:
    """The table in the order of the file, which keeps the events that were there first."""
    order = list(load(text)["hooks"])
    return sorted(CLAUDE_CODE, key=lambda hook: order.index(hook.event))


def older(text: str) -> str:
    """As another version in another place had written it."""
    text = text.replace(json.dumps(WRITE(CLAUDE_CODE[0])["command"]), '"/old/python"')
    text = re.sub(r'"[^"]*/orchestrator/hooks/', '"/old/orchestrator/hooks/', text)
    return text.replace('"timeout": 10', '"timeout": 7')


def test_an_upgrade_rewrites_in_place_and_keeps_what_is_in_between() -> None:
    text = entered('{\n\t"model": "opus"\n}\n')
    mixed = text.replace('"Stop": [', '"Stop": [' + json.dumps({"hooks": [THEIRS]}) + ",", 1)
    assert older(mixed) != mixed
    assert entered(older(mixed)) == mixed


def test_hooks_that_are_no_longer_wanted_go() -> None:
    text = entered('{"a": 1}')
    assert entered(text, CLAUDE_CODE[:3]) == entered('{"a": 1}', CLAUDE_CODE[:3])


def test_a_handler_of_ours_in_somebody_s_group_gets_its_own() -> None:
    ours = WRITE(CLAUDE_CODE[0])
    text = json.dumps({"hooks": {"SessionStart": [{"hooks": [THEIRS, ours]}]}}, indent=2)
    value = load(entered(text))["hooks"]["SessionStart"]
    assert value == [{"hooks": [THEIRS]}, {"hooks": [ours]}]


def test_a_copy_goes() -> None:
    text = entered("{}")
    value = load(text)
    value["hooks"]["Stop"] += value["hooks"]["Stop"]
    assert load(entered(json.dumps(value))) == load(text)


def test_their_hooks_stay_when_ours_leave() -> None:
    text = json.dumps({"hooks": {"Stop": [{"hooks": [THEIRS]}]}}, indent=4)
    left = leave(entered(text), "f")
    assert left == text and not any(map(is_ours, hooks_in(left or "")))


@pytest.mark.parametrize("text", ["", "{}\n", '{"mcpServers": {"x": {"command": "y"}}}'])
def test_the_server_comes_and_goes(text: str) -> None:
    once = enter_server(text, SERVER, "f")
    assert load(once)["mcpServers"]["orchestrate"] == SERVER
    moved = enter_server(once.replace("/v/python", "/w/python"), SERVER, "f")
    assert moved == once
    assert (leave_server(once, "f") or "") == text


def test_somebody_else_s_server_of_that_name_stays() -> None:
    text = '{"mcpServers": {"orchestrate": {"command": "kubectl"}}}'
    assert enter_server(text, SERVER, "f") == text
    assert leave_server(text, "f") == text


@pytest.mark.parametrize(
    "value", [{"hooks": 1}, {"hooks": {"Stop": [1, {"hooks": 2}]}}, {"hooks": {"Stop": "x"}}, []]
)
def test_settings_of_another_build_have_none_of_ours(value: Any) -> None:
    assert hooks_in(json.dumps(value)) == []
    assert hooks_in("{") == []
