"""Whatever a tree looks like, no path belongs to two instances and no code to nobody."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config import presets
from orchestrator.config.ownership import matches, overlaps
from orchestrator.scaffold.placing import place
from orchestrator.scaffold.proposal import propose
from orchestrator.scaffold.tree import Tree

LAYERS = [layer for preset in presets.NAMES for layer in presets.load(preset).layers]
OTHERS = ["src", "app", "x[1]", "a b", "docs", "tests", "config", "plugins", "verification"]
WORDS = [*sorted({name for layer in LAYERS for name in layer.names}), *OTHERS]
NAMES = ["a.py", "b.sql", "README.md", "package.json", "Dockerfile", "q*.ts", "compose.yaml"]

paths = st.builds(
    lambda folders, name: "/".join([*folders, name]),
    st.lists(st.sampled_from(WORDS), max_size=4),
    st.sampled_from(NAMES),
)
trees = st.sets(paths, min_size=1, max_size=12).map(
    lambda names: Tree(Path(), tuple(sorted(names)))
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(trees, st.sampled_from(presets.NAMES))
def test_no_path_belongs_to_two_instances(tree: Tree, name: str) -> None:
    draft = propose(tree, presets.load(name), project="x", branch="main").draft
    owned = {one.id: one.patterns for one in draft.instances if one.active}
    assert list(overlaps(owned)) == []


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(trees, st.sampled_from(presets.NAMES))
def test_source_code_is_in_a_layer_and_owned_once(tree: Tree, name: str) -> None:
    places = place(tree, presets.load(name))
    apart = {"docs", "tests", "test"}
    for file in tree.files:
        found = [x for x, where in places.items() if any(matches(p, file) for p in where.paths)]
        owners = [x for x, where in places.items() if any(matches(p, file) for p in where.owned)]
        assert len(owners) <= 1 and set(owners) <= set(found)
        is_source = PurePosixPath(file).suffix in (".py", ".ts", ".sql")
        if is_source and not file.startswith(".") and not apart & set(file.split("/")):
            assert owners, f"{file} is nobody's"
