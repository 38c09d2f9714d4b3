"""Does the benchmarks family find a planted slowdown and keep quiet without one?"""

from __future__ import annotations

from orchestrator.plugins.builtin.benchmarks import selftest
from orchestrator.plugins.spec import CheckResult, Outcome

from .row import Row

__all__ = ["measure"]

_TRIALS = 4
_SECONDS = 6.0


def measure() -> list[Row]:
    """Few trials: the rates are established by simulation in the tests, this is the real thing."""
    same = [selftest.identical(time_limit=_SECONDS) for _ in range(_TRIALS)]
    slower = [selftest.planted(0.25, time_limit=_SECONDS) for _ in range(_TRIALS)]
    return [
        Row("false alarms on identical code", _count(same, Outcome.FAILED), "", 0, _note(same)),
        Row("planted +25 % called fine", _count(slower, Outcome.PASSED), "", 0, _note(slower)),
        Row(
            "planted +25 % not found",
            _TRIALS - _count(slower, Outcome.FAILED),
            f"of {_TRIALS}",
            1,
            "inconclusive on a busy machine",
        ),
    ]


def _count(results: list[CheckResult], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)


def _note(results: list[CheckResult]) -> str:
    pairs = sum(result.metrics.get("benchmark.pairs", 0) for result in results)
    ratios = ", ".join(f"{r.metrics.get('benchmark.ratio', 0):.2f}" for r in results)
    return f"{len(results)} trials, {pairs / len(results):.0f} pairs each, ratios {ratios}"
