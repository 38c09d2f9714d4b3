"""Accepting a breaking version of a contract: by somebody other than its author, with a reason.

What is written is a file of the caller's worktree. It counts once it has landed,
because verification reads it from the base; so nobody blesses in the same breath.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.model import Contract
from orchestrator.coordination.callers import Caller
from orchestrator.engine.contracts import identify, known
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.git import Git
from orchestrator.plugins.builtin.contracts.blessings import Blessing, place, read, written
from orchestrator.policy.four_eyes import may_approve
from orchestrator.store.port import NewEvent, Reader, Transaction

__all__ = ["Blessed", "BlessingRefused", "Change", "bless", "change_of"]


class BlessingRefused(OrchestrateError):
    """This version of a contract cannot be blessed.

    Nobody accepts their own break: the producer of the handoff, or whoever
    committed the change, asks somebody else. The change has to be known: a
    handoff (``--handoff``) or a commit (``--at``) that has the contract.
    """

    code = "E432"
    exit_status = EXIT["failed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be accepted: the commit, whose work it is, and the handoff, if it is one."""

    commit: str
    author: str
    handoff: str | None = None


@dataclass(frozen=True, slots=True)
class Blessed:
    """What was written: the file, and the blessing in it."""

    file: str
    blessing: Blessing


def change_of(project: Project, name: str, handoff: str | None, at: str | None) -> Change:
    """The change a blessing is about; raises ``NoContract``, ``BlessingRefused``."""
    contract = known(project.config, name)
    git = project.repository.git
    if at is not None:
        commit = git.commit(at)
        if commit is None:
            raise BlessingRefused(f"there is no commit {at!r} here")
        return Change(commit, _committed_by(project, contract, commit))
    if handoff is not None:
        row = project.store.read(lambda reader: row_of(reader, "handoffs", handoff))
        return Change(row["head"], row["producer"], handoff)
    found = project.store.read(lambda reader: _changing(reader, project, contract))
    if len(found) != 1:
        listed = ", ".join(str(change.handoff) for change in found) or "none"
        raise BlessingRefused(
            f"it is not clear which version of {name} is meant; open handoffs that change it: "
            f"{listed}",
            hint="name it: --handoff H-7, or --at COMMIT",
        )
    return found[0]


def bless(project: Project, who: Caller, name: str, change: Change, reason: str) -> Blessed:
    """Write the blessing; raises ``BlessingRefused`` for the author and for broken versions."""
    contract = known(project.config, name)
    why_not = _refused(project, who, change)
    if why_not:
        raise BlessingRefused(why_not)
    found = identify(project.repository, contract, change.commit)
    if "version" not in found.data:
        raise BlessingRefused(f"{change.commit[:12]} has no usable version of {name}: "
                              f"{found.reason}")  # fmt: skip
    stamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    version, after = str(found.data["version"]), _before(project, contract)
    blessing = Blessing(version, after, reason, who.actor, change.author, stamp)
    path = place(project.config.to_json(), name)

    def body(tx: Transaction) -> None:
        _write(project.repository.worktree / path, name, blessing)
        told = {"contract": name, "version": blessing.version, "commit": change.commit}
        instance = change.author if change.handoff else None
        tx.record(NewEvent("contract.bless", who.actor, instance, change.handoff, reason,
                           data=told))  # fmt: skip

    project.store.write(body, durable=True)
    return Blessed(path, blessing)


def _before(project: Project, contract: Contract) -> str:
    """The version the integration branch has, or an empty text."""
    head = project.integration_head()
    if head is None:
        return ""
    return str(identify(project.repository, contract, head).data.get("version", ""))


def _write(path: Path, name: str, blessing: Blessing) -> None:
    """Add to the file, replaced whole; under the store's gate, so two at once add both."""
    try:
        content = path.read_bytes() if path.exists() else None
        blessings = read(content)
    except ValueError as error:
        raise BlessingRefused(f"{path}: {error}", hint="mend the file, or remove it") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(written(name, {**blessings, blessing.version: blessing}))
    beside.replace(path)


def _refused(project: Project, who: Caller, change: Change) -> str | None:
    """Why this caller may not, or None."""
    approval = project.config.approval
    why_not = may_approve(
        who.actor, change.author, approvers=approval.approvers, coordinator=project.verifier
    )
    if why_not or change.handoff is not None:
        return why_not
    mine = _email(project.repository.git)
    if not mine:
        return "it is not known who you are to git (git config user.email), nor whose change it is"
    if mine in change.author.split(", "):
        return f"{mine} committed this change; somebody else has to decide about it"
    return None


def _committed_by(project: Project, contract: Contract, commit: str) -> str:
    """The addresses of those whose commits made the version; of the last change once it landed."""
    git, base = project.repository.git, project.integration_head()
    inside = f":(literal){contract.path}"
    landed = base is None or git.is_ancestor(commit, base)
    span = ("-1", commit) if landed else (f"{base}..{commit}",)
    emails = git.lines("log", "-z", "--format=%ae", *span, "--", inside)
    if not emails:
        emails = git.lines("log", "-z", "--format=%ae", "-1", commit, "--")
    return ", ".join(sorted({email.strip() for email in emails}))


def _email(git: Git) -> str:
    """The caller's own address, as git would write it into a commit."""
    configured = git.run("config", "user.email", check=False).stdout.decode().strip()
    return os.environ.get("GIT_AUTHOR_EMAIL") or configured


def _changing(reader: Reader, project: Project, contract: Contract) -> list[Change]:
    """Open handoffs whose head has another version of the contract's file than the base."""
    base, git = project.integration_head(), project.repository.git
    found = []
    for row in reader.find("handoffs", {"status": "open"}):
        if base is None or git.commit(row["head"]) is None:
            continue
        fork = git.merge_base(base, row["head"]) or base
        inside = f"{contract.path.rstrip('/')}/"
        changed = git.changed(fork, row["head"])
        if any(p == contract.path or p.startswith(inside) for p in changed):
            found.append(Change(row["head"], row["producer"], row["id"]))
    return found
