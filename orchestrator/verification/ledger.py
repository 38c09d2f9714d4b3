"""What each check's key was in its last run, so that a change of it can be named.

One file beside the remembered verdicts, replaced whole. Two runs that end at
once may lose one's lines: only explanations suffer. Decides nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from orchestrator.plugins.spec import Json, dumps

__all__ = ["Entry", "Ledger", "changes"]

Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One check in one run.

    ``how`` is replayed or executed, ``source`` the run a replayed verdict came
    from; ``note`` says why it is not remembered, ``again`` why it was executed
    although its key may be known. ``parts`` is its key, ``before`` that of the run
    before (``before_run``, with ``before_note``), None at the first.
    """

    run: str
    at: int
    how: str
    outcome: str
    parts: Parts
    source: str | None = None
    note: str | None = None
    before: Parts | None = None
    before_run: str | None = None
    before_note: str | None = None
    again: str | None = None


_NAMES = tuple(field.name for field in fields(Entry))


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries in ``file``; one that cannot be read has none."""

    file: Path

    def read(self) -> dict[str, Entry]:
        """Check id → its last entry."""
        checks, lines = self._raw()
        try:
            return {name: _entry(value, lines) for name, value in checks.items()}
        except (KeyError, IndexError, TypeError, AttributeError):
            return {}

    def write(self, entries: Mapping[str, Entry]) -> None:
        """Replace the entries of these checks; best effort."""
        checks, lines = self._raw()
        numbers = {line: number for number, line in enumerate(lines)}
        for name, entry in entries.items():
            last = checks.get(name, {})
            value = {field: getattr(entry, field) for field in _NAMES}
            told = [f"{part}\0{text}" for part, text in entry.parts.items()]
            value["parts"] = [numbers.setdefault(line, len(numbers)) for line in told]
            value |= {"before": last.get("parts"), "before_run": last.get("run"),
                      "before_note": last.get("note")}  # fmt: skip
            checks[name] = value
        text = dumps(_without_gaps(checks, list(numbers)))
        beside = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            beside.replace(self.file)

    def _raw(self) -> tuple[dict[str, dict[str, Json]], list[str]]:
        """Entries whose parts are numbers of lines, and the lines: most checks share most."""
        try:
            value = json.loads(self.file.read_text())
            return dict(value["checks"]), list(value["lines"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}, []


def _without_gaps(checks: Mapping[str, dict[str, Json]], lines: list[str]) -> Json:
    """What the file holds, without lines that no entry needs any more."""
    new: dict[int, int] = {}
    for value in checks.values():
        for name in ("parts", "before"):
            if value.get(name) is not None:
                value[name] = [new.setdefault(number, len(new)) for number in value[name]]
    return {"lines": [lines[number] for number in new], "checks": checks}


def changes(before: Parts, after: Parts) -> list[tuple[str, str | None, str | None]]:
    """The parts that differ, by name: what each was, and is; None where it is not there."""
    names = sorted({*before, *after})
    return [(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def _entry(value: Mapping[str, Json], lines: list[str]) -> Entry:
    def parts(numbers: list[int] | None) -> dict[str, str] | None:
        if numbers is None:
            return None
        pairs = (lines[number].partition("\0") for number in numbers)
        return {name: text for name, _, text in pairs}

    return Entry(**{**value, "parts": parts(value["parts"]), "before": parts(value["before"])})
