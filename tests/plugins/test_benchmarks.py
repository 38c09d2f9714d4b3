"""A benchmark is measured on base and candidate in turn, and judged in three values.

The commands print what they "measured", so that nothing depends on timing;
one test at the end measures for real.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config.model import Benchmark, Layer
from orchestrator.plugins.builtin import benchmarks
from orchestrator.plugins.builtin.benchmarks import sampling
from orchestrator.plugins.spec import CheckResult, Outcome, Severity
from orchestrator.testing import plugins as harness

#: Prints the next of the values in the file ``values``, over and over; counts its runs.
PROGRAM = """\
count=$(cat runs 2>/dev/null || echo 0)
echo $((count + 1)) > runs
set -- $(cat values)
shift $((count % $#))
echo "{\\"seconds\\": $1}"
"""


def run(
    tmp_path: Path,
    base: str | None = None,
    mine: str = "1.0",
    *,
    program: str = PROGRAM,
    base_program: str | None = None,
    **settings: Any,
) -> CheckResult:
    """Measure; ``base`` and ``mine`` are the values each side prints in turn."""
    candidate = harness.write(tmp_path / "candidate", {"bench.sh": program, "values": mine})
    base_folder = None
    if base is not None:
        files = {"bench.sh": base_program or program, "values": base}
        base_folder = harness.write(tmp_path / "base", files)
    benchmark = Benchmark("search", **{"run": "sh ./bench.sh", "max_pairs": 12, **settings})
    configured = harness.config(benchmarks={"search": benchmark})
    [check] = harness.plan(benchmarks, configured)
    where = harness.context(
        candidate,
        tmp_path / "scratch",
        base_checkout=base_folder,
        settings=configured,
        timeout=check.timeout,
    )
    return harness.execute(benchmarks, check, where)


def rules(result: CheckResult) -> list[str]:
    return [finding.rule for finding in result.findings]


def test_the_same_speed_passes_with_its_interval(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0 1.01 0.99", "1.0 0.99 1.01")
    assert (result.outcome, rules(result)) == (Outcome.PASSED, [])
    assert "× the base (95 % sure:" in result.reason and result.reason.endswith("6 pairs")
    assert result.metrics["benchmark.pairs"] == 6
    assert result.data["compared"][""]["verdict"] == "fine"


def test_a_slowdown_fails_with_ratio_interval_and_medians(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0 1.01 0.99", "1.25 1.26 1.24")
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert (finding.rule, finding.severity) == ("benchmark.regression", Severity.BREAKING)
    assert finding.message == "search is slower than on the base by more than the allowed 5 %"
    evidence = finding.evidence
    assert 1.2 < evidence["low"] <= evidence["ratio"] <= evidence["high"] < 1.3
    assert (evidence["base_median"], evidence["unit"], evidence["pairs"]) == (1.0, "s", 9)
    assert evidence["candidate_median"] == 1.25


def test_the_same_slowdown_is_the_same_finding_in_the_next_run(tmp_path: Path) -> None:
    prints = {
        run(tmp_path / name, "1.0", mine).findings[0].fingerprint("benchmarks/search")
        for name, mine in (("one", "1.25"), ("two", "1.31"))
    }
    assert len(prints) == 1


def test_what_noise_hides_is_inconclusive_with_the_interval(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0 2.0 1.3", "1.1 1.9 0.9 2.5")
    assert (result.outcome, result.findings) == (Outcome.INCONCLUSIVE, ())
    assert "sure:" in result.reason and "12 pairs" in result.reason


def test_too_few_pairs_to_rule_out_chance_are_inconclusive_and_that_is_said(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.5", min_pairs=5, max_pairs=5)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "1.500), but chance alone does as much in 3.1 of 100 runs; 5 pairs" in result.reason


def test_a_slowdown_within_the_allowance_passes(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.1", max_regression=0.2)
    assert result.outcome is Outcome.PASSED


def test_an_improvement_is_noticed(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "0.5")
    assert (result.outcome, rules(result)) == (Outcome.PASSED, ["benchmark.improvement"])


def test_one_slow_name_of_several_fails_the_benchmark(tmp_path: Path) -> None:
    program = 'echo "{\\"seconds\\": {\\"a\\": 1.0, \\"b\\": $(cat values)}}"\n'
    result = run(tmp_path, "1.0", "1.5", program=program)
    assert result.outcome is Outcome.FAILED
    assert [f.message.split(" is ")[0] for f in result.findings] == ["search b"]


def test_each_pair_has_both_sides_and_the_warm_up_is_not_counted(tmp_path: Path) -> None:
    program = 'echo "${PWD##*/}" >> ../order; echo "{\\"seconds\\": 1}"\n'
    run(tmp_path, "", "", program=program, min_pairs=3, max_pairs=3)
    order = "".join(word[0] for word in (tmp_path / "order").read_text().split())
    assert order[:2] == "bc" and len(order) == 8
    assert all(set(order[at : at + 2]) == {"b", "c"} for at in range(0, 8, 2))


def test_which_side_goes_first_is_drawn_by_lot(tmp_path: Path) -> None:
    where = harness.context(tmp_path, tmp_path / "scratch", base_checkout=tmp_path)
    bench = sampling.Bench(where, """printf . >> n; echo '{"seconds": '$(wc -c < n)'}'""", 10.0)
    samples = sampling.Samples(("",), (sampling.BASE, sampling.CANDIDATE), "s")
    sampling.collect(bench, samples, (12, 12), 60.0, lambda _: False, "seed")
    first = [ratio > 0 for ratio in samples.log_ratios()[""]]
    assert 0 < sum(first) < 12 and first not in ([True, False] * 6, [False, True] * 6)


def test_the_report_holds_the_samples_the_lot_and_the_machine(tmp_path: Path) -> None:
    data = run(tmp_path, "1.0", "1.0", max_pairs=6).data
    assert data["samples"] == {"base": {"": [1.0] * 6}, "candidate": {"": [1.0] * 6}}
    assert set(data["machine"]) == {"cpu", "cores", "platform", "python"}
    assert len(data["seed"]) == 8


def test_a_report_file_is_read(tmp_path: Path) -> None:
    program = 'echo "{\\"results\\": [{\\"command\\": \\"x\\", \\"median\\": 2}]}" > "$1"\n'
    result = run(tmp_path, "", "", program=program, run="sh ./bench.sh {report}")
    assert result.outcome is Outcome.PASSED and result.metrics["benchmark.median"] == 2.0


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("true # {report}", "was not written"),
        ("echo '{' > {report}", "not valid JSON"),
        ("""echo '{"seconds": 0}'""", "not above 0"),
        ("no-such-command-at-all", "could not be started"),
        ("exit 3", "exit status 3"),
    ],
)
def test_a_benchmark_that_measures_nothing_is_errored(
    tmp_path: Path, command: str, reason: str
) -> None:
    result = run(tmp_path, "", "", run=command)
    assert (result.outcome, result.findings) == (Outcome.ERRORED, ())
    assert reason in result.reason


def test_a_run_that_does_not_end_is_errored(tmp_path: Path) -> None:
    result = run(tmp_path, "", "", program="sleep 60\n", base_program="exit 0\n", timeout=1.0)
    assert (result.outcome, result.findings) == (Outcome.ERRORED, ())
    assert result.reason.startswith("on the candidate: it did not end within 1 s")


def test_a_benchmark_only_the_candidate_breaks_is_failed(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.0", program="exit 1\n", base_program=PROGRAM)
    assert (result.outcome, rules(result)) == (Outcome.FAILED, ["benchmark.broken"])


def test_a_benchmark_the_base_cannot_run_is_inconclusive(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.0", base_program="exit 1\n")
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reason == "the base cannot run it (exit status 1); nothing was compared"


def test_the_budget_is_judged_although_the_base_cannot_run_it(tmp_path: Path) -> None:
    over = run(tmp_path / "a", "1.0", "1.0", base_program="exit 1\n", budget=0.5)
    assert over.outcome is Outcome.FAILED and "benchmark.budget" in rules(over)
    within = run(tmp_path / "b", "1.0", "1.0", base_program="exit 1\n", budget=2.0)
    assert within.outcome is Outcome.INCONCLUSIVE


def test_without_a_base_only_the_budget_is_judged_and_that_is_said(tmp_path: Path) -> None:
    within = run(tmp_path / "a", mine="1.0 1.1 0.9", budget=2.0)
    assert (within.outcome, rules(within)) == (Outcome.PASSED, ["benchmark.not-compared"])
    over = run(tmp_path / "b", mine="1.0 1.1 0.9", budget=0.5)
    assert (over.outcome, rules(over)[0]) == (Outcome.FAILED, "benchmark.budget")
    around = run(tmp_path / "c", mine="1.0 1.4 0.6", budget=1.0)
    assert around.outcome is Outcome.INCONCLUSIVE


def test_without_base_and_budget_it_is_skipped_with_the_reason(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.outcome is Outcome.SKIPPED and "no base" in result.reason
    assert not (tmp_path / "candidate" / "runs").exists()


def test_over_budget_fails_although_it_is_not_slower_than_the_base(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.0", budget=0.5)
    assert (result.outcome, rules(result)) == (Outcome.FAILED, ["benchmark.budget"])


def test_a_budget_in_seconds_over_something_else_is_errored(tmp_path: Path) -> None:
    program = 'echo "{\\"value\\": 5, \\"unit\\": \\"queries\\"}"\n'
    assert run(tmp_path, "", "", program=program, budget=1.0).outcome is Outcome.ERRORED
    assert run(tmp_path, "", "", program=program).outcome is Outcome.PASSED


def test_a_name_that_is_no_longer_measured_is_not_passed_over(tmp_path: Path) -> None:
    base = 'echo "{\\"seconds\\": {\\"a\\": 1, \\"b\\": 1}}"\n'
    mine = 'echo "{\\"seconds\\": {\\"a\\": 1, \\"c\\": 1}}"\n'
    result = run(tmp_path, "", "", program=mine, base_program=base)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert rules(result) == ["benchmark.dropped", "benchmark.added"]
    assert "search b is no longer measured" in result.reason


def test_nothing_in_common_is_inconclusive(tmp_path: Path) -> None:
    program = 'echo "{\\"seconds\\": {\\"$(cat values)\\": 1}}"\n'
    result = run(tmp_path, "a", "b", program=program)
    assert result.outcome is Outcome.INCONCLUSIVE and "nothing in common" in result.reason


def test_a_measure_that_changes_its_names_is_errored(tmp_path: Path) -> None:
    program = PROGRAM.replace('{\\"seconds\\": $1}', '{\\"seconds\\": {\\"$1\\": 1}}')
    result = run(tmp_path, "a", "a b", program=program)
    assert result.outcome is Outcome.ERRORED and 'did not measure "a" again' in result.reason


def test_time_that_runs_out_is_inconclusive_and_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, "1.0", "1.0", time_limit=0.001)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "the time was up; raise time_limit" in result.reason


def test_benchmarks_are_planned_for_affected_layers_alone_and_last() -> None:
    settings = harness.config(
        layers={name: Layer(name, (f"{name}/**",)) for name in ("data", "web")},
        benchmarks={
            "db": Benchmark("db", "a", layer="data"),
            "page": Benchmark("page", "b", layer="web"),
            "whole": Benchmark("whole", "c"),
        },
    )
    planned = harness.plan(benchmarks, settings, layers=["web"])
    assert [check.id for check in planned] == ["benchmarks/page", "benchmarks/whole"]
    assert all(c.exclusive and c.needs_base and not c.deterministic for c in planned)
    alone = harness.plan(benchmarks, settings, layers=["web"], project_wide=False)
    assert [check.id for check in alone] == ["benchmarks/page"]
    assert [check.spec["family"] for check in (*planned, *alone)] == [2, 2, 1]


def test_the_check_has_time_for_everything_the_benchmark_may_do() -> None:
    benchmark = Benchmark("a", "b", time_limit=20.0, timeout=5.0)
    settings = harness.config(benchmarks={"a": replace(benchmark)})
    [check] = harness.plan(benchmarks, settings)
    assert check.timeout >= 20.0 + 4 * 5.0


def test_the_slowest_of_several_steps_are_named(tmp_path: Path) -> None:
    steps = {"load": 1.0, "parse": 6.0, "check": 0.5, "render": 2.5}
    program = f"echo '{json.dumps({'seconds': steps})}'\n"
    result = run(tmp_path, "", "", program=program)
    assert (result.outcome, rules(result)) == (Outcome.PASSED, ["benchmark.slowest"])
    [finding] = result.findings
    assert finding.message == "search spends most of its time in parse and render"
    assert finding.evidence["share"] == ["parse 60%", "render 25%", "load 10%", "check 5%"]
