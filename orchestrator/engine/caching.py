"""Why a check ran again, and the cache in force: use cases of ``orchestrate cache``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.config.load import in_force
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.verification.cache import Cache
from orchestrator.verification.ledger import Entry, changes
from orchestrator.verification.replay import cache_of, ledger_of

__all__ = ["Explanation", "NeverRan", "cache_in_force", "explain"]


class NeverRan(OrchestrateError):
    """No run here knows this check.

    Happens when ``orchestrate cache explain`` is asked about a check that no
    verification in this repository had. Checks are called as in the report of
    ``orchestrate verify``: ``layer/name``.
    """

    code = "E441"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A check's last run, and the parts of its key that changed since the one before.

    ``changed`` are (part, before, after); None where the part was not there, and
    the whole is None at the first run.
    """

    check: str
    entry: Entry
    changed: list[tuple[str, str | None, str | None]] | None

    def to_json(self) -> dict[str, object]:
        """For programs."""
        entry = self.entry
        told = self.changed
        return {
            "check": self.check,
            "run": entry.run,
            "at": entry.at,
            "how": entry.how,
            "outcome": entry.outcome,
            "replayed_from": entry.source,
            "not_remembered": entry.note,
            "ran_again": entry.again,
            "run_before": entry.before_run,
            "changed": told and [{"part": n, "before": b, "after": a} for n, b, a in told],
            "key": dict(entry.parts),
        }


def explain(repository: Repository, check: str) -> Explanation:
    """Which part of a check's key changed between its last two runs. Raises ``NeverRan``."""
    entries: Mapping[str, Entry] = ledger_of(repository).read()
    if check not in entries:
        near = difflib.get_close_matches(check, entries, n=1)
        known = ", ".join(sorted(entries)[:8])
        hint = f"known: {known}" if known else "orchestrate verify runs the checks"
        hint = f'did you mean "{near[0]}"?' if near else hint
        raise NeverRan(f"no run here knows a check {check!r}", hint=hint)
    entry = entries[check]
    changed = None if entry.before is None else changes(entry.before, entry.parts)
    return Explanation(check, entry, changed)


def cache_in_force(repository: Repository) -> Cache:
    """The cache with the limits in force; the usual ones where no configuration loads."""
    try:
        return cache_of(repository, in_force(repository))
    except OrchestrateError:
        return cache_of(repository)
