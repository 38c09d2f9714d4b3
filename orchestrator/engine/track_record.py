"""What every check said, run by run, and what became of it: the memory of the learning loop."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.plugins.spec import Outcome
from orchestrator.policy.track_record import CONFIRMED, OVERRULED, TrackRecord
from orchestrator.store.port import Reader, Row, Transaction
from orchestrator.verification.outcome import Report

__all__ = ["WINDOW", "keep", "overrule", "overrule_run", "records", "results"]

#: How many of a check's results a record looks back on, and how many are kept.
WINDOW, _KEPT = 100, 500


def keep(tx: Transaction, report: Report, handoff: str | None) -> None:
    """Remember how each check of a run ended; what was mended since confirms its finding."""
    for check in report.checks:
        row: Row = {
            "check": check.id,
            "run": report.run,
            "handoff": handoff,
            "outcome": str(check.outcome),
            "flaky": int(check.flaky),
            "preexisting": int(check.preexisting),
            "cached": int(check.cached_from is not None),
            "millis": None if check.cached_from else round(check.seconds * 1000),
            "at": tx.now,
        }
        tx.insert("results", row)
        if tx.count("results", {"check": check.id}) > _KEPT:
            _forget(tx, check.id)
    passed = {check.id for check in report.checks if check.outcome is Outcome.PASSED}
    if handoff is not None and passed:
        found = tx.find("results", {"handoff": handoff, "outcome": "failed", "truth": None})
        _settle(tx, [r for r in found if r["check"] in passed and _other(tx, r, report)], CONFIRMED)


def overrule(tx: Transaction, run: str, checks: Iterable[str]) -> None:
    """Somebody accepted what these checks found in a run."""
    named = tuple(checks)
    rows = tx.find("results", {"run": run, "outcome": "failed"})
    _settle(tx, [row for row in rows if row["check"] in named], OVERRULED)


def overrule_run(tx: Transaction, run: str) -> None:
    """A human let a run's work through: whatever failed in it was overruled."""
    rows = tx.find("results", {"run": run, "outcome": "failed", "preexisting": 0})
    _settle(tx, rows, OVERRULED)


def results(reader: Reader, check: str, *, after: int | None = None) -> list[Row]:
    """A check's latest results, the newest first; only those later than ``after`` (ms)."""
    since = None if after is None else ("at", after)
    return reader.find("results", {"check": check}, order="-at", limit=WINDOW, after=since)


def records(reader: Reader) -> list[TrackRecord]:
    """The track record of every check that ever ran here, by name."""
    names = sorted({row["check"] for row in reader.find("results", columns=("check",))})
    return [TrackRecord.of(name, results(reader, name)) for name in names]


def _other(reader: Reader, row: Row, report: Report) -> bool:
    """The failure was on another commit: the same one run again mends nothing."""
    run = reader.get("runs", id=row["run"])
    return run is not None and run["head"] != report.head


def _settle(tx: Transaction, rows: Iterable[Row], truth: str) -> None:
    for row in rows:
        key = {"check": row["check"], "run": row["run"]}
        tx.update("results", key, {"truth": truth}, expect={"truth": None})


def _forget(tx: Transaction, check: str) -> None:
    """Half of a long past goes at once, so that it does not have to go every time."""
    rows = tx.find("results", {"check": check}, order="-at", columns=("run",))
    old = [row["run"] for row in rows[_KEPT // 2 :]]
    tx.delete("results", {"check": check, "run": old})
