"""The history of benchmarks as a table, a group for each machine. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.policy.measurement import Point
from orchestrator.report.text import flat, size_of

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["COLUMNS", "cells", "machine_words", "shown"]

#: The columns of a history, and those that hold numbers.
COLUMNS = (
    "when", "run", "handoff", "base", "candidate", "ratio", "between", "pairs", "verdict",
    "together",
)  # fmt: skip
_NUMBERS = {"base", "candidate", "ratio", "between", "pairs", "together"}


def shown(out: Console, groups: Sequence[Sequence[Point]]) -> None:
    """Print one table a group; each is of one benchmark, one name and one machine."""
    from rich.table import Table

    if not groups:
        out.print("nothing was measured here yet; orchestrate watch keeps what benchmarks measure")
        return
    for group in groups:
        first = group[0]
        out.print(f"{flat(first.title)}  on {machine_words(first.fingerprint)} ({first.machine})")
        table = Table(box=None, pad_edge=False)
        for title in COLUMNS:
            table.add_column(title, justify="right" if title in _NUMBERS else "left")
        for point in group:
            table.add_row(*cells(point))
        out.print(table)
    out.print("a run is compared with its own base only; machines and days never are", style="dim")


def machine_words(fingerprint: Mapping[str, Any]) -> str:
    """``Xeon, 2 cores, Linux-6.1, Python 3.11.7``."""
    names = ("cpu", "cores", "platform", "python")
    told = {name: flat(str(fingerprint.get(name, "?"))) for name in names}
    return f"{told['cpu']}, {told['cores']} cores, {told['platform']}, Python {told['python']}"


def cells(point: Point) -> tuple[str, ...]:
    """A measurement as texts, one for each of ``COLUMNS``."""
    when = datetime.fromtimestamp(point.at / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")
    compared = point.ratio is not None
    ratio = f"{point.ratio:.3f}" if compared else "–"
    between = f"{point.low:.3f} to {point.high:.3f}" if compared else "–"
    return (
        when, point.run, point.handoff or "",
        "–" if point.base is None else size_of(point.base, point.unit),
        size_of(point.candidate, point.unit), ratio, between, str(point.pairs),
        f"{point.verdict}{', landed' if point.landed else ''}", f"{point.together:.3f}",
    )  # fmt: skip
