"""A paragraph of ours in somebody's Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scaffold.marked import BrokenMarks, put, take_out

TEXT = st.text(alphabet=st.sampled_from("a\n #é`"), max_size=20) | st.just("a\r\nb\r\n")


@given(TEXT)
def test_what_was_put_in_goes_without_a_trace(text: str) -> None:
    once = put(text, "first\n", "A.md")
    twice = put(once, "second", "A.md")
    assert "first" in once and "first" not in twice and "second" in twice
    assert put(twice, "second", "A.md") == twice
    assert (take_out(twice, "A.md") or "") == text


def test_text_around_it_is_never_touched() -> None:
    text = put("before\n", "ours", "A.md") + "after\n"
    assert take_out(text, "A.md") == "before\nafter\n"


@pytest.mark.parametrize("rest", ["begin (kept up to date by orchestrate init)", "end"])
def test_half_a_pair_of_marks_is_refused(rest: str) -> None:
    text = f"one\n<!-- orchestrate: {rest} -->\ntwo\n"
    with pytest.raises(BrokenMarks) as caught:
        put(text, "ours", "A.md")
    assert caught.value.where == "A.md:2"
    with pytest.raises(BrokenMarks):
        take_out(text, "A.md")
