"""The versions of a contract that a commit has kept, and what each made of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path

from orchestrator.git import Git, GitError
from orchestrator.plugins.builtin.contracts import blessings
from orchestrator.plugins.builtin.contracts.documents import Unreadable
from orchestrator.plugins.builtin.contracts.kinds import Absent, CannotTell, Kind, Unusable, kind
from orchestrator.plugins.builtin.contracts.trees import Recorded
from orchestrator.plugins.builtin.contracts.versions import Version, at_commit, kept, shallow
from orchestrator.plugins.spec import CheckContext, CheckResult, Json, Outcome

__all__ = ["history"]

Spec = Mapping[str, Json]
#: Compares two versions named outright: the family's own check.
Compare = Callable[[Spec, CheckContext], CheckResult]


def history(spec: Spec, context: CheckContext, compare: Compare) -> CheckResult:
    """``data["versions"]``, newest first: commit, date, identity, blessing, verdict.

    ``verdict`` is how the version ended compared with the one before it; the
    oldest has none. ``spec["history"]`` is how many at most.
    """
    try:
        entries = list(islice(_entries(spec, context), int(spec["history"]) + 1))
    except (CannotTell, GitError, ValueError) as error:
        return CheckResult(Outcome.ERRORED, str(error))
    for newer, older in pairwise(entries):
        ended = compare(_pair(spec, older, newer), context)
        newer["verdict"], newer["reason"] = str(ended.outcome), ended.reason
    whole = len(entries) <= spec["history"]
    cut = shallow(Git(Path(context.checkout)))
    shown = entries[: spec["history"]]
    return CheckResult(Outcome.PASSED, data={"versions": shown, "complete": whole and not cut})


def _entries(spec: Spec, context: CheckContext) -> Iterator[dict[str, Json]]:
    git, contract = Git(Path(context.checkout)), spec["contract"]
    reader, base = kind(contract["kind"]), at_commit(git, str(context.base), contract["path"])
    content = base.tree.read(blessings.place(context.config, contract["name"]))
    blessed, seen = blessings.read(content), set[str]()
    files = _made_of(reader, base, spec, context)
    for version in kept(
        git, str(context.base), contract["path"], list(files.seen) if files else []
    ):
        recorded = _made_of(reader, version, spec, context)
        identity = recorded.identity if recorded else ""
        if identity in seen or recorded is None:
            continue
        seen.add(identity)
        blessing = blessed.get(identity)
        yield {
            "commit": version.commit,
            "date": version.date,
            "version": identity,
            "blessed": {"by": blessing.by, "reason": blessing.reason} if blessing else None,
            "verdict": None,
            "reason": "",
        }


def _made_of(reader: Kind, version: Version, spec: Spec, context: CheckContext) -> Recorded | None:
    """What a version is made of; None where it has none."""
    recorded = Recorded(version.tree)
    whole = Version(version.label, version.path, recorded, version.commit, version.date)
    try:
        reader.load(whole, spec["contract"], context)
    except Absent:
        return None
    except (Unusable, Unreadable):
        return recorded  # it was a version, though a broken one
    return recorded


def _pair(spec: Spec, older: Mapping[str, Json], newer: Mapping[str, Json]) -> Spec:
    path = spec["contract"]["path"]
    named = {
        name: {"commit": entry["commit"], "path": path, "label": entry["commit"][:12]}
        for name, entry in (("old", older), ("new", newer))
    }
    return {**spec, **named}
