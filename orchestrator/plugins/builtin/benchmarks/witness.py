"""The second witness of a slowdown in wall time: the CPU time of the same runs.

A command that is busy all the time cannot take longer without computing more,
unless the machine was busy with something else. Where only the wall time grew,
the slowdown is not believed, and not denied either. Says nothing about a
command that waits, or computes on several processors: there wall time is the
only witness.
"""

from __future__ import annotations

import math
from dataclasses import replace

from orchestrator.plugins.builtin.benchmarks.interval import Comparison, Verdict
from orchestrator.plugins.builtin.benchmarks.sampling import BASE, CANDIDATE, Samples

__all__ = ["CONTRADICTION", "cpu_log_ratios", "heard"]

CONTRADICTION = (
    "its CPU time did not grow, so the machine may have been busy "
    "(`measure: cpu` compares that alone)"
)
#: CPU time over wall time between which a command is called busy, in its quickest quarter of
#: runs. Above it works on several processors, and may become slower by using fewer.
_BUSY = (0.9, 1.05)


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
    share = sum(used for _, used in runs) / sum(seconds for seconds, _ in runs)
    return _BUSY[0] <= share <= _BUSY[1]
