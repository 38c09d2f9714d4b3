"""What benchmarks measured, as blocks of a page: every run of both sides, and the past."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestrator.policy.measurement import Point
from orchestrator.report.evidence import Interval, measured
from orchestrator.report.measurements import COLUMNS, cells, machine_words
from orchestrator.report.page import (
    Block,
    Course,
    CoursePoint,
    Heading,
    Measured,
    Spread,
    Table,
    Text,
)
from orchestrator.report.text import flat, size_of
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["history_page", "measurements"]

#: Names of one benchmark that are drawn; runs without which nothing is.
_NAMES, _RUNS = 12, 4
_TONES = {"regressed": "bad", "undecided": "open"}


def measurements(report: Report) -> list[Block]:
    """For each name of each benchmark: the ratio where no finding tells it, its runs, its past."""
    blocks: list[Block] = []
    for check in report.checks:
        spans = dict(measured(check))
        blocks += _of_check(check, report.started_at, spans)
        blocks += [Measured(name, span) for name, span in spans.items()]
    return blocks


def history_page(groups: Sequence[Sequence[Point]]) -> list[Block]:
    """The past of benchmarks; each group is of one benchmark, one name and one machine."""
    blocks: list[Block] = [Heading("Benchmarks", 1)]
    if not groups:
        blocks.append(Text("Nothing was measured here yet."))
    for group in groups:
        first = group[0]
        drawn = tuple(_point(_drawn(point), point.unit) for point in group)
        blocks += [
            Heading(first.title),
            Text(f"{machine_words(first.fingerprint)} ({first.machine})"),
            Course(first.title, first.unit, drawn, _course_words(first.title, len(drawn))),
            Table(COLUMNS, tuple(cells(point) for point in reversed(group))),
        ]
    return blocks


def _drawn(point: Point) -> dict[str, Any]:
    return {
        "at": point.at, "run": point.run, "landed": point.landed, "verdict": point.verdict,
        "base_median": point.base, "candidate_median": point.candidate,
    }  # fmt: skip


def _of_check(check: CheckReport, now: int, spans: dict[str, Interval]) -> Iterator[Block]:
    """The pictures of a check by name; takes out of ``spans`` what it has told."""
    data = check.result.data
    samples, compared = data.get("samples"), data.get("compared")
    if check.family != "benchmarks" or not isinstance(samples, Mapping) or not compared:
        return
    unit, past = str(data.get("unit", "")), data.get("history") or {}
    benchmark = check.id.removeprefix("benchmarks/")
    for name in list(compared)[:_NAMES]:
        if span := spans.pop(flat(name) or check.id, None):
            yield Measured(flat(name) or check.id, span)
        title = flat(f"{benchmark} {name}".strip())
        base, mine = (tuple(samples.get(s, {}).get(name, ())) for s in ("base", "candidate"))
        if min(len(base), len(mine)) >= _RUNS:
            yield Spread(title, unit, base, mine, _spread_words(title, unit, base, mine))
        if past.get(name):
            this = {**compared[name], "at": now, "run": "this run", "landed": False}
            points = tuple(_point(one, unit) for one in (*past[name], this))
            yield Course(title, unit, points, _course_words(title, len(points)))


def _point(one: Mapping[str, Any], unit: str) -> CoursePoint:
    when = datetime.fromtimestamp(one["at"] / 1000, tz=UTC).strftime("%Y-%m-%d")
    base, mine = one.get("base_median"), one["candidate_median"]
    start = f"{size_of(base, unit)} → " if base is not None else ""
    ended = f"{one['verdict']}{', landed' if one['landed'] else ''}"
    words = f"{one['run']}, {when}: {start}{size_of(mine, unit)}, {ended}"
    tone = _TONES.get(one["verdict"], "fine")
    return CoursePoint(when, base, mine, tone, bool(one["landed"]), words)


def _spread_words(title: str, unit: str, base: tuple[float, ...], mine: tuple[float, ...]) -> str:
    told = [f"{name} {_middle(side, unit)}" for name, side in (("base", base), ("candidate", mine))]
    return f"{title}, every run: {'; '.join(told)}"


def _middle(values: tuple[float, ...], unit: str) -> str:
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    half = f"{size_of(first, unit)} to {size_of(third, unit)}"
    return f"median {size_of(median, unit)} (half of them {half})"


def _course_words(title: str, points: int) -> str:
    return (
        f"{title}, {points} runs on this machine: from the base's median (bar) to the candidate's "
        "(dot; filled: landed). Each is compared with its own base only, never with another day"
    )
