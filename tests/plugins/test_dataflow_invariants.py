"""Ready-made invariants: each with a flow that keeps it and one that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plugins.builtin.dataflow.invariants import judge

Payload = Any


def judged(
    invariant: dict[str, list[str]], sent: Payload, got: Payload
) -> tuple[list[str], list[str]]:
    """Messages and errors of a flow that enters ``sent`` and keeps ``got``."""
    steps = {"enter": {"input": None, "output": sent}, "keep": {"input": sent, "output": got}}
    findings, errors = judge([invariant], steps, lambda step: f"layer {step}")
    return [finding.message for finding in findings], errors


LINES, IDS = "enter.output.lines", "keep.output.lines[].id"
ONE, TWO = {"id": 1, "n": 2}, {"id": 2, "n": 3}


def lines(*entries: Payload) -> Payload:
    return {"lines": list(entries)}


@pytest.mark.parametrize(
    ("invariant", "kept", "broken", "said"),
    [
        (
            {"conserved_count": [LINES, "keep.output.lines"]},
            lines(TWO, TWO),
            lines(ONE),
            "conserved_count: enter.output.lines has 2 entries, keep.output.lines has 1 entry",
        ),
        (
            {"conserved_keys": [f"{LINES}[].id", IDS]},
            lines({"id": 2.0}, ONE),
            lines(ONE, {"id": 3}),
            (
                "conserved_keys: from enter.output.lines[].id to keep.output.lines[].id: "
                "lost 2, gained 3"
            ),
        ),
        (
            {"conserved_keys": [f"{LINES}[].id", IDS]},
            lines(TWO, ONE),
            lines(ONE, TWO, TWO),
            "conserved_keys: from enter.output.lines[].id to keep.output.lines[].id: gained 2",
        ),
        (
            {"kept_keys": [f"{LINES}[].id", IDS]},
            lines(TWO, ONE, {"id": 3}),
            lines(TWO, {"id": 3}),
            "kept_keys: from enter.output.lines[].id to keep.output.lines[].id: lost 1",
        ),
        (
            {"conserved_sum": ["enter.output.lines[].n", "keep.output.total"]},
            {"total": 5.0},
            {"total": 4},
            "conserved_sum: enter.output.lines[].n comes to 5, keep.output.total to 4",
        ),
        (
            {"round_trip": ["enter.output", "keep.output"]},
            lines(ONE, {"n": 3.0, "id": 2}),
            lines(ONE, {"id": True, "n": 3}),
            (
                "round_trip: keep.output is not enter.output: at $.lines[1].id it has true "
                "instead of 2"
            ),
        ),
        (
            {"round_trip": ["enter.output.lines[0]", "keep.output"]},
            ONE,
            {"id": 1},
            (
                "round_trip: keep.output is not enter.output.lines[0]: at $.n it has nothing "
                "instead of 2"
            ),
        ),
        (
            {"unique": [IDS]},
            lines(ONE, TWO),
            lines(ONE, ONE),
            "unique: keep.output.lines[].id has 1 more than once",
        ),
    ],
)
def test_a_ready_made_invariant_holds_or_names_who_broke_it(
    invariant: dict[str, list[str]], kept: Payload, broken: Payload, said: str
) -> None:
    sent = lines(ONE, TWO)
    assert judged(invariant, sent, kept) == ([], [])
    assert judged(invariant, sent, broken) == ([f"layer keep breaks {said}"], [])


def test_what_is_wrong_on_the_way_in_is_blamed_on_the_step_before() -> None:
    steps = {"enter": {"input": [1], "output": [1]}, "keep": {"input": [], "output": []}}
    places = ["enter.input", "enter.output", "keep.input", "keep.output"]
    [finding], _ = judge([{"conserved_count": places}], steps, lambda step: f"layer {step}")
    assert finding.evidence["producer"] == "layer enter"


@pytest.mark.parametrize(
    ("invariant", "got", "said"),
    [
        ({"conserved_count": [LINES, "keep.output.rows"]}, {}, "there is no .rows in {}"),
        ({"conserved_count": [LINES, "keep.output.n"]}, {"n": 3}, "keep.output.n is 3, no list"),
        ({"conserved_sum": [f"{LINES}[].n", "keep.output.n"]}, {"n": "3"}, '"3" is no number'),
        ({"conserved_sum": [f"{LINES}[].n", "keep.output.n"]}, {"n": True}, "true is no number"),
        ({"unique": ["keep.output[]"]}, 4, "there is no [] in 4"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_never_false(
    invariant: dict[str, list[str]], got: Payload, said: str
) -> None:
    findings, [error] = judged(invariant, lines(ONE), got)
    assert findings == []
    assert said in error
