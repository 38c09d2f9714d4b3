"""Recognises reports by what is in them, and finds those a command promised."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.plugins.builtin.integrity import coverage, sarif, tests_report
from orchestrator.plugins.builtin.integrity.documents import (
    Document,
    UnreadableReport,
    load,
    parse,
)
from orchestrator.plugins.builtin.integrity.reading import Reading
from orchestrator.plugins.spec import CommandResult, Json

__all__ = ["Promise", "recognise"]

_SUFFIX = {"junit": ".xml", "sarif": ".sarif", "ctrf": ".json"}
#: Files read of one folder of reports.
_FILES = 2000


@dataclass(frozen=True, slots=True)
class Promise:
    """Where a command said it would put which report.

    ``written`` is the file or folder for ``{report}``; ``pattern`` a glob below
    the checkout; with neither the report is what the command prints on stdout.
    """

    format: str | None
    command: str
    checkout: str
    written: Path | None = None
    pattern: str | None = None

    @classmethod
    def of(cls, spec: Mapping[str, Json], checkout: str, scratch: Path) -> Promise | None:
        """The promise a check's spec makes, or None. ``scratch`` is a new, empty folder."""
        declared, run = spec.get("report"), str(spec["run"])
        if declared is None and "{report}" not in run:
            return None
        declared = declared or {}
        kind, pattern = declared.get("format"), declared.get("path")
        written = None
        if "{report}" in run:
            written = scratch / f"report{_SUFFIX.get(kind or '', '')}"
            if "{report}/" in run:
                written.mkdir()
        return cls(kind, run, checkout, written, pattern)

    @property
    def run(self) -> str:
        """The command line with the place for the report in it."""
        return self.command.replace("{report}", shlex.quote(str(self.written)))

    def forget(self) -> None:
        """Remove reports that are already there: an old one must not speak for this run."""
        for path in self._matching():
            path.unlink(missing_ok=True)

    def read(self, ended: CommandResult) -> list[Reading]:
        """Every report that was kept. Raises UnreadableReport."""
        if self.written is None and self.pattern is None:
            if ended.truncated:
                raise UnreadableReport("what it printed is too long; write it to {report}")
            found = [self._recognise(parse(ended.stdout.encode()))]
        else:
            found = [reading for path in self._files() for reading in self._readings(path)]
        if self.format and all(reading.format != self.format for reading in found):
            kinds = ", ".join(sorted({reading.format for reading in found})) or "nothing"
            raise UnreadableReport(f"{self.format} was promised, it holds {kinds}")
        return found

    def _readings(self, path: Path) -> list[Reading]:
        try:
            return [self._recognise(load(path))]
        except UnreadableReport as error:
            place = "" if path == self.written else f"{path.name}: "
            raise UnreadableReport(f"{place}{error}") from None

    def _recognise(self, document: Document) -> Reading:
        return recognise(document, self.checkout, self.command)

    def _files(self) -> list[Path]:
        found = list(self._matching())
        if self.written is not None:
            found += _reports_in(self.written) if self.written.is_dir() else [self.written]
        if not found:
            raise UnreadableReport("it was not written")
        if len(found) > _FILES:
            raise UnreadableReport(f"there are more than {_FILES} report files")
        return found

    def _matching(self) -> Iterable[Path]:
        """The files at ``pattern``, a glob that may not leave the checkout."""
        if self.pattern is None:
            return []
        root = Path(self.checkout).resolve()
        if self.pattern.startswith("/") or ".." in Path(self.pattern).parts:
            return []
        matched = sorted(root.glob(self.pattern))
        files = [p for m in matched for p in (_reports_in(m) if m.is_dir() else [m])]
        return [p for p in files if p.parent.resolve().is_relative_to(root)]


def recognise(document: Document, checkout: str, command: str) -> Reading:
    """Read a report of any known format. Raises UnreadableReport for anything else."""
    if isinstance(document, ET.Element):
        return _recognise_xml(document, checkout, command)
    if isinstance(document, Mapping):
        if "runs" in document:
            return sarif.sarif(document, checkout)
        if isinstance(document.get("results"), Mapping):
            return tests_report.ctrf(document, checkout, command)
        if "totals" in document:
            return coverage.coverage_json(document)
    raise UnreadableReport("it is JSON of no known kind (SARIF, CTRF or coverage.py)")


def _recognise_xml(root: ET.Element, checkout: str, command: str) -> Reading:
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    if root.tag in ("testsuites", "testsuite"):
        return tests_report.junit(root, checkout, command)
    if root.tag == "coverage" and "line-rate" in root.attrib:
        return coverage.cobertura(root)
    raise UnreadableReport(f"it is XML of no known kind: <{root.tag[:40]}>")


def _reports_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in (".xml", ".json", ".sarif"))
