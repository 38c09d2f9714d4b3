"""The old scripts' hook entries are found by place, and cut out without touching the rest."""

from __future__ import annotations

import json

import pytest

from orchestrator.coordination.old_hooks import SCRIPTS, find, without

OLD = '{"type": "command", "command": "\\"$CLAUDE_PROJECT_DIR\\"/.claude/hooks/x/%s"}'
FIRST = OLD % SCRIPTS[0]
MINE = '{"type": "command", "command": "make lint"}'


def settings(*entries: str, more: str = "") -> str:
    """Settings with one group of these entries, in somebody's own formatting."""
    listed = ",\n         ".join(entries)
    return (
        f'{{\n\t"model" :  "opus",\n  "hooks": {{\n{more}    "SessionStart": [ {{"hooks": [\n'
        f'         {listed}]}} ]\n  }},   "zeta": [1,2 , 3]\n}}\n'
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_found_with_its_place(script: str) -> None:
    (hook,) = find(settings(MINE, OLD % script))
    assert (hook.event, hook.line, hook.column) == ("SessionStart", 6, 10)
    assert script in hook.command


@pytest.mark.parametrize(
    "command", ["my-coordination-init.sh", "coordination-init.shx", "echo coordination-init"]
)
def test_other_commands_are_nobody_s_business(command: str) -> None:
    entry = json.dumps({"type": "command", "command": command})
    text = settings(entry)
    assert find(text) == []
    assert without(text) == text


@pytest.mark.parametrize(
    "entries",
    [
        (MINE, OLD % SCRIPTS[0]),
        (OLD % SCRIPTS[0], MINE),
        (OLD % SCRIPTS[0], MINE, OLD % SCRIPTS[1]),
    ],
)
def test_neighbours_keep_their_text_and_order(entries: tuple[str, ...]) -> None:
    text = settings(*entries)
    left = without(text)
    assert find(left) == []
    assert json.loads(left)["hooks"] == json.loads(settings(MINE))["hooks"]
    assert left.startswith(text[: text.index('"SessionStart"')])
    assert left.endswith('},   "zeta": [1,2 , 3]\n}\n')


def test_what_becomes_empty_goes_too() -> None:
    other = f'    "Stop": [{{"hooks": [{MINE}]}}],\n'
    left = without(settings(OLD % SCRIPTS[0], OLD % SCRIPTS[1], more=other))
    assert list(json.loads(left)["hooks"]) == ["Stop"]
    alone = without(settings(OLD % SCRIPTS[0]))
    assert json.loads(alone) == {"model": "opus", "zeta": [1, 2, 3]}
    assert '"model" :  "opus"' in alone
    only = '{"hooks": {"Stop": [{"hooks": [%s]}]}}' % (OLD % SCRIPTS[0])
    assert without(only) == "{}"


def test_a_group_goes_and_the_other_group_stays() -> None:
    text = '{"hooks": {"Stop": [{"hooks": [%s]}, {"matcher": "Edit", "hooks": [%s]}]}}'
    left = without(text % (FIRST, MINE))
    assert left == text.replace('{"hooks": [%s]}, ', "", 1).replace("%s", MINE)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"hooks": [', '{"hooks": {"Stop": 5}}', '{"hooks": 1}']
)
def test_a_file_that_is_not_such_settings_is_left_alone(text: str) -> None:
    assert find(text) == []
    assert without(text) == text
