"""Coverage reports: Cobertura XML and coverage.py's JSON, to ``coverage.*``.

A report that measured no line says nothing, so it is never read as 100 %.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from orchestrator.plugins.builtin.integrity.documents import UnreadableReport, number
from orchestrator.plugins.builtin.integrity.reading import Reading
from orchestrator.plugins.spec import Json

__all__ = ["cobertura", "coverage_json"]


def cobertura(root: ET.Element) -> Reading:
    """Read Cobertura XML; older writers give no totals, then the lines are counted."""
    if "lines-valid" in root.attrib:
        names = ("lines-covered", "lines-valid", "branches-covered", "branches-valid")
        lines, valid, branches, all_branches = (
            number(root.get(name, 0), f"the attribute {name}") for name in names
        )
        return _reading(lines, valid, branches, all_branches)
    hits = [
        number(line.get("hits", 0), "a line's hits")
        for line in root.iterfind("packages/package/classes/class/lines/line")
    ]
    return _reading(sum(h > 0 for h in hits), len(hits), 0, 0)


def coverage_json(value: Mapping[str, Json]) -> Reading:
    """Read what ``coverage json`` writes; branches are there if they were measured."""
    totals = value["totals"]
    if not isinstance(totals, Mapping):
        raise UnreadableReport("its totals are not an object")
    names = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    missing = [name for name in names[:2] if name not in totals]
    if missing:
        raise UnreadableReport(f"its totals have no {missing[0]}")
    lines, valid, branches, all_branches = (
        number(totals.get(name, 0), f"totals.{name}") for name in names
    )
    return _reading(lines, valid, branches, all_branches)


def _reading(lines: float, valid: float, branches: float, all_branches: float) -> Reading:
    if lines > valid or branches > all_branches:
        raise UnreadableReport("it says that more was covered than there is")
    return Reading(
        format="coverage",
        counts={
            "coverage.lines.covered": lines,
            "coverage.lines.valid": valid,
            "coverage.branches.covered": branches,
            "coverage.branches.valid": all_branches,
        },
        empty=None if valid else "no line was measured",
    )
