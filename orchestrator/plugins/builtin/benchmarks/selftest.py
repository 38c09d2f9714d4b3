"""Does the comparison see a slowdown, and does it keep quiet without one?

Runs the real measurement on a real command whose work is known: the same on
both sides, or a planted share more on the candidate's. A comparator that
compares nothing passes every test but this one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from orchestrator import environment, processes
from orchestrator.config.model import Benchmark, Config
from orchestrator.plugins.builtin import benchmarks
from orchestrator.plugins.spec import CheckContext, CheckResult, CommandResult, PlanRequest

__all__ = ["compare", "identical", "planted"]

#: Work of one run in rounds of a small loop, about 30 ms.
_ROUNDS = 300_000
_PROGRAM = """\
import json, time
start = time.process_time()
total = 0
for number in range({rounds}):
    total += number * number % 7
print(json.dumps({{"seconds": time.process_time() - start}}))
"""


def identical(*, time_limit: float = 20.0, max_pairs: int = 40) -> CheckResult:
    """The same work on both sides: anything but *failed* is right."""
    return compare(0.0, time_limit=time_limit, max_pairs=max_pairs)


def planted(
    slowdown: float = 0.25, *, time_limit: float = 20.0, max_pairs: int = 40
) -> CheckResult:
    """The candidate does ``slowdown`` more work: anything but *passed* is right."""
    return compare(slowdown, time_limit=time_limit, max_pairs=max_pairs)


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
        runner=_run,
    )
    return benchmarks.orchestrate_execute(check, context)


def _run(
    command: str | Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    stop: int | None = None,
) -> CommandResult:
    ended = processes.run(
        command, cwd=cwd, environment=environment, timeout=timeout, stdin=stdin, stop=stop
    )
    return CommandResult(**asdict(ended))
