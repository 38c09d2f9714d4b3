"""Recognises reports by what is in them, and finds those a command promised."""

from __future__ import annotations

import shlex
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
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
_State = tuple[int, ...] | None
#: Files read of one folder of reports.
_FILES = 2000


@dataclass(frozen=True, slots=True)
class Promise:
    """Where a command said it would put which report.

    ``written`` is the file or folder for ``{report}``; ``pattern`` a glob below
    the checkout; with neither the report is what the command prints on stdout.
    ``before`` are the files that matched before the command ran: an old report
    must not speak for this run. They are left alone, they may be the work's.
    """

    format: str | None
    command: str
    checkout: str
    written: Path | None = None
    pattern: str | None = None
    before: Mapping[Path, _State] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: Mapping[str, Json], checkout: str, scratch: str) -> Promise:
        """The promise in a check's spec. Makes a folder of its own in ``scratch``."""
        declared, run = spec.get("report") or {}, str(spec["run"])
        kind, pattern = declared.get("format"), declared.get("path")
        written = None
        if "{report}" in run:
            folder = Path(tempfile.mkdtemp(prefix="report-", dir=scratch))
            written = folder / f"report{_SUFFIX.get(kind or '', '')}"
            if "{report}/" in run:
                written.mkdir()
        before = {path: _state(path) for path in _matching(checkout, pattern)}
        return cls(kind, run, checkout, written, pattern, before)

    @property
    def run(self) -> str:
        """The command line with the place for the report in it."""
        return self.command.replace("{report}", shlex.quote(str(self.written)))

    def read(self, ended: CommandResult) -> list[Reading]:
        """Every report that was kept. Raises UnreadableReport."""
        if self.written is None and self.pattern is None:
            if ended.truncated:
                raise UnreadableReport("what it printed is too long; write it to {report}")
            if not ended.stdout.strip():
                raise UnreadableReport("nothing was printed; write it to {report}")
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
        matching = _matching(self.checkout, self.pattern)
        found = [path for path in matching if self.before.get(path) != _state(path)]
        if self.written is not None:
            found += _reports_in(self.written) if self.written.is_dir() else [self.written]
        if not found:
            raise UnreadableReport("it was not written")
        if len(found) > _FILES:
            raise UnreadableReport(f"there are more than {_FILES} report files")
        return found


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


def _matching(checkout: str, pattern: str | None) -> list[Path]:
    """The files at ``pattern``, a glob that may not leave the checkout."""
    if pattern is None or pattern.startswith("/") or ".." in Path(pattern).parts:
        return []
    root = Path(checkout).resolve()
    try:
        matched = sorted(root.glob(pattern))
    except ValueError:  # not a glob, such as ``a**b``
        return []
    files = [p for m in matched for p in (_reports_in(m) if m.is_dir() else [m])]
    return [p for p in files if p.parent.resolve().is_relative_to(root)]


def _state(path: Path) -> _State:
    """What changes when a file is written again, even with the same content."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _reports_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in (".xml", ".json", ".sarif"))
