"""What a run measured is read from any known tool, in seconds, and never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.plugins.builtin.benchmarks.formats import Measured, printed, recognise
from orchestrator.plugins.builtin.integrity.documents import UnreadableReport

PYTEST: Any = {
    "machine_info": {},
    "benchmarks": [
        {"name": "test_a", "fullname": "tests/b.py::test_a", "stats": {"median": 0.25, "min": 0.2}},
        {"name": "test_b", "fullname": "tests/b.py::test_b", "stats": {"median": 0.5}},
    ],
    "version": "5.1.0",
}
PYPERF: Any = {
    "version": "1.0",
    "metadata": {"name": "sort", "unit": "second"},
    "benchmarks": [
        {"runs": [{"warmups": [[1, 9.0]]}, {"values": [1.0, 3.0]}, {"values": [2.0]}]},
        {"metadata": {"name": "search"}, "runs": [{"values": [4.0]}]},
    ],
}
HYPERFINE: Any = {
    "results": [
        {"command": "sleep 1", "mean": 1.1, "median": 1.0, "times": [1.0], "exit_codes": [0]}
    ]
}
GOOGLE: Any = {
    "context": {"num_cpus": 2},
    "benchmarks": [
        {"name": "BM_a", "run_type": "iteration", "real_time": 2.0, "time_unit": "ms"},
        {"name": "BM_a", "run_type": "iteration", "real_time": 4.0, "time_unit": "ms"},
        {"name": "BM_a", "run_type": "iteration", "real_time": 3.0, "time_unit": "ms"},
        {"name": "BM_a_mean", "run_type": "aggregate", "aggregate_name": "mean", "real_time": 9},
        {"name": "BM_b", "real_time": 500.0, "time_unit": "ns"},
    ],
}


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (PYTEST, {"tests/b.py::test_a": 0.25, "tests/b.py::test_b": 0.5}),
        (PYPERF, {"sort": 2.0, "search": 4.0}),
        (HYPERFINE, {"": 1.0}),
        (GOOGLE, {"BM_a": 0.003, "BM_b": 5e-7}),
        ({"seconds": 2}, {"": 2.0}),
        ({"seconds": {"a": 1, "b": 0.5}}, {"a": 1.0, "b": 0.5}),
    ],
)
def test_each_tool_is_recognised_by_content(document: Any, values: dict[str, float]) -> None:
    assert recognise(document).values == pytest.approx(values)
    assert recognise(document).unit == "s"
    said = printed(json.dumps(document, indent=2))
    assert said is not None and said.values == pytest.approx(values)


def test_google_aggregates_alone_give_the_median() -> None:
    rows = [
        {"run_name": "BM", "aggregate_name": name, "run_type": "aggregate", "real_time": value}
        for name, value in (("mean", 9.0), ("median", 7.0), ("stddev", 1.0))
    ]
    assert recognise({"benchmarks": rows}).values == {"BM": pytest.approx(7e-9)}


def test_other_units_are_kept_and_not_taken_for_seconds() -> None:
    assert recognise({"value": 3, "unit": "queries"}) == Measured({"": 3.0}, "queries")
    assert recognise({**PYPERF, "metadata": {"unit": "byte"}}).unit == "byte"


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"seconds": {"a": 1, "b": "x"}}, "seconds.b of b is not a number"),
        ({"benchmarks": [*PYTEST["benchmarks"], 7]}, "benchmarks[2]: "),
        (
            {"benchmarks": [PYTEST["benchmarks"][0], {"name": "b", "stats": {"median": -1}}]},
            "benchmarks[1].stats.median of b is not above 0: -1",
        ),
        (
            {"benchmarks": [{"runs": [{"values": [1.0]}, {"values": [0]}]}]},
            "benchmarks[0].runs[1].values of the benchmark is not above 0",
        ),
        (
            {"benchmarks": [*PYPERF["benchmarks"], {"metadata": {"unit": "byte"}, "runs": []}]},
            "benchmarks[2].metadata.unit: several units in one file (byte, second)",
        ),
        (
            {"results": [*HYPERFINE["results"], {"command": "b", "median": None}]},
            "results[1].median of b is not a number",
        ),
        (
            {"benchmarks": [GOOGLE["benchmarks"][0], {"name": "b", "real_time": 1, "skipped": "x",
                                                      "skip_message": "no GPU"}]},
            "benchmarks[1]: b reports an error: no GPU",
        ),
        (
            {"benchmarks": [{"name": "b", "real_time": 1, "time_unit": "h"}]},
            "benchmarks[0].time_unit: 'h' is no known unit of time",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(UnreadableReport) as refused:
        recognise(document)
    assert place in str(refused.value)


def test_several_commands_of_hyperfine_and_units_of_google_are_told_apart() -> None:
    two = [{"command": f"sort {n}", "median": n, "exit_codes": [0, None]} for n in (1, 2)]
    assert recognise({"results": two}).values == {"sort 1": 1.0, "sort 2": 2.0}
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    rows = [{"name": unit, "real_time": 2, "time_unit": unit} for unit in units]
    assert recognise({"benchmarks": rows}).values == pytest.approx(
        {unit: 2 * scale for unit, scale in units.items()}
    )


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"seconds": 0}, "not above 0"),
        ({"seconds": -1}, "not above 0"),
        ({"seconds": float("nan")}, "not above 0"),
        ({"seconds": float("inf")}, "not above 0"),
        ({"seconds": 10**400}, "not above 0"),
        ({"seconds": "fast"}, "not a number"),
        ({"seconds": True}, "not a number"),
        ({"seconds": {}}, "no measured value"),
        ({"seconds": {str(n): 1 for n in range(101)}}, "100 is the most"),
        ({"benchmarks": []}, "no benchmark"),
        ({"benchmarks": [1]}, "not objects"),
        ({"benchmarks": [{"what": 1}]}, "no known kind"),
        ({"benchmarks": [{"name": "a", "stats": {}}]}, "not a number"),
        ({"benchmarks": [{"runs": [{"warmups": []}]}]}, "no measured value"),
        ({"benchmarks": [{"name": "a", "real_time": 1, "time_unit": "h"}]}, "known unit of time"),
        ({"benchmarks": [{"name": "a", "real_time": 1, "error_occurred": True}]}, "an error"),
        ({"results": [{"command": "x", "median": 1, "exit_codes": [0, 1]}]}, "failed"),
        ([], "not a JSON object"),
    ],
)
def test_what_is_no_measurement_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(UnreadableReport, match=reason):
        recognise(document)


def test_the_last_line_that_measures_counts() -> None:
    text = 'warming up\n{"seconds": 9}\n{"seconds": 1.5}\n{"other": 1}\ndone\n'
    assert printed(text) == Measured({"": 1.5})


@pytest.mark.parametrize("text", ["", "done", "{", "[1]", '{"other": 1}', "{not json}"])
def test_output_that_measures_nothing_leaves_the_wall_time(text: str) -> None:
    assert printed(text) is None


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "stats", "runs", "values", "real_time"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["seconds", "value", "benchmarks", "results"]), values))
def test_no_shape_makes_reading_crash(document: Any) -> None:
    try:
        recognise(document)
    except UnreadableReport as error:
        assert str(error)
