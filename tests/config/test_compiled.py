"""The coordination part of a configuration comes back from the store as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from orchestrator.config import compiled
from orchestrator.config.load import load_text
from orchestrator.config.ownership import matches
from orchestrator.hooks.transaction import _may_match

WHOLE = load_text((Path(__file__).parent / "whole.yaml").read_text(), source="whole.yaml")


def test_what_hooks_read_is_what_was_loaded() -> None:
    rows = {"config": json.dumps(WHOLE.to_json()), **compiled.meta(WHOLE)}
    found = compiled.config(rows)
    assert found is not None
    for part in ("project", "instances", "coordinator", "approval", "status", "hooks", "source"):
        assert getattr(found, part) == getattr(WHOLE, part), part
    assert compiled.config({}) is None


def test_a_pattern_that_may_match_is_never_missed() -> None:
    patterns = ("src/**", "src/", "src/a.py", "*.md", "docs/*.md", "src/**/*.ts", "[ab]*", "**",
                "src/*/x.py", "s*/a.py", "**/a.py", "a[*].py", "src/**/deep/**")  # fmt: skip
    paths = ("a.py", "src/a.py", "src/b/x.py", "docs/r.md", "docs/a/r.md", "r.md", "src/a/b.ts",
             "b", "a*.py", "src", "src/x/deep/y", "lib/a.py")  # fmt: skip
    one = next(iter(WHOLE.instances.values()))
    for pattern in patterns:
        config = replace(WHOLE, instances={"i": replace(one, file_patterns=(pattern,))})
        (row,) = compiled.owned(config)
        for path in paths:
            near = row["prefix"] in ("", path) or path.startswith(f"{row['prefix']}/")
            told = near and _may_match(row["prefix"], row["kind"], pattern, path)
            assert told or not matches(pattern, path), (pattern, path)
            if row["kind"] != "glob":
                assert told == matches(pattern, path), (pattern, path)
