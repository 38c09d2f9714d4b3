"""Are the data what they should be?

Reads ``contracts/quality.json`` beside this folder: for each table (a CSV,
JSON or JSON Lines file, or a glob of them) the rules its rows must keep.

    {"data/orders.csv": {"rows": {"min": 1}, "columns": {
        "id": {"required": true, "unique": true},
        "total": {"type": "number", "min": 0},
        "state": {"one_of": ["open", "paid"]},
        "mail": {"matches": "[^@]+@[^@]+"}}}}

An empty cell is missing; ``required`` forbids it, the other rules ignore it.
Writes JUnit, one case per rule.
"""

import csv
import json
import re
from pathlib import Path

import checklib

HERE = Path(__file__).resolve().parents[1]
SHOWN = 5  # problems shown per rule; the rest is counted


def rows_of(name):
    """Rows as (line, {column: value}); None for a missing value."""
    with open(name, encoding="utf-8-sig", newline="") as file:
        if name.endswith(".csv"):
            reader = csv.DictReader(file, strict=True)
            return [(reader.line_num, {k: v or None for k, v in row.items()}) for row in reader]
        if name.endswith((".jsonl", ".ndjson")):
            return [(n, json.loads(line)) for n, line in enumerate(file, 1) if line.strip()]
        return [(None, row) for row in json.load(file)]


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def breaks(rule, wanted, value):
    """True when a present value breaks a rule."""
    if rule == "type":
        whole = {"integer": r"[+-]?\d+", "number": r".*", "boolean": r"true|false|0|1",
                 "date": r"\d{4}-\d\d-\d\d"}.get(wanted, r".*")
        fits = re.fullmatch(whole, str(value), re.I | re.S)
        return not fits or (wanted in ("integer", "number") and number(value) is None)
    if rule in ("min", "max"):
        found = number(value)
        return found is None or (found < wanted if rule == "min" else found > wanted)
    if rule == "one_of":
        return value not in wanted and str(value) not in map(str, wanted)
    return not re.fullmatch(wanted, str(value))  # matches


def column_problems(rows, column, rule, wanted):
    """(message, line) for every row that breaks ``rule``."""
    if rule == "required":
        return [(f"{column} is missing", line) for line, row in rows
                if wanted and row.get(column) is None]
    values = [(line, row[column]) for line, row in rows if row.get(column) is not None]
    if rule == "unique":
        seen, twice = set(), []
        for line, value in values:
            twice += [(f"{column} {value!r} is there twice", line)] if str(value) in seen else []
            seen.add(str(value))
        return twice
    return [(f"{column} {value!r} breaks {rule} {wanted!r}", line)
            for line, value in values if breaks(rule, wanted, value)]


def examine(rows, rules):
    """Yields (rule, problems)."""
    count, limits = len(rows), rules.get("rows", {})
    wrong = not limits.get("min", 0) <= count <= limits.get("max", count)
    yield "rows", [(f"{count} rows, allowed are {limits}", None)] if wrong else []
    for column, wanted in rules.get("columns", {}).items():
        for rule, value in wanted.items():
            if rule not in ("required", "unique", "type", "min", "max", "one_of", "matches"):
                checklib.give_up(f"there is no rule {rule!r} (column {column})")
            problems = column_problems(rows, column, rule, value)
            more = [(f"and {len(problems) - SHOWN} more", None)] if len(problems) > SHOWN else []
            yield f"{column} {rule}", problems[:SHOWN] + more


def main():
    options = checklib.arguments(__doc__, rules={"default": str(HERE / "contracts/quality.json")})
    try:
        tables = json.loads(Path(options.rules).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        checklib.give_up(f"{options.rules}: {error}")
    report = checklib.Report("data-quality")
    for pattern, rules in tables.items():
        names = checklib.files(pattern.replace("{here}", HERE.relative_to(Path.cwd()).as_posix()))
        if not names:
            report.case(pattern, ["no such file"])
        for name in names:
            try:
                rows = rows_of(name)
            except (ValueError, csv.Error, AttributeError) as error:
                report.case(name, [f"cannot be read: {error}"], file=name)
                continue
            for rule, problems in examine(rows, rules):
                report.case(f"{name} {rule}", problems, file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()
