"""Does the benchmarks family keep quiet on identical code and find +10 % on a busy machine?

``ORCHESTRATE_BENCH_TRIALS=50`` for figures worth quoting (some twenty minutes).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator

from bench.busy import busy
from bench.row import Row
from orchestrator.plugins.builtin.benchmarks import selftest
from orchestrator.plugins.spec import CheckResult, Outcome

__all__ = ["measure"]

_TRIALS = "ORCHESTRATE_BENCH_TRIALS"
_SECONDS, _PAIRS = 12.0, 60
_SLOWDOWN = 0.10


def measure() -> Iterator[Row]:
    """Real measurements of a program of known work, beside as many busy processes as processors."""
    trials = int(os.environ.get(_TRIALS, "3"))
    same, slower = [], []
    with busy(os.cpu_count() or 1, most_seconds=2.5 * trials * _SECONDS + 60):
        for _ in range(trials):
            same.append(selftest.compare(0.0, time_limit=_SECONDS, max_pairs=_PAIRS))
            slower.append(selftest.compare(_SLOWDOWN, time_limit=_SECONDS, max_pairs=_PAIRS))
    alarms, fine = _count(same, Outcome.FAILED), _count(slower, Outcome.PASSED)
    yield Row("false alarms on identical code", alarms, "", trials // 50, _note(same))
    yield Row("planted +10 % called fine", fine, "", 1 + trials // 20, _note(slower))
    found = 100 * _count(slower, Outcome.FAILED) / trials
    yield Row("planted +10 % found", found, "%", None, f"{trials} trials, {_TRIALS} for more")


def _count(results: list[CheckResult], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)


def _note(results: list[CheckResult]) -> str:
    pairs = statistics.mean(result.metrics.get("benchmark.pairs", 0) for result in results)
    ratios = sorted(result.metrics.get("benchmark.ratio", 0) for result in results)
    open_ = _count(results, Outcome.INCONCLUSIVE)
    return (
        f"of {len(results)}; {pairs:.0f} pairs each, ratios {ratios[0]:.2f} to {ratios[-1]:.2f}, "
        f"{open_} inconclusive"
    )
