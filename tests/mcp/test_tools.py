"""The tools as data: what they cost, and what they refuse before anything is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.mcp.errors import BadArguments
from orchestrator.mcp.server import INSTRUCTIONS, listed
from orchestrator.mcp.tools import TOOLS
from tests.tokens import tokens


def test_all_tools_together_cost_at_most_2000_tokens() -> None:
    shown = [
        listed(tool).model_dump_json(by_alias=True, exclude_none=True) for tool in TOOLS.values()
    ]
    assert tokens("".join(shown)) <= 2000
    assert tokens(INSTRUCTIONS) <= 100


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_describes_every_argument_and_no_other(name: str) -> None:
    tool = TOOLS[name]
    used = {one for action in tool.actions.values() for one in action.names}
    assert set(tool.properties) <= used
    extra = set() if "" in tool.actions else {"action"}
    assert set(tool.schema()["properties"]) == used | extra


@pytest.mark.parametrize(
    ("name", "arguments", "message", "hint"),
    [
        ("lease", {}, "lease needs an action", "actions: acquire, release, renew, check, list"),
        ("lease", {"action": "steal"}, "lease has no action 'steal'", "actions: acquire, "),
        ("lease", {"action": ["list"]}, "lease has no action ['list']", "actions: acquire, "),
        ("lease", {"action": "acquire"}, "lease acquire lacks paths", "takes: acquire paths ["),
        ("lease", {"action": "list", "ttl": 5}, "lease list does not take ttl", "list [instance]"),
        ("lease", {"action": "acquire", "paths": "a"}, "paths: \"a\" is not of type", "paths"),
        ("lease", {"action": "acquire", "paths": []}, "lease: paths: [] has less than 1 item", ""),
        ("lease", {"action": "acquire", "paths": ["a"], "wait": 900}, "wait: 900 is", "wait"),
        ("ready", {"action": "mark", "notes": {"why": "x"}}, "notes: ", "mark notes [ref to]"),
        ("explain", {}, "\"handoff\" is a required property", "explain takes: handoff"),
        ("status", {"verbose": True}, "status: Additional properties", "[instance handoff]"),
    ],
)  # fmt: skip
def test_bad_arguments_say_what_is_wrong_and_what_is_taken(
    name: str, arguments: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(BadArguments) as raised:
        TOOLS[name].chosen(arguments)
    assert message in raised.value.message
    assert hint in str(raised.value.hint)


def test_every_tool_and_argument_is_on_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/mcp.md").read_text()
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    assert list(sections) == list(TOOLS)
    for name, tool in TOOLS.items():
        for action in filter(None, tool.actions):
            assert f"`{tool.usage(action)}`" in sections[name], f"{name}: {tool.usage(action)}"
        for argument in set(tool.schema()["properties"]) - {"action"}:
            assert re.search(rf"\b{argument}\b", sections[name]), f"{name}: {argument}"
