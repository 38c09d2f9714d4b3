"""A slowdown in wall time alone of a command that only computes is not believed."""

from __future__ import annotations

from pathlib import Path

from orchestrator.plugins.builtin.benchmarks.interval import Verdict, compare
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, Bench, Samples
from orchestrator.plugins.builtin.benchmarks.witness import (
    CONTRADICTION,
    cpu_log_ratios,
    heard,
)
from orchestrator.testing import plugins as harness


def judged(wall: tuple[float, float], cpu: tuple[float, float]) -> tuple[Verdict, str]:
    """Twelve pairs of runs that took ``wall`` and ``cpu`` on base and candidate."""
    samples = Samples(("",), (BASE, CANDIDATE), "s")
    for side, seconds, used in zip((BASE, CANDIDATE), wall, cpu, strict=True):
        samples.values[side][""] = [seconds] * 12
        samples.cpu[side] = [used] * 12
    [one] = compare(samples.log_ratios(), 0.05, "seed")
    if ratios := cpu_log_ratios(samples):
        [second] = compare({"": ratios}, 0.05, "seed")
        one = heard(one, second)
    return one.verdict, one.doubt


def test_a_slowdown_that_took_no_cpu_time_of_a_busy_command_is_undecided() -> None:
    assert judged((1.0, 1.1), (0.99, 0.995)) == (Verdict.UNDECIDED, CONTRADICTION)


def test_a_slowdown_that_took_cpu_time_is_a_regression() -> None:
    assert judged((1.0, 1.1), (0.99, 1.09)) == (Verdict.REGRESSED, "")


def test_a_command_that_waits_has_no_second_witness() -> None:
    assert judged((1.0, 1.5), (0.1, 0.1)) == (Verdict.REGRESSED, "")
    assert judged((1.0, 1.5), (0.99, 0.99)) == (Verdict.REGRESSED, "")


def test_a_command_that_loses_its_second_processor_is_a_regression() -> None:
    assert judged((1.0, 1.9), (1.9, 1.9)) == (Verdict.REGRESSED, "")


def test_the_cpu_time_of_a_command_is_that_of_everything_it_started(tmp_path: Path) -> None:
    busy = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done"
    bench = Bench(harness.context(tmp_path, tmp_path / "scratch"), f"sh -c '{busy}'", 30.0)
    idle = Bench(bench.context, "sleep 0.05", 30.0)
    used, unused = bench.run(CANDIDATE), idle.run(CANDIDATE)
    assert used.cpu and unused.cpu is not None and used.cpu > unused.cpu
    assert unused.cpu < unused.values[""]


def test_the_cpu_time_is_compared_where_that_is_asked_for(tmp_path: Path) -> None:
    wait = "sleep 0.05; i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done"
    where = harness.context(tmp_path, tmp_path / "scratch")
    wall, cpu = (Bench(where, wait, 30.0, measure).run(CANDIDATE) for measure in ("wall", "cpu"))
    assert wall.values[""] >= 0.05 and 0 < cpu.values[""] < wall.values[""]
    assert (wall.cpu is None, cpu.cpu) == (False, None)
