"""The page on contracts lists every rule a finding can have, and no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import griffe
from avro.compatibility import SchemaIncompatibilityType
from graphql.utilities.find_schema_changes import BreakingChangeType, DangerousChangeType

from orchestrator.plugins.builtin.contracts.openapi_rules import RULES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/checks-contracts.md").read_text()
FAMILY = ROOT / "orchestrator/plugins/builtin/contracts"
RULE = r"(?:avro|contract|graphql|openapi|protobuf|python|sample|schema)\.[a-z]+(?:-[a-z]+)*"


def lower(name: str) -> str:
    return name.lower().replace("_", "-")


def defined() -> set[str]:
    """Rules the sources name outright, and those that come from a library's own list."""
    text = "\n".join(path.read_text() for path in FAMILY.glob("*.py"))
    rules = set(re.findall(rf'"({RULE})"', text)) - {"schema.json"}
    rules |= {f"openapi.{name}" for name in RULES}
    rules |= {f"python.{lower(kind.name)}" for kind in griffe.BreakageKind}
    rules |= {f"avro.{lower(kind.value)}" for kind in SchemaIncompatibilityType}
    changes = [*BreakingChangeType, *DangerousChangeType]
    return rules | {f"graphql.{lower(change.name)}" for change in changes}


def listed() -> set[str]:
    return set(re.findall(rf"`({RULE})`", PAGE))


def test_every_rule_stands_on_the_page() -> None:
    assert defined() - listed() == set()
    assert len(defined()) > 60


def test_the_page_lists_no_rule_that_is_not_there() -> None:
    buf = Path(sys.executable).parent / "buf"
    command = [str(buf), "config", "ls-breaking-rules", "--format", "json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = {f"protobuf.{lower(json.loads(line)['id'])}" for line in said.splitlines()}
    assert listed() - defined() - ours - {"contract.bless"} == set()  # an event


def test_every_module_of_the_family_is_small() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in FAMILY.glob("*.py")}
    assert {name: n for name, n in lengths.items() if n > 360} == {}
