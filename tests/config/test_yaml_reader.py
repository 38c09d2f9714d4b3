"""YAML is read safely, with the place of every value, and says what it made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.config import yaml_reader
from orchestrator.config.load import load
from orchestrator.config.problems import InvalidConfig
from orchestrator.config.yaml_reader import MAX_BYTES, MAX_DEPTH, Document, read
from tests.config.texts import one


def value(text: str) -> object:
    document = read(text)
    assert document.problems == ()
    assert document.root is not None
    return document.root.value


def only(document: Document) -> tuple[str, str, str | None, int, int]:
    """Code, message, hint, line and column of the only problem."""
    (problem,) = document.problems
    return problem.code, problem.message, problem.hint, problem.line, problem.column


def test_every_value_knows_where_it_stands() -> None:
    root = read("a:\n  b: [1, {c: x}]\nd: y\n").root
    assert root is not None
    node = root.at(("a", "b", 1, "c"))
    assert (node.value, node.line, node.column) == ("x", 2, 14)
    assert root.key_place(("a", "b", 1, "c")) == (2, 11)
    assert root.at(("a", "b", 7, "c")).line == 2, "the last one on the way"


def test_plain_values_are_what_yaml_says() -> None:
    assert value("[1, -2, 0x1f, 1_000, 1.5, true, No, ~, text, '1', !!str 5, <<]") == [
        1, -2, 31, 1000, 1.5, True, False, None, "text", "1", "5", "<<",
    ]  # fmt: skip


def test_anchors_aliases_and_merges_are_followed() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 9}]}\nthree: *b\n"
    assert value(text) == {
        "base": {"x": 1, "y": 2},
        "one": {"y": 3, "x": 1},
        "two": {"x": 1, "y": 2, "z": 9},
        "three": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("2024-01-01", "a date"),
        ("2024-01-01 10:00:00", "a date"),
        ("1:30", "a number to the base of 60, 90"),
        ("1:30.5", "a number to the base of 60"),
        ("0755", "a number to the base of 8, 493"),
        ("-.inf", "a number that is not finite"),
        ("1.0e+999", "a number that is not finite"),
        ("1234567890123456789", "a number of more than 18 digits"),
    ],
)
def test_yaml_says_what_it_made_of_a_plain_word(text: str, made: str) -> None:
    problem = only(read(f"a:\n  b: {text}\n"))
    quoted = f'write it in quotes: "{text}"'
    assert problem == ("E110", f"YAML reads {text} as {made}", quoted, 2, 6)


@pytest.mark.parametrize(
    ("key", "made"), [("on", "true"), ("n0", None), ("No", "false"), ("1", "a number"),
                      ("~", "nothing (null)"), ("2024-01-01", "a date")]
)  # fmt: skip
def test_a_key_that_is_no_text_is_a_problem(key: str, made: str | None) -> None:
    document = read(f"{key}: x\n")
    if made is None:
        assert document.problems == ()
    else:
        assert only(document)[:2] == ("E110", f"YAML reads the key {key} as {made}")


@pytest.mark.parametrize(
    "tagged", ["!!python/name:os.system x", "!!set {x: }", "!!binary aGk=", "!mine x", "!!int x"]
)
def test_only_tags_of_plain_data_are_allowed(tagged: str) -> None:
    tag = tagged.split()[0]
    assert only(read(f"a: {tagged}\n"))[:2] == ("E110", f"tag {tag} is not allowed here")


def test_a_key_given_twice_is_a_problem_and_names_the_first() -> None:
    code, message, _, *place = only(read("a: 1\nb: 2\na: 3\n"))
    assert (code, place) == ("E109", [3, 1])
    assert message == 'key "a" is given twice; the first is in line 1'


def test_only_mappings_can_be_merged() -> None:
    assert only(read("a: {<<: 5}\n"))[:2] == ("E102", "<< merges mappings only")


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("a:\n\tb: 1\n", 2, 1, "YAML indents with spaces, never with tabs"),
        ("a: [1\nb: 2\n", 2, 2, "a bracket or brace is not closed, or a comma is missing"),
        ("a: b: c\n", 1, 5, 'text with ": " in it needs quotes; else look at the indentation'),
        ("a: @x\n", 1, 4, "text that begins with a special character needs quotes"),
        ("a: 'x\n", 2, 1, "a quote is not closed"),
        ("- a\nb: 1\n", 2, 1, "look at the indentation of this line and the one before"),
        ("a: 1\n--- \nb: 2\n", 2, 1, 'a configuration is one document: take the "---" out'),
        ("a: *b\n", 1, 4, None),
        ("a: &a [*a]\n", 1, 8, None),
        ("[a]: 1\n", 1, 1, None),
    ],
)
def test_what_is_not_yaml_is_one_problem_with_its_place(
    text: str, line: int, column: int, hint: str | None
) -> None:
    code, _, said, *place = only(read(text))
    assert (code, place, said) == ("E102", [line, column], hint)


def test_an_empty_file_says_what_writes_one() -> None:
    for text in ("", "\n\n", "# only a comment\n"):
        assert one(text) == "1:1\n  E101 the file is empty\n  hint: orchestrate init writes one"


def test_a_byte_that_is_not_utf8_is_named() -> None:
    assert one(b"a: 1\nb: \xff\n") == (
        "2:4\n  E101 byte 0xff is not UTF-8\n  hint: save the file as UTF-8"
    )


def test_a_byte_order_mark_is_no_problem() -> None:
    assert read(b"\xef\xbb\xbfa: 1\n").problems == ()


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x07", "\ufffe", "\ud800"])
def test_control_characters_are_refused(sign: str) -> None:
    message = f"control character U+{ord(sign):04X}"
    assert only(read(f'a: "{sign}"\n'))[:2] == ("E101", message)


def test_a_file_larger_than_the_limit_is_not_read() -> None:
    assert only(read("a" * (MAX_BYTES + 1)))[1] == "the file is larger than 256 KiB"


def test_depth_is_limited_before_anything_is_built() -> None:
    fine = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read(fine).problems == ()
    code, message, _, *place = only(read("[" * 900))
    assert (code, message) == ("E118", "nested deeper than 32 levels")
    assert place == [1, MAX_DEPTH + 1]


def test_what_is_too_deep_for_the_parser_is_too_deep() -> None:
    code, message, *_ = only(read("[" * 50_000))
    assert (code, message) == ("E118", "nested deeper than 32 levels")


def test_aliases_cannot_multiply() -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    code, message, *_ = only(read("\n".join(laughs)))
    assert (code, message) == ("E118", "more than 20,000 values, aliases counted out")


def test_merges_cannot_multiply_either() -> None:
    wide = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(500)) + "}\n"
    many = wide + "".join(f"b{n}: {{<<: *a}}\n" for n in range(60))
    assert only(read(many))[0] == "E118"


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="E101 there is no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(InvalidConfig, match="E101 it is a folder"):
        load(tmp_path)


YAMLISH = st.text(alphabet=st.sampled_from("ab:- \n\t[]{}&*!|>'\"#%@,?<0123.~\\"), max_size=60)


@settings(deadline=None, max_examples=300)
@given(YAMLISH)
@example("!<x> a")
@example("? a")
@example("%YAML 1.2\n---\na")
@example("&a")
@example("a: !")
@example("- ! 5")
@example("? [a]\n: b")
@example("'a': |\n  x\n")
@example("a: !!int x")
@example("a: !!int 09")
@example("a: !!float ''")
@example("a: ._")
@example("a: 0o8")
@example("a: \ufeff")
@example("\ufeffa: 1")
def test_reading_never_raises_whatever_the_text_is(text: str) -> None:
    document = read(text)
    assert document.root is not None or document.problems


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=40))
def test_reading_never_raises_whatever_the_bytes_are(content: bytes) -> None:
    document = read(content)
    assert document.root is not None or document.problems


def test_the_pure_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without its C library."""
    import yaml

    from tests.config.texts import WHOLE

    fast = read(WHOLE)
    monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)
    assert read(WHOLE) == fast
