"""Reads what one run of a benchmark says it measured, recognised by content.

Several tools' JSON, or a plain object with ``seconds`` or ``value``. Always
lower is better. Says nothing about whether a number is good. What cannot be
used is refused with its place in the document (``benchmarks[2].real_time``).
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.plugins.builtin.integrity.documents import UnreadableReport
from orchestrator.plugins.spec import Json

__all__ = ["SECONDS", "Measured", "printed", "recognise"]

SECONDS = "s"
#: Names of one command; more are to be split, each look at the samples judges all of them.
_MOST = 100
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class _Value(NamedTuple):
    """A value as it stands in the document, at ``place``; several of one name are repetitions."""

    name: str
    value: Json
    place: str


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
        return _measured(_named("seconds", document["seconds"]), SECONDS)
    if "value" in document:
        return _measured(_named("value", document["value"]), str(document.get("unit", "")))
    entries = document.get("benchmarks", document.get("results"))
    if not isinstance(entries, list) or not entries:
        raise UnreadableReport("it holds no benchmark")
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise UnreadableReport(f"benchmarks[{number}]: its benchmarks are not objects")
    return _measured(*_tool(document, entries))


def _tool(
    document: Mapping[str, Json], entries: list[Mapping[str, Json]]
) -> tuple[list[_Value], str]:
    """The values of all benchmarks, and their unit."""
    first = entries[0]
    if "benchmarks" not in document:
        return _hyperfine(entries), SECONDS
    if "stats" in first:
        return [_pytest_benchmark(n, entry) for n, entry in enumerate(entries)], SECONDS
    if "runs" in first:
        return _pyperf(_mapping(document.get("metadata")), entries)
    if "real_time" in first or "run_type" in first:
        return _google(entries), SECONDS
    raise UnreadableReport(
        "it is of no known kind (pytest-benchmark, pyperf, hyperfine, Google Benchmark)"
    )


def _pytest_benchmark(number: int, entry: Mapping[str, Json]) -> _Value:
    name = str(entry.get("fullname") or entry.get("name"))
    median = _mapping(entry.get("stats")).get("median")
    return _Value(name, median, f"benchmarks[{number}].stats.median")


def _hyperfine(entries: list[Mapping[str, Json]]) -> list[_Value]:
    for number, entry in enumerate(entries):
        if any(_list(entry.get("exit_codes"))):
            what = f"hyperfine's command {entry.get('command')!r} failed"
            raise UnreadableReport(f"results[{number}].exit_codes: {what}")
    values = [
        _Value(str(entry.get("command")), entry.get("median"), f"results[{number}].median")
        for number, entry in enumerate(entries)
    ]
    return [values[0]._replace(name="")] if len(values) == 1 else values


def _pyperf(
    common: Mapping[str, Json], entries: list[Mapping[str, Json]]
) -> tuple[list[_Value], str]:
    values, units = [], {}
    for number, entry in enumerate(entries):
        own = {**common, **_mapping(entry.get("metadata"))}
        units[str(own.get("unit", "second"))] = number
        for at, run in enumerate(_list(entry.get("runs"))):
            place = f"benchmarks[{number}].runs[{at}].values"
            measured = _list(_mapping(run).get("values"))
            values += [_Value(str(own.get("name", "")), value, place) for value in measured]
    if len(units) > 1:
        place = f"benchmarks[{max(units.values())}].metadata.unit"
        raise UnreadableReport(f"{place}: several units in one file ({', '.join(sorted(units))})")
    [unit] = units
    return values, SECONDS if unit == "second" else unit


def _google(entries: list[Mapping[str, Json]]) -> list[_Value]:
    numbered = list(enumerate(entries))
    single = [(n, e) for n, e in numbered if e.get("run_type", "iteration") == "iteration"]
    medians = [(n, e) for n, e in numbered if e.get("aggregate_name") == "median"]
    return [_google_entry(number, entry) for number, entry in single or medians]


def _google_entry(number: int, entry: Mapping[str, Json]) -> _Value:
    name, place = str(entry.get("run_name") or entry.get("name")), f"benchmarks[{number}]"
    for failed, why in (("error_occurred", "error_message"), ("skipped", "skip_message")):
        if entry.get(failed):
            said = entry.get(why) or entry.get("error_message") or ""
            raise UnreadableReport(f"{place}: {name} reports an error: {said}")
    unit, value = str(entry.get("time_unit", "ns")), entry.get("real_time")
    if unit not in _UNITS:
        raise UnreadableReport(f"{place}.time_unit: {unit!r} is no known unit of time")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _Value(name, _scaled(value, _UNITS[unit]), f"{place}.real_time")
    return _Value(name, value, f"{place}.real_time")


def _scaled(value: float, scale: float) -> float:
    try:
        return value * scale
    except OverflowError:
        return math.inf


def _named(place: str, value: Json) -> list[_Value]:
    if isinstance(value, Mapping):
        return [_Value(str(name), one, f"{place}.{name}") for name, one in value.items()]
    return [_Value("", value, place)]


def _measured(values: Iterable[_Value], unit: str) -> Measured:
    repeated: dict[str, list[float]] = {}
    for one in values:
        repeated.setdefault(one.name, []).append(_positive(one))
    if not repeated:
        raise UnreadableReport("it holds no measured value")
    if len(repeated) > _MOST:
        raise UnreadableReport(f"it holds {len(repeated)} benchmarks, {_MOST} is the most")
    return Measured({name: statistics.median(found) for name, found in repeated.items()}, unit)


def _positive(one: _Value) -> float:
    value, where = one.value, f"{one.place} of {one.name or 'the benchmark'}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableReport(f"{where} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf:
        raise UnreadableReport(f"{where} is not above 0: {number:g}")
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


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
