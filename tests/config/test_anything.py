"""Whatever stands in a file: it loads, or it is told what is wrong. Never anything else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.load import load_text
from orchestrator.config.problems import InvalidConfig
from orchestrator.config.show import written
from tests.config.texts import WHOLE

DATA: Any = yaml.safe_load(WHOLE)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in ``value``."""
    entries: Any = ()
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(found for key, entry in entries for found in places(entry, (*path, key)))]


WORDS = [
    "", " ", "data", "backend", "5m", "0s", "5%", "a b", "../x", "/x", "**", "on", "\n", "\x1b",
    "user", "report.failed", "x ==", "tests", "é", "a" * 70,
]  # fmt: skip
NUMBERS = st.integers(-3, 3) | st.floats(allow_nan=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["run", "name", "when", "layer", "", "a b", "x"]), inner)
    ),
    max_leaves=5,
)


def changed(path: tuple[Any, ...], value: Any) -> Any:
    """The whole configuration with something else at ``path``."""
    if not path:
        return value
    data = copy.deepcopy(DATA)
    around = data
    for key in path[:-1]:
        around = around[key]
    around[path[-1]] = value
    return data


@pytest.mark.slow
@settings(deadline=None, max_examples=120)
@given(st.sampled_from(places(DATA)), VALUES)
def test_any_value_at_any_place_loads_or_is_told(path: tuple[Any, ...], value: Any) -> None:
    text = yaml.safe_dump(changed(path, value), sort_keys=False, allow_unicode=True)
    try:
        config = load_text(text, source="f")
    except InvalidConfig as error:
        assert error.problems
    else:
        again = load_text(yaml.safe_dump(written(config), sort_keys=False), source="f")
        assert again == config


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_cut_or_swap_of_the_text_loads_or_is_told(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 40)))
    middle = data.draw(st.sampled_from(["", "\t", "{", "]", ": ", "\n", "&a ", "*a", "'", "- "]))
    try:
        load_text(WHOLE[:start] + middle + WHOLE[end:], source="f")
    except InvalidConfig as error:
        assert error.problems
