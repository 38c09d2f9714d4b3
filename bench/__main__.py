"""``./dev bench [NAME…] [--trials N]``: run the benchmarks, print the table, exit 1 over budget.

``--trials`` goes to those that judge by repeating themselves (benchmarks, together).
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

import bench
from bench.row import Row

_NOT_BENCHMARKS = {"__main__", "busy", "calibration", "releases", "row", "share"}
#: Only when they are named: they download, or take long.
_ON_REQUEST = {"public", "together"}


def names() -> list[str]:
    """The benchmark modules, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name for name in found if name not in _NOT_BENCHMARKS)


def main(arguments: list[str]) -> int:
    asked = _asked(arguments)
    unknown = set(asked.names) - set(names())
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(names())}")
        return 2
    console, rows = Console(), []
    for name in asked.names or [name for name in names() if name not in _ON_REQUEST]:
        console.print(f"measuring {name} …", style="dim")
        rows += [(name, row) for row in _measured(name, asked.trials)]
    console.print(table(rows))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    console.print(f"load of this machine (1, 5, 15 min): {load}; {os.cpu_count()} processors")
    return 0 if all(row.ok for _, row in rows) else 1


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", allow_abbrev=False)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(names()))
    parser.add_argument("--trials", metavar="N", type=_count, help="repetitions, where it repeats")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _measured(name: str, trials: int | None) -> Iterator[Row]:
    measure = importlib.import_module(f"bench.{name}").measure
    repeats = trials is not None and "trials" in inspect.signature(measure).parameters
    rows: Iterator[Row] = measure(trials=trials) if repeats else measure()
    return rows


def table(rows: list[tuple[str, Row]]) -> Table:
    result = Table("benchmark", "what", "measured", "budget", "", "note")
    for name, row in rows:
        budget = "" if row.budget is None else f"{row.budget:g} {row.unit}"
        value = f"{row.value:.3g} {row.unit}"
        result.add_row(name, row.what, value, budget, row.verdict, row.note)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
