"""Does the benchmarks family keep quiet on identical code and find +10 % on a busy machine?

``./dev bench benchmarks --trials 50`` for figures worth quoting (some twenty minutes).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator

from bench.busy import busy
from bench.row import Row
from bench.share import Share
from orchestrator.plugins.builtin.benchmarks import selftest
from orchestrator.plugins.builtin.benchmarks.interval import ALARM
from orchestrator.plugins.spec import CheckResult, Outcome

__all__ = ["measure"]

#: What a benchmark has by default.
_SECONDS, _PAIRS = 60.0, 200
_SLOWDOWN = 0.10
#: Percent of the slowdowns that may be called fine.
_MISSED = 5.0


def measure(trials: int = 3) -> Iterator[Row]:
    """Real measurements of a program of known work, beside as many busy processes as processors.

    A share is over its budget only where chance does not explain it: told is its low end.
    """
    same, slower = [], []
    with busy(os.cpu_count() or 1, most_seconds=2.5 * trials * _SECONDS + 60):
        for _ in range(trials):
            same.append(selftest.compare(0.0, time_limit=_SECONDS, max_pairs=_PAIRS))
            slower.append(selftest.compare(_SLOWDOWN, time_limit=_SECONDS, max_pairs=_PAIRS))
    yield _at_least("false alarms on identical code", same, Outcome.FAILED, 100 * ALARM)
    yield _row("identical code inconclusive", same, Outcome.INCONCLUSIVE)
    yield _at_least("planted +10 % called fine", slower, Outcome.PASSED, _MISSED)
    yield _row("planted +10 % inconclusive", slower, Outcome.INCONCLUSIVE)
    yield _row("planted +10 % found", slower, Outcome.FAILED, _pairs(slower))


def _at_least(what: str, results: list[CheckResult], outcome: Outcome, most: float) -> Row:
    share = _share(results, outcome)
    return Row(f"{what}, at least", 100 * share.low, "%", most, f"{share}; {_pairs(results)}")


def _row(what: str, results: list[CheckResult], outcome: Outcome, note: str = "") -> Row:
    share = _share(results, outcome)
    return Row(what, share.percent, "%", None, "; ".join(filter(None, (str(share), note))))


def _share(results: list[CheckResult], outcome: Outcome) -> Share:
    return Share(sum(result.outcome is outcome for result in results), len(results))


def _pairs(results: list[CheckResult]) -> str:
    pairs = statistics.mean(result.metrics.get("benchmark.pairs", 0) for result in results)
    ratios = sorted(result.metrics.get("benchmark.ratio", 0) for result in results)
    return f"{pairs:.0f} pairs each, ratios {ratios[0]:.2f} to {ratios[-1]:.2f}"
