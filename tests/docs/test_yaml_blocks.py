"""Every YAML block of the documentation is a configuration that loads.

A block is a whole file, or begins with ``# fragment: PATH`` (``layers.data``)
and stands for what is at that place; it is completed by a minimal file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config.load import load_text
from orchestrator.config.yaml_reader import read

ROOT = Path(__file__).parents[2]

#: What a fragment is completed with: something of each kind that may be referred to.
BASE = """\
version: 1
project: shop
instances:
  coordinator: {role: INTEGRATION_COORDINATION}
  frontend: {role: FRONTEND_DEVELOPMENT}
layers:
  data: {paths: ["src/backend/db/**"]}
  service: {paths: ["src/backend/api/**"], depends_on: [data]}
  ui: {paths: ["src/ui/**"], depends_on: [service]}
contracts:
  user: {kind: json-schema, path: verification/contracts/user.schema.json}
  user-api: {kind: openapi, path: api/openapi.yaml}
notify: {team: "env:TEAM_WEBHOOK"}
"""


def blocks() -> list[tuple[str, str]]:
    """Place and text of every block."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}", match[1])
        for page in pages
        for text in [page.read_text()]
        for match in re.finditer(r"^```ya?ml\n(.*?)^```$", text, re.M | re.S)
    ]


def completed(block: str) -> str:
    """The block itself, or the minimal file with the fragment in its place."""
    first = re.match(r"# fragment: (\S+)\n", block)
    if first is None:
        return block
    assert read(block).problems == (), "a fragment has to be good YAML in itself"
    value, keys = yaml.safe_load(block), first[1].split(".")
    if isinstance(value, dict) and list(value) == keys[-1:]:
        value = value[keys[-1]]
    whole: Any = yaml.safe_load(BASE)
    place = whole
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    return yaml.safe_dump(whole, sort_keys=False)


@pytest.mark.parametrize(("place", "block"), blocks(), ids=[place for place, _ in blocks()])
def test_a_block_of_yaml_loads(place: str, block: str) -> None:
    load_text(completed(block), source=place)


def test_the_base_of_fragments_loads() -> None:
    load_text(BASE, source="base")


def test_a_fragment_may_name_its_key_or_leave_it_out() -> None:
    with_key = completed("# fragment: approval\napproval: {auto: false}\n")
    assert with_key == completed("# fragment: approval\nauto: false\n")
