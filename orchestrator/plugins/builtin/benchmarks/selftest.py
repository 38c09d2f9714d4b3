"""Does the comparison see a slowdown, and does it keep quiet without one?

Runs the real measurement on a real command whose work is known: the same on
both sides, or a planted share more on the candidate's. A comparator that
compares nothing passes every test but this one.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator import environment
from orchestrator.config.model import Benchmark, Config
from orchestrator.plugins.builtin import benchmarks
from orchestrator.plugins.commands import run_command
from orchestrator.plugins.spec import CheckContext, CheckResult, Outcome, PlanRequest

__all__ = ["SLOWDOWN", "Examined", "Trial", "compare", "examine"]

#: What is planted: large enough to be found within seconds on a busy machine.
SLOWDOWN = 0.5

#: Work of one run in rounds of a small loop, about 10 ms.
_ROUNDS = 100_000
_PROGRAM = """\
import json, time
start = time.process_time()
total = 0
for number in range({rounds}):
    total += number * number % 7
print(json.dumps({{"seconds": time.process_time() - start}}))
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One measurement of known work; ``outcome`` passed: the comparison said what is true."""

    what: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Examined:
    """The trials of a self-test."""

    trials: tuple[Trial, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed: the comparison is broken. Inconclusive: the machine was too busy to tell."""
        outcomes = {trial.outcome for trial in self.trials}
        worst = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)
        return next(outcome for outcome in worst if outcome in outcomes)


def examine(*, seconds: float = 8.0) -> Examined:
    """A planted slowdown must be found, identical code must raise no alarm.

    ``seconds`` bound the first, half of them the second. A single alarm may be chance, so
    identical code is measured again after one; two in a row are not.
    """
    return Examined((_planted(seconds), _identical(seconds / 2)))


def _planted(seconds: float) -> Trial:
    found = compare(SLOWDOWN, time_limit=seconds, max_pairs=40)
    outcome = {Outcome.FAILED: Outcome.PASSED, Outcome.INCONCLUSIVE: Outcome.INCONCLUSIVE}
    what = f"a planted slowdown of {100 * SLOWDOWN:g} %"
    return Trial(what, outcome.get(found.outcome, Outcome.FAILED), found.reason)


def _identical(seconds: float) -> Trial:
    found = compare(0.0, time_limit=seconds, max_pairs=20)
    if found.outcome is Outcome.FAILED:
        found = compare(0.0, time_limit=seconds, max_pairs=20)
    right = found.outcome in (Outcome.PASSED, Outcome.INCONCLUSIVE)
    outcome = Outcome.PASSED if right else Outcome.FAILED
    return Trial("identical code", outcome, found.reason)


def compare(slowdown: float, *, time_limit: float, max_pairs: int) -> CheckResult:
    """Measure a candidate that does ``slowdown`` more work than its base (0.25 is 25 %)."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-selftest-") as folder:
        root = Path(folder)
        for side, rounds in (("base", _ROUNDS), ("candidate", round(_ROUNDS * (1 + slowdown)))):
            (root / side).mkdir()
            (root / side / "work.py").write_text(_PROGRAM.format(rounds=rounds))
        (root / "scratch").mkdir()
        benchmark = Benchmark(
            "selftest",
            run=f"'{sys.executable}' -I -S work.py",
            time_limit=time_limit,
            max_pairs=max_pairs,
        )
        return _execute(benchmark, root)


def _execute(benchmark: Benchmark, root: Path) -> CheckResult:
    config = Config("selftest", {}, benchmarks={benchmark.name: benchmark}).to_json()
    [check] = benchmarks.orchestrate_plan(PlanRequest(config, (), None, str(root), "base"))
    context = CheckContext(
        checkout=str(root / "candidate"),
        scratch=str(root / "scratch"),
        commit="candidate",
        base="base",
        base_checkout=str(root / "base"),
        repository=str(root),
        environment=environment.allowed(),
        base_environment=environment.allowed(),
        timeout=check.timeout,
        config=config,
        upstream={},
        runner=run_command,
    )
    return benchmarks.orchestrate_execute(check, context)
