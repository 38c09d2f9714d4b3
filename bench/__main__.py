"""``./dev bench [NAME…]``: run the benchmarks, print the table, exit 1 over budget."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

from rich.console import Console
from rich.table import Table

import bench
from bench.row import Row

_NOT_BENCHMARKS = {"__main__", "busy", "calibration", "releases", "row"}
#: Only when they are named: they download.
_ON_REQUEST = {"public"}


def names() -> list[str]:
    """The benchmark modules, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name for name in found if name not in _NOT_BENCHMARKS)


def main(chosen: list[str]) -> int:
    unknown = set(chosen) - set(names())
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(names())}")
        return 2
    console, rows = Console(), []
    for name in chosen or [name for name in names() if name not in _ON_REQUEST]:
        console.print(f"measuring {name} …", style="dim")
        rows += [(name, row) for row in importlib.import_module(f"bench.{name}").measure()]
    console.print(table(rows))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    console.print(f"load of this machine (1, 5, 15 min): {load}; {os.cpu_count()} processors")
    return 0 if all(row.ok for _, row in rows) else 1


def table(rows: list[tuple[str, Row]]) -> Table:
    result = Table("benchmark", "what", "measured", "budget", "", "note")
    for name, row in rows:
        budget = "" if row.budget is None else f"{row.budget:g} {row.unit}"
        value = f"{row.value:.3g} {row.unit}"
        result.add_row(name, row.what, value, budget, row.verdict, row.note)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
