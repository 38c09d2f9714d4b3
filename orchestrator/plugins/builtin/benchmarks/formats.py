"""Reads what one run of a benchmark says it measured, recognised by content.

Several tools' JSON, or a plain object with ``seconds`` or ``value``. Always
lower is better. Says nothing about whether a number is good.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.plugins.builtin.integrity.documents import UnreadableReport
from orchestrator.plugins.spec import Json

__all__ = ["SECONDS", "Measured", "printed", "recognise"]

SECONDS = "s"
#: Names of one command; more are to be split, each look at the samples judges all of them.
_MOST = 100
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: by name a value above 0, in ``unit``. The name ``""`` is the command itself.

    ``cpu`` is the CPU time of the command in seconds where the value is its wall time.
    """

    values: Mapping[str, float]
    unit: str = SECONDS
    cpu: float | None = None


def printed(text: str) -> Measured | None:
    """The measurement in a command's stdout, or None if it printed none.

    A whole document of a known tool, or the last line that is an object with
    ``seconds`` or ``value``. Raises UnreadableReport when that cannot be used.
    """
    document = _json(text)
    if isinstance(document, Mapping) and {"seconds", "value", "benchmarks", "results"} & {
        *document
    }:
        return recognise(document)
    for line in reversed(text.splitlines()):
        found = _json(line)
        if isinstance(found, Mapping) and ("seconds" in found or "value" in found):
            return recognise(found)
    return None


def recognise(document: Json) -> Measured:
    """Read a measurement of any known format. Raises UnreadableReport."""
    if not isinstance(document, Mapping):
        raise UnreadableReport("it is not a JSON object")
    if "seconds" in document:
        return _measured(_named(document["seconds"]), SECONDS)
    if "value" in document:
        return _measured(_named(document["value"]), str(document.get("unit", "")))
    entries = document.get("benchmarks", document.get("results"))
    if not isinstance(entries, list) or not entries:
        raise UnreadableReport("it holds no benchmark")
    if not all(isinstance(entry, Mapping) for entry in entries):
        raise UnreadableReport("its benchmarks are not objects")
    return _measured(*_tool(document, entries))


def _tool(
    document: Mapping[str, Json], entries: list[Mapping[str, Json]]
) -> tuple[list[tuple[str, Json]], str]:
    """Name and value pairs (several of one name are one sample's repetitions), and the unit."""
    first = entries[0]
    if "benchmarks" not in document:
        return _hyperfine(entries), SECONDS
    if "stats" in first:
        return [_pytest_benchmark(entry) for entry in entries], SECONDS
    if "runs" in first:
        return _pyperf(document, entries)
    if "real_time" in first:
        return _google(entries), SECONDS
    raise UnreadableReport(
        "it is of no known kind (pytest-benchmark, pyperf, hyperfine, Google Benchmark)"
    )


def _pytest_benchmark(entry: Mapping[str, Json]) -> tuple[str, Json]:
    stats = entry.get("stats")
    value = stats.get("median") if isinstance(stats, Mapping) else None
    return str(entry.get("fullname") or entry.get("name")), value


def _hyperfine(entries: list[Mapping[str, Json]]) -> list[tuple[str, Json]]:
    for entry in entries:
        if any(entry.get("exit_codes") or ()):
            raise UnreadableReport(f"hyperfine's command {entry.get('command')!r} failed")
    pairs = [(str(entry.get("command")), entry.get("median")) for entry in entries]
    return [("", pairs[0][1])] if len(pairs) == 1 else pairs


def _pyperf(
    document: Mapping[str, Json], entries: list[Mapping[str, Json]]
) -> tuple[list[tuple[str, Json]], str]:
    common = _mapping(document.get("metadata"))
    unit = str(common.get("unit", "second"))
    pairs = []
    for entry in entries:
        runs = [_mapping(run) for run in entry.get("runs") or ()]
        name = _mapping(entry.get("metadata")).get("name") or common.get("name") or ""
        pairs += [(str(name), value) for run in runs for value in run.get("values") or ()]
    return pairs, SECONDS if unit == "second" else unit


def _google(entries: list[Mapping[str, Json]]) -> list[tuple[str, Json]]:
    pairs = []
    medians = [e for e in entries if e.get("aggregate_name") == "median"]
    single = [e for e in entries if e.get("run_type", "iteration") == "iteration"]
    for entry in single or medians:
        name = str(entry.get("run_name") or entry.get("name"))
        if entry.get("error_occurred"):
            raise UnreadableReport(f"{name} reports an error: {entry.get('error_message', '')}")
        scale, value = _UNITS.get(str(entry.get("time_unit", "ns"))), entry.get("real_time")
        if scale is None or not isinstance(value, int | float):
            raise UnreadableReport(f"{name} has no time in a known unit")
        pairs.append((name, value * scale))
    return pairs


def _named(value: Json) -> list[tuple[str, Json]]:
    return list(value.items()) if isinstance(value, Mapping) else [("", value)]


def _measured(pairs: Iterable[tuple[str, Json]], unit: str) -> Measured:
    repeated: dict[str, list[float]] = {}
    for name, value in pairs:
        repeated.setdefault(name, []).append(_positive(name, value))
    if not repeated:
        raise UnreadableReport("it holds no measured value")
    if len(repeated) > _MOST:
        raise UnreadableReport(f"it holds {len(repeated)} benchmarks, {_MOST} is the most")
    return Measured({name: statistics.median(values) for name, values in repeated.items()}, unit)


def _positive(name: str, value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableReport(f"the value of {name or 'the benchmark'} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise UnreadableReport(f"the value of {name or 'the benchmark'} is not above 0: {number:g}")
    return number


def _json(text: str) -> Json:
    start = text.lstrip()[:1]
    if start != "{":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
