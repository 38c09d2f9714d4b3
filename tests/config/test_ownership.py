"""What a pattern matches, and when two patterns share a path: decided exactly."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.ownership import Overlap, escape, matches, overlap, overlaps


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("README.md", "README.md"),
        ("src/**", "src/a.py"),
        ("src/**", "src/a/b/c.py"),
        ("src/", "src/a/b.py"),
        ("./src//ui/**", "src/ui/x"),
        ("**", "a"),
        ("**", "a/b/c"),
        ("**/*.py", "a.py"),
        ("**/*.py", "a/b/c.py"),
        ("src/**/test_*.py", "src/test_a.py"),
        ("src/**/test_*.py", "src/a/b/test_a.py"),
        ("**/b/**/d", "a/b/c/b/d"),
        ("*", ".hidden"),
        ("a*b*c", "abbcc"),
        ("**/a*/b/c", "ax/b/ay/b/c"),
        ("?at", "cat"),
        ("[a-c]at", "bat"),
        ("[!a-c]at", "rat"),
        ("[]]", "]"),
        ("[[]x]", "[x]"),
        ("[^.]*", "a.b"),
        ("a[", "a["),
        ("line\nbreak", "line\nbreak"),
        ("*", "line\nbreak\n"),
    ],
)
def test_a_pattern_matches(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("README.md", "docs/README.md"),
        ("src/**", "src"),
        ("src/**", "srcs/a"),
        ("*", "a/b"),
        ("*.py", "src/a.py"),
        ("src/?", "src/ab"),
        ("a?b", "a/b"),
        ("[!a]b", "/b"),
        ("[z-a]", "m"),
        ("a**b", "a/b"),
        ("README.md", "README.md\n"),
        ("*.md", "README.md\n"),
        ("readme.md", "README.md"),
        ("", "a"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@pytest.mark.parametrize(
    ("one", "other", "witness"),
    [
        ("src/**", "src/ui/**", "src/ui/a"),
        ("a*", "*b", "ab"),
        ("**/*.py", "src/**", "src/a.py"),
        ("**/.*", "src/**", "src/.a"),
        ("src/*/x", "src/a*/?", "src/a/x"),
        ("[a-m]x", "[k-z]x", "kx"),
        ("**/a/**", "b/**", "b/a/a"),
        ("docs/", "docs/[!a]", "docs/b"),
    ],
)
def test_an_overlap_names_a_path_that_both_match(one: str, other: str, witness: str) -> None:
    assert overlap(one, other) == witness
    assert matches(one, witness)
    assert matches(other, witness)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/*.py", "src/*.js"),
        ("src/a/**", "src/b/**"),
        ("*", "a/b"),
        ("a*", "b*"),
        ("[a-f]*", "[g-z]*"),
        ("src", "src/**"),
        ("**/a", "**/b"),
        ("x/**/y", "x/**/z"),
        ("?.", ".?"),
        ("[!a]", "a"),
        ("", ""),
    ],
)
def test_patterns_without_a_common_path_do_not_overlap(one: str, other: str) -> None:
    assert overlap(one, other) is None


#: Every path of up to three names over a small alphabet that a file can have.
NAMES = [
    name
    for size in (1, 2)
    for name in map("".join, product("ab.", repeat=size))
    if name not in {".", ".."}
]
PATHS = ["/".join(names) for size in (1, 2, 3) for names in product(NAMES, repeat=size)]

PIECES = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]"])
NAME = st.lists(PIECES, min_size=1, max_size=2).map("".join) | st.just("**")
LONG_NAME = st.lists(PIECES, min_size=1, max_size=4).map("".join) | st.just("**")
PATTERN = st.lists(NAME, min_size=1, max_size=3).map("/".join)


@settings(deadline=None, max_examples=150)
@given(PATTERN, PATTERN)
def test_overlap_agrees_with_trying_every_path(one: str, other: str) -> None:
    common = [path for path in PATHS if matches(one, path) and matches(other, path)]
    witness = overlap(one, other)
    if witness is None:
        assert common == []
    else:
        assert matches(one, witness)
        assert matches(other, witness)


@settings(deadline=None, max_examples=100)
@given(PATTERN, PATTERN)
def test_overlap_is_symmetric(one: str, other: str) -> None:
    assert (overlap(one, other) is None) == (overlap(other, one) is None)


def by_hand(names: list[str], path: list[str]) -> bool:
    """The definition, without any cleverness."""
    if not names:
        return not path
    if names[0] == "**":
        if len(names) == 1:
            return bool(path)
        return any(by_hand(names[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and name_by_hand(names[0], path[0]) and by_hand(names[1:], path[1:])


def name_by_hand(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(name_by_hand(pattern[1:], name[start:]) for start in range(len(name) + 1))
    if pattern[0] == "[":
        body, _, rest = pattern[1:].partition("]")
        inside = bool(name) and ((name[0] in body.lstrip("!")) != body.startswith("!"))
        return inside and name_by_hand(rest, name[1:])
    return bool(name) and pattern[0] in ("?", name[0]) and name_by_hand(pattern[1:], name[1:])


@settings(deadline=None, max_examples=150)
@given(st.lists(LONG_NAME, min_size=1, max_size=4), st.lists(st.sampled_from(PATHS), max_size=20))
def test_matching_agrees_with_the_definition(names: list[str], paths: list[str]) -> None:
    whole = [name for name in names if name not in {".", ".."}]
    pattern = ["**" if set(name) == {"*"} and len(name) == 2 else name for name in whole]
    for path in paths:
        expected = bool(pattern) and by_hand(pattern, path.split("/"))
        assert matches("/".join(whole), path) == expected, (whole, path)


@given(st.sampled_from(PATHS) | st.sampled_from(["a*b", "[x]", "who?", "a/[!b]*", "]", "**"]))
def test_an_escaped_path_matches_itself_alone(path: str) -> None:
    assert matches(escape(path), path)
    assert overlap(escape(path), escape(path + "x")) is None


def test_many_stars_do_not_take_long() -> None:
    """With backtracking this would take longer than anybody waits."""
    assert not matches("*a" * 30 + "b", "a" * 200)
    assert not matches("**/a/" * 15 + "b", "a/" * 100 + "c")
    assert overlap("*a" * 30 + "b", "*a" * 30 + "c") is None


def test_overlaps_compares_owners_not_an_owner_with_itself() -> None:
    owned = {
        "backend": ["src/**", "src/api/**"],
        "frontend": ["web/**", "src/ui/*.ts"],
        "docs": ["**/*.md"],
    }
    assert list(overlaps(owned)) == [
        Overlap("backend", "src/**", "frontend", "src/ui/*.ts", "src/ui/a.ts"),
        Overlap("backend", "src/**", "docs", "**/*.md", "src/a.md"),
        Overlap("backend", "src/api/**", "docs", "**/*.md", "src/api/a.md"),
        Overlap("frontend", "web/**", "docs", "**/*.md", "web/a.md"),
    ]


def test_overlaps_finds_the_deeper_folder_in_either_order() -> None:
    assert len(list(overlaps({"a": ["x/y/z/**"], "b": ["x/**"]}))) == 1
    assert len(list(overlaps({"a": ["x/**"], "b": ["x/y/z/**"]}))) == 1


def test_thousands_of_patterns_in_folders_of_their_own_are_cheap() -> None:
    owned = {f"i{n}": [f"src/{n}/{m}/**" for m in range(5)] for n in range(1000)}
    assert list(overlaps(owned)) == []
