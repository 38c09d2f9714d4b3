"""Runs a benchmark on base and candidate in turn and keeps what was measured.

Judges nothing: it is told by a callback when enough is known.
"""

from __future__ import annotations

import json
import math
import random
import resource
import shlex
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.plugins.builtin.benchmarks.formats import Measured, printed, recognise
from orchestrator.plugins.builtin.benchmarks.interval import looks
from orchestrator.plugins.builtin.integrity.command import trouble
from orchestrator.plugins.builtin.integrity.documents import UnreadableReport, load
from orchestrator.plugins.spec import CheckContext, CommandResult

__all__ = ["BASE", "CANDIDATE", "Bench", "RunTrouble", "Samples", "collect"]

BASE, CANDIDATE = "base", "candidate"


class RunTrouble(Exception):
    """One run gave no measurement. ``exited`` is True if the command itself said that it failed.

    Never leaves this package.
    """

    def __init__(self, side: str, reason: str, ended: CommandResult, exited: bool = False) -> None:
        self.side = side
        self.reason = reason
        self.ended = ended
        self.exited = exited
        super().__init__(f"on the {side}: {reason}")


@dataclass(frozen=True, slots=True)
class Bench:
    """A command that can be run on either side; ``timeout`` in seconds for one run.

    ``measure`` is cpu for the CPU time, else what it measured itself or its wall time.
    """

    context: CheckContext
    command: str
    timeout: float
    measure: str = "wall"

    def run(self, side: str) -> Measured:
        """Run it once. Raises RunTrouble."""
        folder = tempfile.mkdtemp(prefix="run-", dir=self.context.scratch)
        report = Path(folder) / "report.json"
        command = self.command.replace("{report}", shlex.quote(str(report)))
        before = _cpu_seconds()
        ended = self.context.run(command, on_base=side == BASE, timeout=self.timeout)
        cpu = _cpu_seconds() - before
        reason = trouble(ended, self.timeout)
        if reason is not None:
            raise RunTrouble(side, reason, ended)
        if ended.code != 0:
            raise RunTrouble(side, f"exit status {ended.code}", ended, exited=True)
        try:
            return self._measured(ended, report, cpu)
        except UnreadableReport as error:
            raise RunTrouble(side, f"its measurement: {error}", ended) from None

    def _measured(self, ended: CommandResult, report: Path, cpu: float) -> Measured:
        if self.measure == "cpu":
            if cpu <= 0:
                raise UnreadableReport("its CPU time is too short to be measured")
            return Measured({"": cpu})
        if "{report}" in self.command:
            return recognise(load(report))
        return printed(ended.stdout) or Measured({"": ended.seconds}, cpu=cpu)


def _cpu_seconds() -> float:
    """What all ended children took; a check's process has no others than its commands."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(slots=True)
class Samples:
    """What was measured, by side and name, in the order it was; the warm-up is not in it.

    ``names`` are those compared. ``in_time`` is False when time ran out before
    enough was known. ``cpu`` has the CPU seconds by side where the wall time is measured.
    """

    names: tuple[str, ...]
    sides: tuple[str, ...]
    unit: str
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    in_time: bool = True

    def __post_init__(self) -> None:
        self.values = {side: {name: [] for name in self.names} for side in self.sides}

    def __len__(self) -> int:
        """Rounds: pairs, or single runs of the candidate."""
        return len(self.values[CANDIDATE][self.names[0]])

    def add(self, side: str, measured: Measured) -> None:
        for name in self.names:
            self.values[side][name].append(measured.values[name])
        if measured.cpu is not None:
            self.cpu.setdefault(side, []).append(measured.cpu)

    def log_ratios(self) -> dict[str, list[float]]:
        """By name: the log of candidate over base of each pair."""
        return {
            name: [
                math.log(mine / theirs)
                for mine, theirs in zip(
                    self.values[CANDIDATE][name], self.values[BASE][name], strict=True
                )
            ]
            for name in self.names
        }


def collect(
    bench: Bench,
    samples: Samples,
    rounds: tuple[int, int],
    seconds: float,
    settled: Callable[[Samples], bool],
    seed: str,
) -> None:
    """Add rounds until ``settled`` says so, there are ``rounds[1]``, or the time is up.

    ``settled`` is asked first at ``rounds[0]`` rounds and then ever less often.
    Which side goes first is drawn by lot (from ``seed``): taking turns could
    fall into step with what else the machine is doing, and what ``signs`` says
    about chance holds because of the lot. Raises RunTrouble.
    """
    lot = random.Random(seed)
    deadline = time.monotonic() + seconds
    longest = 0.0
    for wanted in looks(*rounds):
        while len(samples) < wanted:
            start = time.monotonic()
            if start + longest > deadline:
                samples.in_time = False
                return
            _round(bench, samples, lot.random() < 0.5)
            longest = max(longest, time.monotonic() - start)
        if settled(samples):
            return


def _round(bench: Bench, samples: Samples, backwards: bool) -> None:
    order: Iterable[str] = reversed(samples.sides) if backwards else samples.sides
    measured = {side: bench.run(side) for side in order}
    for side, one in measured.items():
        absent = [name for name in samples.names if name not in one.values]
        if absent or one.unit != samples.unit:
            what = json.dumps(absent[0]) if absent else f"the unit {samples.unit}"
            raise RunTrouble(side, f"a run did not measure {what} again", _NOTHING)
        samples.add(side, one)


_NOTHING = CommandResult("exited", 0, "", "", 0.0)
