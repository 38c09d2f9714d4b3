"""Pictures are well-formed, hold every run, and survive what a machine may measure."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.report.page import Course, CoursePoint, Spread
from orchestrator.report.pictures import course, spread

seconds = st.lists(st.floats(1e-9, 1e6), min_size=4, max_size=12).map(tuple)


def places(svg: str) -> list[float]:
    """Every coordinate in a picture; it has to be XML."""
    found = ElementTree.fromstring(svg).iter()
    return [float(e.attrib[k]) for e in found for k in ("cx", "cy", "x1", "x2", "y1", "y2")
            if k in e.attrib]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(seconds, seconds)
def test_every_run_lies_in_the_picture_or_is_counted_beyond_it(
    base: tuple[float, ...], mine: tuple[float, ...]
) -> None:
    svg = spread(Spread("search", "s", base, mine, ""))
    beyond = sum(int(text.split()[0]) for e in ElementTree.fromstring(svg).iter()
                 if (text := e.text or "").endswith("beyond →"))  # fmt: skip
    assert svg.count("<circle") + beyond == len(base) + len(mine)
    assert all(0 <= place <= 640 for place in places(svg))


def test_a_past_marks_what_landed_and_what_was_too_slow() -> None:
    steps = (
        CoursePoint("2026-05-01", 1.0, 1.1, "fine", True, "R-1"),
        CoursePoint("2026-05-02", 1.1, 1.9, "bad", False, "<R-2>"),
        CoursePoint("2026-05-03", None, 1.1, "open", False, "R-3"),
    )
    svg = course(Course("search", "s", steps, ""))
    assert [c in svg for c in ("step fine landed", "step bad open-ended", "step open")] == [
        True
    ] * 3
    assert "&lt;R-2&gt;" in svg and all(0 <= place <= 640 for place in places(svg))


@pytest.mark.parametrize("value", [1e-9, 0.5, 1e6])
def test_a_single_measurement_is_a_past_too(value: float) -> None:
    one = CoursePoint("2026-05-01", value, value, "fine", True, "R-1")
    assert places(course(Course("search", "s", (one,), "")))
