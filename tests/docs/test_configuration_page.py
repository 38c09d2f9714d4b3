"""``docs/reference/configuration.md`` has every key, with what the schema says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.schema import schema

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"

#: Heading → the definition whose keys stand below it; "" is the whole file.
SECTIONS = {
    "The whole file": "",
    "coordinator": "coordinator",
    "instances": "instance",
    "layers": "layer",
    "gate": "gate",
    "ratchet": "ratchet",
    "Checks": "check",
    "report": "report",
    "imports": "imports",
    "contracts": "contract",
    "services": "service",
    "ready": "ready",
    "flows": "flow",
    "Steps": "step",
    "http": "http",
    "Invariants": "invariant",
    "spans": "spans",
    "expect": "expect",
    "benchmarks": "benchmark",
    "verification": "verification",
    "prepare": "prepare",
    "quarantine": "quarantine",
    "set_aside": "set_aside",
    "cache": "cache",
    "approval": "approval",
    "escalation": "escalation",
    "Levels": "level",
    "always_when": "always",
    "emergency": "emergency",
    "evidence": "evidence",
    "status": "status",
    "views": "views",
    "git_hooks": "git_hooks",
    "hooks": "hooks",
}

#: Definitions of values, described once at the top of the page.
KINDS = {
    "name", "text", "command", "duration", "size", "share", "path", "pattern", "place", "branch",
    "variable", "rule",
}  # fmt: skip


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema()["$defs"][name] if name else schema()
    return found


def rows(name: str) -> list[str]:
    """The rows of a section's table, made from the schema."""
    part = definition(name)
    required = part.get("required", [])
    return [
        f"| `{key}` | {kind(entry)} | {default(key, entry, required)} | {described(entry)} |"
        for key, entry in part["properties"].items()
    ]


def described(entry: dict[str, Any]) -> str:
    text = entry.get("description") or definition(entry["$ref"].rpartition("/")[2])["description"]
    return str(text)


def kind(entry: dict[str, Any]) -> str:
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return name if name in KINDS else f"[{name}](#{anchor(name)})"
    if "enum" in entry:
        return " or ".join(f"`{word}`" for word in entry["enum"])
    if "const" in entry:
        return f"`{entry['const']}`"
    if entry.get("type") == "array":
        return f"list of {kind(entry['items'])}"
    if entry.get("type") == "object" and "additionalProperties" in entry:
        return f"{kind(entry['additionalProperties'])} by name"
    words = {"integer": "whole number", "boolean": "`true` or `false`", "string": "text"}
    given = entry.get("type", "any JSON")
    first = given[0] if isinstance(given, list) else given
    return words.get(first, "mapping" if first == "object" else first)


def anchor(name: str) -> str:
    """The heading that describes a definition, as a link."""
    heading = next(title for title, its in SECTIONS.items() if its == name)
    return heading.lower().replace(" ", "-")


def default(key: str, entry: dict[str, Any], required: list[str]) -> str:
    if key in required:
        return "required"
    value = entry.get("default")
    if value in (None, [], {}):
        return "–"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text.replace('||', chr(92) + '|')}`"


def section(heading: str) -> list[str]:
    """The lines below a heading, up to the next one."""
    text = PAGE.read_text()
    found = re.search(rf"^##+ `?{re.escape(heading)}`?$(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert found, f"there is no heading {heading}"
    return found[1].splitlines()


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_exactly_the_keys_of_the_schema(heading: str) -> None:
    table = [line for line in section(heading) if line.startswith("| `")]
    assert table == rows(SECTIONS[heading])


@pytest.mark.parametrize("heading", [h for h in SECTIONS if h not in ("Steps", "Levels")])
def test_a_section_has_an_example(heading: str) -> None:
    assert "```yaml" in section(heading)


def test_every_definition_of_the_schema_is_on_the_page() -> None:
    assert set(schema()["$defs"]) == {name for name in SECTIONS.values() if name} | KINDS


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_of_value_is_described(name: str) -> None:
    wanted = f"| {name} | {definition(name)['description']} |"
    assert wanted in section("Kinds of values")


def test_the_codes_of_problems_are_linked_not_repeated() -> None:
    assert "errors.md" in PAGE.read_text()
