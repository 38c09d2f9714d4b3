"""The second witness of a slowdown in wall time: the CPU time of the same runs.

A command that is busy all the time cannot take longer without computing more,
unless the machine was busy with something else. Where only the wall time grew,
the slowdown is not believed, and not denied either. Says nothing about a
command that waits: there wall time is the only witness.
"""

from __future__ import annotations

import math
from dataclasses import replace

from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Verdict
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, Samples

__all__ = ["CONTRADICTION", "cpu_log_ratios", "heard"]

CONTRADICTION = "its CPU time did not grow, so the machine may have been busy"
#: CPU time over wall time from which on a command is called busy, in its quickest quarter of runs.
_BUSY = 0.9


def cpu_log_ratios(samples: Samples) -> list[float]:
    """Per pair the log of candidate over base in CPU time; empty where it is no witness."""
    if not all(_busy(samples, side) for side in (BASE, CANDIDATE)):
        return []
    pairs = zip(samples.cpu[CANDIDATE], samples.cpu[BASE], strict=True)
    return [math.log(mine / theirs) for mine, theirs in pairs]


def heard(wall: Comparison, cpu: Comparison) -> Comparison:
    """The comparison of wall times, never a regression where the CPU times are clearly fine."""
    if wall.verdict is not Verdict.FINE and cpu.verdict is Verdict.FINE:
        return replace(wall, verdict=Verdict.UNDECIDED, doubt=CONTRADICTION)
    return wall


def _busy(samples: Samples, side: str) -> bool:
    cpu = samples.cpu.get(side, [])
    if not cpu or min(cpu) <= 0:
        return False
    wall = samples.values[side][samples.names[0]]
    runs = sorted(zip(wall, cpu, strict=True))[: max(len(cpu) // 4, 1)]
    return sum(used for _, used in runs) >= _BUSY * sum(seconds for seconds, _ in runs)
