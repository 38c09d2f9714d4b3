"""What a check's verdicts turned out to be worth, from what it said and what became of it.

Pure. One dict a result, as the store keeps them: ``outcome``, ``flaky``,
``preexisting``, ``millis`` and ``truth``, which is ``confirmed`` (the producer
mended what it found), ``overruled`` (somebody let it through all the same) or
None while nobody knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["CONFIRMED", "OVERRULED", "TrackRecord"]

CONFIRMED, OVERRULED = "confirmed", "overruled"

#: When a check is called noisy: at least so many known truths and at most this share right, or
#: at least so many runs and at least this share flaky.
_JUDGED, _PRECISION = 3, 0.5
_RUNS, _FLAKY = 10, 0.2


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A check's recent past. ``failed`` leaves out what fails on the base too.

    ``seconds`` is the median of what a run of it took, ``slowest`` the most.
    """

    check: str
    runs: int
    passed: int
    failed: int
    flaky: int
    errored: int
    inconclusive: int
    preexisting: int
    confirmed: int
    overruled: int
    seconds: float
    slowest: float

    @classmethod
    def of(cls, check: str, results: Sequence[Mapping[str, Any]]) -> TrackRecord:
        """The record of ``check``, whose ``results`` these are. Skipped ones say nothing."""
        ran = [r for r in results if r["outcome"] not in ("skipped", "not_run")]
        own = Counter(r["outcome"] for r in ran if not r["preexisting"])
        truths = Counter(r["truth"] for r in ran)
        times = [r["millis"] / 1000 for r in ran if r["millis"] is not None]
        return cls(
            check,
            runs=len(ran),
            passed=own["passed"],
            failed=own["failed"],
            flaky=sum(bool(r["flaky"]) for r in ran),
            errored=own["errored"],
            inconclusive=own["inconclusive"],
            preexisting=sum(bool(r["preexisting"]) for r in ran),
            confirmed=truths[CONFIRMED],
            overruled=truths[OVERRULED],
            seconds=round(median(times), 3) if times else 0.0,
            slowest=max(times, default=0.0),
        )

    @property
    def judged(self) -> int:
        """Failures of which the truth is known."""
        return self.confirmed + self.overruled

    @property
    def precision(self) -> float | None:
        """The share of its failures that were right, or None while nobody knows."""
        return self.confirmed / self.judged if self.judged else None

    @property
    def flaky_share(self) -> float:
        return self.flaky / self.runs if self.runs else 0.0

    def facts(self) -> dict[str, Any]:
        """``check`` as the rules see it; a precision nobody knows is 1."""
        return {
            "id": self.check,
            "runs": self.runs,
            "passed": self.passed,
            "failed": self.failed,
            "flaky": self.flaky,
            "flaky_share": self.flaky_share,
            "errored": self.errored,
            "preexisting": self.preexisting,
            "judged": self.judged,
            "overruled": self.overruled,
            "precision": 1.0 if self.precision is None else self.precision,
            "seconds": self.seconds,
        }

    def noise(self) -> str | None:
        """Why people will stop believing this check, or None while they need not."""
        wrong = self.precision is not None and self.precision < _PRECISION
        if self.judged >= _JUDGED and wrong:
            return f"{self.overruled} of {self.judged} failures were let through all the same"
        if self.runs >= _RUNS and self.flaky_share >= _FLAKY:
            return f"{self.flaky} of {self.runs} runs were flaky"
        return None
