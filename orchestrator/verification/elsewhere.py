"""What checks would see of a candidate that is not in its commit.

A verdict is bound to a commit. A symbolic link that leads out of it shows the
checks files of this machine, which can be anything by the time the commit has
landed; a submodule that nobody fetched shows them nothing. Reads the checkout;
changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.verification.checkout import Checkout

__all__ = ["CHECK", "absent_submodules", "judged", "links_out", "listed", "told"]

#: The id of the check.
CHECK = "tree"
_LINK, _SUBMODULE = "120000", "160000"
_SHOWN = 5


def links_out(checkout: Checkout) -> dict[str, str]:
    """Each symbolic link of the commit that leads out of it, with where it ends.

    Links are followed to their end, so one that leads out by way of another
    counts too. ``/dev/null`` is nothing, wherever it is.
    """
    root = os.path.realpath(checkout.path)
    ends = {path: os.path.realpath(checkout.path / path) for path in checkout.of_mode(_LINK)}
    return {
        path: end
        for path, end in ends.items()
        if end != os.devnull and os.path.commonpath([root, end]) != root
    }


def judged(links: Mapping[str, str], changed: Collection[str]) -> CheckResult | None:
    """The result for links the candidate brings or changes; None where it has none of them."""
    findings = tuple(
        Finding(
            "tree.link",
            Severity.DANGEROUS,
            "a symbolic link that leads out of the repository: what is there is in no commit",
            path,
            evidence={"leads to": links[path]},
            remedy="commit the files themselves, or let a prepare step fetch them",
        )
        for path in sorted(links)
        if path in changed
    )
    if not findings:
        return None
    return CheckResult(Outcome.INCONCLUSIVE, "checks saw files that will not land", findings)


def told(links: Collection[str], changed: Collection[str]) -> tuple[str, ...]:
    """What to say about links that were there before; nobody is to blame for them."""
    before = sorted(set(links).difference(changed))
    said = "symbolic links lead out of the repository, so nothing is replayed"
    return (f"{said}: {listed(before)}",) if before else ()


def absent_submodules(checkout: Checkout) -> tuple[str, ...]:
    """What to say about submodules that are empty after everything was prepared."""
    absent = [path for path in checkout.of_mode(_SUBMODULE) if _is_empty(checkout.path / path)]
    said = "submodules that no prepare step fetched, so no check saw their files"
    return (f"{said}: {listed(absent)}",) if absent else ()


def listed(paths: Sequence[str]) -> str:
    """The first few paths, and how many more there are."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _is_empty(folder: Path) -> bool:
    return not folder.is_dir() or not any(folder.iterdir())
