"""``docs/reference/rules.md`` has every field of every scope, and its rules are good ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.policy.emergency import ACTIONS
from orchestrator.policy.escalation import ANSWERS, KINDS
from orchestrator.policy.facts import FIELDS, SCOPES, Fields
from orchestrator.policy.rules import FUNCTIONS, LIMITS, check, references
from orchestrator.policy.verdict import THRESHOLDS, judge
from orchestrator.report.explain import explain

ROOT = Path(__file__).parents[2] / "docs"
PAGE = (ROOT / "reference" / "rules.md").read_text()
EXPLANATION = (ROOT / "explanation" / "policy.md").read_text()
KIND = {bool: "true or false", int: "whole number", float: "decimal number", str: "text",
        list: "list of texts"}  # fmt: skip


def rows(fields: Fields) -> list[str]:
    """The rows of the table of one object's own fields."""
    return [
        f"| `{name}` | {KIND[type(field[1])]} | {field[0]} |"
        for name, field in fields.items()
        if isinstance(field, tuple)
    ]


@pytest.mark.parametrize(
    ("scope", "root"), [(scope, root) for scope, roots in FIELDS.items() for root in roots]
)
def test_the_page_has_every_field_with_its_kind_and_meaning(scope: str, root: str) -> None:
    fields = FIELDS[scope][root]
    assert not isinstance(fields, tuple)
    assert "\n".join(rows(fields)) in PAGE
    assert all(f"`{name}`" in PAGE for name in fields)


def test_the_page_has_every_scope_function_and_limit() -> None:
    assert all(place.split(":")[0] in PAGE for place in SCOPES.values())
    assert all(f"{name}(" in PAGE for name in FUNCTIONS)
    limits = [f"{LIMITS['length']:,} characters", f"{LIMITS['nesting']} deep"]
    assert all(limit in PAGE for limit in limits)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_rule_on_the_page_is_a_good_one(scope: str) -> None:
    blocks = re.findall(rf"```text {scope}\n(.*?)```", PAGE, flags=re.DOTALL)
    rules = [line for block in blocks for line in block.splitlines() if line]
    assert rules
    assert [check(rule, scope) for rule in rules] == [None] * len(rules)
    assert all(references(rule) for rule in rules)


@pytest.mark.parametrize("word", [*THRESHOLDS, *KINDS, *ACTIONS, *ANSWERS["decision"]])
def test_the_explanation_has_every_preset_kind_answer_and_action(word: str) -> None:
    assert f"`{word}`" in EXPLANATION


def test_the_explanation_on_the_page_is_what_explain_prints() -> None:
    facts = {"report": {"failed": 0, "flaky": 2}, "handoff": {"touches_policy": False}}
    decision = judge(
        facts,
        auto=True,
        approve_when="report.failed == 0 && report.flaky == 0",
        reject_when="report.failed > 0",
        always_when=[("handoff.touches_policy", True)],
    )
    shown = [f"    {line}".rstrip() for line in explain(decision).splitlines()]
    assert "\n".join(shown) in EXPLANATION


def test_the_configuration_knows_the_same_actions_and_thresholds() -> None:
    from orchestrator.config.schema import __file__ as beside

    schema = (Path(beside).parent / "schema.json").read_text()
    lists = [set(found) for found in enums(json.loads(schema))]
    assert set(ACTIONS) in lists and set(THRESHOLDS) in lists


def enums(value: Any) -> Iterator[list[str]]:
    """Every ``enum`` of a schema, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("enum"), list):
            yield value["enum"]
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from enums(item)
