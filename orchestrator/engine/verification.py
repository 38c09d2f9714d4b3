"""The use case of CI and of the curious: verify a commit here and now, with no coordinator.

Needs no store. Judges what is committed: a working tree's changes are named
in a warning, never verified.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from orchestrator.engine.executor import LocalExecutor
from orchestrator.errors import OrchestrateError, UsageError
from orchestrator.git import Git, Repository
from orchestrator.plugins.remote import Worker
from orchestrator.verification.checkout import Candidate
from orchestrator.verification.elsewhere import listed
from orchestrator.verification.outcome import Report
from orchestrator.verification.progress import Listener
from orchestrator.verification.rules import NoRules, Rules, rules_at, touches_policy
from orchestrator.verification.run import Request, verify

__all__ = ["NothingToVerify", "UnknownCommit", "verify_commit"]


class NothingToVerify(OrchestrateError):
    """This repository has no commit to verify.

    Happens when ``verify`` is called before the first commit. Only commits are
    verified: make one.
    """

    code = "E404"


class UnknownCommit(OrchestrateError):
    """There is no such commit here.

    Happens when ``verify --since`` names a branch or commit that this clone
    does not have: a deleted branch, a misspelt name, or a shallow clone in CI.
    Fetch it, with its history (``git fetch --unshallow``).
    """

    code = "E405"


def verify_commit(
    repository: Repository,
    *,
    since: str | None = None,
    everything: bool = False,
    layers: Sequence[str] = (),
    fresh: bool = False,
    listener: Listener | None = None,
    stop: threading.Event | None = None,
    ready: Iterable[Worker] = (),
) -> Report:
    """Verify HEAD: under its own rules, or with ``since`` under those of that commit.

    With ``since``, what changed since the two parted decides which layers are
    checked, unless ``everything``; contracts and benchmarks compare with it.
    Without, all layers are checked and nothing is compared. ``fresh`` replays
    no verdict of an earlier run. ``ready`` are workers that were started before.
    """
    git = repository.git
    candidate = _candidate(git, since)
    rules, warnings = _rules(repository, candidate)
    _known_layers(rules, layers)
    request = Request(
        repository=repository,
        candidate=candidate,
        rules=rules,
        run_id=f"local-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(3).hex()}",
        everything=everything or since is None,
        layers=tuple(layers) or None,
        policy_from=rules.source,
        warnings=(*_uncommitted(git), *warnings),
        fresh=fresh,
    )
    with LocalExecutor(rules, ready=ready) as executor:
        return verify(request, executor=executor, listener=listener, stop=stop)


def _candidate(git: Git, since: str | None) -> Candidate:
    found = git.commit_and_tree("HEAD")
    if found is None:
        raise NothingToVerify(hint="git add -A && git commit")
    head, tree = found
    if since is None:
        return Candidate(head, tree, None, head)
    base = git.commit(since)
    if base is None:
        raise UnknownCommit(
            f"there is no commit {since!r} here",
            hint="is the name right, and was it fetched? In CI: fetch the whole history",
        )
    parted = git.merge_base(base, head) or base
    return Candidate(head, tree, base, head, git.changed(parted, head))


def _rules(repository: Repository, candidate: Candidate) -> tuple[Rules, list[str]]:
    """The rules in force, and what to say about them."""
    from orchestrator.config.load import named

    source = named(repository)
    if candidate.base is not None:
        rules = rules_at(repository, candidate.base, source, origin="base")
        if rules is not None:
            touched = touches_policy(rules.config, rules.config.source, candidate.changed or ())
            said = f"this change touches the rules themselves ({listed(touched)}); "
            return rules, [said + "it was judged under the base's"] if touched else []
    rules = rules_at(repository, candidate.commit, source, origin="commit")
    if rules is None:
        raise NoRules(
            f"the commit {candidate.commit[:12]} has no {source or 'configuration'}",
            hint="ORCHESTRATE_CONFIG names it: is that right?"
            if source
            else "orchestrate init writes one; then commit it",
        )
    if candidate.base is None:
        return rules, []
    return rules, ["the base has no configuration; judged under the commit's own"]


def _known_layers(rules: Rules, layers: Sequence[str]) -> None:
    for name in layers:
        if name not in rules.config.layers:
            import difflib

            near = difflib.get_close_matches(name, rules.config.layers, n=1)
            defined = f"Defined layers: {', '.join(rules.config.layers)}"
            hint = f'did you mean "{near[0]}"? {defined}' if near else defined
            raise UsageError(f'layer "{name}" is not defined', hint=hint)


def _uncommitted(git: Git) -> list[str]:
    """A warning that names what is here and not committed, so not verified."""
    lines = git.lines("status", "--porcelain", "-z", "--no-renames")
    paths = tuple(line[3:] for line in lines)
    if not paths:
        return []
    return [f"not committed, so not verified: {listed(paths)}"]
