"""What can only be said when all checks of a family have ended. Runs nothing.

The benchmarks of a run share its chance of a false alarm, and each is measured
on its own. A function of what they recorded, so that the report alone shows why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.verification.outcome import CheckReport

__all__ = ["judged_together"]

_FAMILY = "benchmarks"


def judged_together(reports: Iterable[CheckReport]) -> list[CheckReport]:
    """The reports that change, as they are now; marks (``shadow``) are to be set again."""
    mine = {r.id: r for r in reports if r.family == r.plugin == _FAMILY and r.result.data}
    if len(mine) < 2:
        return []
    # Only here: most runs have no benchmarks, and are not to wait for their statistics.
    from orchestrator.plugins.builtin.benchmarks import together

    changed = together.judged_together({name: report.result for name, report in mine.items()})
    return [replace(mine[name], result=result, shadow="") for name, result in changed.items()]
