"""What benchmarks measured, run by run: the baselines, each with the machine it was made on.

A verdict never rests on them: base and candidate are measured in one session.
They show where a benchmark stands and how small slowdowns add up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.plugins.builtin.benchmarks.machine import identity
from orchestrator.policy.measurement import Point, added_up
from orchestrator.store.port import Reader, Row, Transaction
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["history", "keep", "known", "of_report", "with_past"]

#: Measurements kept of each benchmark, all its names and machines together.
_KEPT = 2000
#: How much of its past a report tells: runs of each name, and names of a benchmark.
_TOLD, _NAMES = 40, 12


def keep(tx: Transaction, report: Report, handoff: str | None) -> None:
    """Remember what the benchmarks of a run measured."""
    for point in of_report(report):
        tx.insert("measurements", {
            "benchmark": point.benchmark, "name": point.name, "run": point.run,
            "machine": point.machine, "handoff": handoff, "verdict": point.verdict, "at": tx.now,
            "data": json.dumps({
                "fingerprint": dict(point.fingerprint), "unit": point.unit, "base": point.base,
                "candidate": point.candidate, "ratio": point.ratio, "low": point.low,
                "high": point.high, "pairs": point.pairs,
            }),
        })  # fmt: skip
    for benchmark in {point.benchmark for point in of_report(report)}:
        if tx.count("measurements", {"benchmark": benchmark}) > _KEPT:
            _forget(tx, benchmark)


def of_report(report: Report) -> Iterator[Point]:
    """What each benchmark of a run measured."""
    for check in report.checks:
        if check.family == "benchmarks" and isinstance(check.result.data.get("machine"), Mapping):
            yield from _of_check(report, check)


def history(reader: Reader, benchmark: str | None = None) -> list[Point]:
    """Every measurement that is kept, by benchmark, name and machine, the oldest first."""
    asked = {"benchmark": benchmark} if benchmark else None
    rows = reader.find("measurements", asked, order="at")
    landed = {row["run"] for row in rows if row["handoff"] and _landed(reader, row)}
    points = sorted(
        (_point(row, row["run"] in landed) for row in rows),
        key=lambda point: (point.benchmark, point.name, point.machine, point.at),
    )
    return list(added_up(points))


def with_past(reader: Reader, report: Report) -> Report:
    """The report, each benchmark's data with its ``history`` on the same machine.

    By name the latest measurements before this run, the oldest first.
    """
    checks = tuple(
        _with_past(reader, check) if check.result.data.get("compared") else check
        for check in report.checks
    )
    return replace(report, checks=checks)


def _with_past(reader: Reader, check: CheckReport) -> CheckReport:
    data = check.result.data
    machine = data.get("machine")
    if check.family != "benchmarks" or not isinstance(machine, Mapping):
        return check
    points = [
        point
        for point in history(reader, check.id.removeprefix("benchmarks/"))
        if point.machine == identity(machine)
    ]
    past = {
        name: [_told(point) for point in points if point.name == name][-_TOLD:]
        for name in list(data["compared"])[:_NAMES]
    }
    return replace(check, result=replace(check.result, data={**data, "history": past}))


def _told(point: Point) -> dict[str, Any]:
    """A point as ``report.benchmarks`` draws it."""
    return {
        "at": point.at, "run": point.run, "landed": point.landed, "verdict": point.verdict,
        "ratio": point.ratio, "base_median": point.base, "candidate_median": point.candidate,
    }  # fmt: skip


def known(reader: Reader) -> set[str]:
    """The benchmarks something is kept of."""
    return {row["benchmark"] for row in reader.find("measurements", columns=("benchmark",))}


def _of_check(report: Report, check: CheckReport) -> Iterator[Point]:
    data = check.result.data
    judged = {**data.get("budgets", {}), **data.get("compared", {})}
    for name, one in judged.items():
        compared = name in data.get("compared", {})
        yield Point(
            benchmark=check.id.removeprefix("benchmarks/"),
            name=name,
            run=report.run,
            handoff=None,
            at=report.started_at,
            machine=identity(data["machine"]),
            fingerprint=data["machine"],
            verdict=one["verdict"],
            unit=one["unit"],
            candidate=one["candidate_median"],
            base=one.get("base_median"),
            **({key: one[key] for key in ("ratio", "low", "high")} if compared else {}),
            pairs=one["pairs"],
        )


def _point(row: Row, landed: bool) -> Point:
    data: dict[str, Any] = json.loads(row["data"])
    columns = ("benchmark", "name", "run", "handoff", "at", "machine", "verdict")
    return Point(**{key: row[key] for key in columns}, **data, landed=landed)


def _landed(reader: Reader, row: Row) -> bool:
    handoff = reader.get("handoffs", id=row["handoff"])
    return bool(handoff and handoff["landed"] and handoff["run"] == row["run"])


def _forget(tx: Transaction, benchmark: str) -> None:
    """Half of a long past goes at once, so that it does not have to go every time."""
    rows = tx.find("measurements", {"benchmark": benchmark}, order="-at", columns=("run",))
    tx.delete(
        "measurements", {"benchmark": benchmark, "run": [r["run"] for r in rows[_KEPT // 2 :]]}
    )
