"""Somebody's JSON file: added to, and left as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scaffold.json_merge import Path, Want, cut, merge
from orchestrator.scaffold.json_text import UnreadableSettings

GROUP = {"matcher": "Write", "hooks": [{"run": "ours", "timeout": 10}]}
OLD = {"matcher": "Write", "hooks": [{"run": "ours", "timeout": 5}]}


def ours(value: Any) -> bool:
    return isinstance(value, dict) and "ours" in json.dumps(value)


WANTS = (
    Want(("hooks", "PreToolUse"), GROUP, ours),
    Want(("hooks", "Stop"), GROUP, ours),
    Want(("servers",), {"run": "ours"}, ours, key="orchestrate"),
)


def mine(path: Path, value: Any) -> bool:
    return (len(path) == 3 or path == ("servers", "orchestrate")) and ours(value)


NAMES = st.sampled_from(["hooks", "servers", "PreToolUse", "Stop", "a", "matcher", "", "é\n"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=3), max_leaves=8
)
EVENTS = st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={"z": VALUES, "hooks": EVENTS, "servers": st.dictionaries(NAMES, VALUES, max_size=2)},
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Settings in many layouts, with blanks where nobody expects them."""
    indent = draw(st.sampled_from([None, 2, 4, "\t", 0, 1]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", "  :\t")]))
    text = json.dumps(
        draw(SETTINGS), indent=indent, separators=separators, ensure_ascii=draw(st.booleans())
    )
    for old, new in draw(st.lists(st.sampled_from(_SPACED), max_size=3)):
        text = _outside_strings(text, old, new)
    before, after = (
        draw(st.sampled_from(["", "\ufeff", "\n\n", " "])),
        draw(st.sampled_from(["", "\n", " \r\n\n"])),
    )
    text = before + text + after
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


_SPACED = [
    ("{}", "{ }"),
    ("[]", "[\n]"),
    ("{}", "{ \n }"),
    ("[]", "[  ]"),
    ("[", "[ "),
    ("{", "{\n \n"),
    ("}", " }"),
]


def _outside_strings(text: str, old: str, new: str) -> str:
    parts = text.split('"')
    even = [p.replace(old, new) if i % 2 == 0 else p for i, p in enumerate(parts)]
    return text if '\\"' in text else '"'.join(even)


def load(text: str) -> Any:
    return json.loads(text.removeprefix("\ufeff"))


@settings(max_examples=200, deadline=None)
@given(texts())
def test_what_was_added_goes_without_a_trace(text: str) -> None:
    added = merge(text, WANTS, "f")
    value = load(added)
    assert GROUP in value["hooks"]["PreToolUse"] and GROUP in value["hooks"]["Stop"]
    if "orchestrate" not in load(text).get("servers", {}):
        assert value["servers"]["orchestrate"] == {"run": "ours"}
    assert merge(added, WANTS, "f") == added
    assert cut(added, mine, "f") == text


@settings(max_examples=100, deadline=None)
@given(texts())
def test_an_older_edition_is_rewritten_where_it_stands(text: str) -> None:
    old = [Want(w.path, OLD, ours, w.key) if w.key is None else w for w in WANTS]
    now = merge(merge(text, old, "f"), WANTS, "f")
    assert json.dumps(load(now)) == json.dumps(load(merge(text, WANTS, "f")))
    assert cut(now, mine, "f") == text


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \r\n"])
def test_a_file_of_nothing_becomes_one_that_goes_again(text: str) -> None:
    assert cut(merge(text, WANTS, "f"), mine, "f") is None


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('{\n  // mine\n  "a": 1\n}', "f:2:3", "comments are not JSON"),
        ('{"a": 1,}', "f:1:9", "a comma too many before this"),
        ('{"a": [1, 2,\n]}', "f:2:1", "a comma too many before this"),
        ('{"a": 1', "f:1:8", "it breaks off"),
        ('{"a": 1, "a": 2}', "f:1:10", "this name stands twice in one object"),
        ('{"a": NaN}', "f:1:7", "this is no JSON number"),
        ('{"a\t": 1}', "f:1:4", "Invalid control character at"),
        ("[]", "f:1:1", "an object is expected here"),
        ('{"hooks": []}', "f:1:11", "an object is expected here"),
        ('{"hooks": {"Stop": {}}}', "f:1:20", "a list is expected here"),
        ('{"a": 1} {}', "f:1:10", "something follows the end"),
        ("[" * 100, "f:1:66", "nested too deeply"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_place(
    text: str, place: str, message: str
) -> None:
    with pytest.raises(UnreadableSettings) as caught:
        merge(text, WANTS, "f")
    assert (caught.value.where, caught.value.message) == (place, message)
