"""May these changes be committed by this caller? Leases, fences, ownership, the protected branch.

The git hooks ask here, with the standard library alone: the rules come from the
configuration as it is compiled into the store. Starts no process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.ownership import matches
from orchestrator.coordination import fences
from orchestrator.coordination.callers import Caller
from orchestrator.coordination.paths import Target, file_target
from orchestrator.coordination.sessions import made_on_the_spot
from orchestrator.git import Repository
from orchestrator.store.port import Reader

__all__ = ["Policy", "Problem", "acting", "branch_of", "direct", "judge", "landed", "policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What of the configuration decides about commits. ``owners``: instance → patterns."""

    branch: str
    ownership: str
    owners: Mapping[str, Sequence[str]]
    humans: str = "warn"
    protect: bool = True
    verify_on_push: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that speaks against a commit; ``refuse`` False: it is only said."""

    text: str
    refuse: bool = True
    hint: str | None = None


def policy(reader: Reader) -> Policy | None:
    """The rules some command compiled into the store; None where none did yet."""
    row = reader.get("meta", name="config")
    if row is None:
        return None
    data = json.loads(row["value"])
    owners = {name: one["file_patterns"] for name, one in data["instances"].items()}
    approval, hooks = data["approval"], data.get("git_hooks", {})
    branch = data["coordinator"]["integration_branch"]
    return Policy(branch, approval["ownership"], owners, **hooks)


def acting(reader: Reader, repository: Repository, who: Caller) -> str:
    """Whose work the caller commits: named, its session's, the worktree's; else its own."""
    named = os.environ.get("ORCHESTRATE_INSTANCE")
    if named:
        return named
    if not who.human and who.actor != "unregistered":
        return who.actor
    return _of_worktree(reader, repository) or (who.actor if who.human else "nobody")


def branch_of(reader: Reader, branch: str) -> str | None:
    """The instance whose branch this is by the configuration, or whose open handoff is on it."""
    rows = reader.find("instances", {"branch": branch}, limit=1, columns=("id",))
    if rows:
        return str(rows[0]["id"])
    handoffs = reader.find("handoffs", {"ref": branch, "status": "open"}, limit=1)
    return str(handoffs[0]["producer"]) if handoffs else None


def judge(
    reader: Reader,
    rules: Policy,
    instance: str,
    files: Iterable[str],
    *,
    fold: bool,
    beside: str | None = None,
) -> list[Problem]:
    """Everything that speaks against ``instance``'s changes to ``files``.

    ``beside``: who merges them, whose own leases do not stand in the way.
    """
    files = list(files)
    targets = [file_target(path, fold=fold) for path in files]
    hint = "orchestrate lease list; ask the holder: orchestrate message send"
    found = [
        Problem(text, hint=hint)
        for text in fences.problems(reader, instance, targets, beside=beside)
    ]
    return found + list(_foreign(reader, rules, instance, files, targets))


def direct(rules: Policy, who: Caller, branch: str | None) -> list[Problem]:
    """An instance on the integration branch: its work gets there by a handoff."""
    if branch != rules.branch or not rules.protect:
        return []
    if who.human:
        return [Problem(f"{branch} is the integration branch: this commit lands unverified", False)]
    hint = "git switch -c NAME; commit there; orchestrate ready"
    text = f"{branch} is the integration branch, which takes work through handoffs only"
    return [Problem(text, hint=hint)]


def landed(reader: Reader, commits: Iterable[str]) -> set[str]:
    """Those of ``commits`` that a handoff landed, or an undo made."""
    asked = list(commits)
    found: set[str] = set()
    for column in ("landed", "candidate", "rollback"):
        for place in range(0, len(asked), 400):
            where = {column: asked[place : place + 400]}
            found |= {row[column] for row in reader.find("handoffs", where, columns=(column,))}
    return found


def _foreign(
    reader: Reader, rules: Policy, instance: str, files: Iterable[str], targets: Iterable[Target]
) -> Iterator[Problem]:
    """Files of others. A human who acts for no instance may change everybody's."""
    if instance.startswith("human:"):
        return
    for path, target in zip(files, targets, strict=True):
        owners = [name for name, patterns in rules.owners.items()
                  if any(matches(pattern, path) for pattern in patterns)]  # fmt: skip
        if not owners or instance in owners:
            continue
        ask = rules.ownership == "ask"
        if ask and _allowed(reader, instance, owners[0], target):
            continue
        want = f"orchestrate lease acquire {path} asks" if ask else "orchestrate message send"
        hint = f"{owners[0]} may allow it: {want}" if ask else f"ask {owners[0]}: {want}"
        yield Problem(f"{path} belongs to {owners[0]}", rules.ownership != "warn", hint)


def _allowed(reader: Reader, instance: str, owner: str, target: Target) -> bool:
    # Only where somebody has to be asked: it brings the whole configuration with it.
    from orchestrator.coordination.permissions import allowed

    return allowed(reader, instance, owner, target)


def _of_worktree(reader: Reader, repository: Repository) -> str | None:
    here = repository.worktree.resolve()
    for row in reader.find("instances", columns=("id", "worktree")):
        place = row["worktree"]
        if place and not made_on_the_spot(row["id"]) and Path(place).resolve() == here:
            return str(row["id"])
    return None
