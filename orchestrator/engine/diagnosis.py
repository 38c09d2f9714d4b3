"""What is active in this repository, what is missing, and how to mend it.

Each probe answers for itself and never raises: a broken part must not hide the
others. Nothing is changed, unless ``mend`` is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.load import in_force
from orchestrator.engine.lease import coordinator
from orchestrator.errors import OrchestrateError
from orchestrator.git import Repository
from orchestrator.store import backup
from orchestrator.store.errors import Corrupt
from orchestrator.store.sqlite import open_store

__all__ = ["Finding", "diagnose", "mend"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, off (a choice), or broken; ``hint`` says what to do about it."""

    subject: str
    state: str
    message: str
    hint: str | None = None


def diagnose(repository: Repository) -> list[Finding]:
    """Probe everything; broken things do not stop the probes after them."""
    found: list[Finding] = []
    for subject, probe in _PROBES.items():
        try:
            found += list(probe(repository))
        except OrchestrateError as error:
            found.append(Finding(subject, "broken", f"{error.code} {error.message}", error.hint))
        except OSError as error:
            found.append(Finding(subject, "broken", f"{error.filename}: {error.strerror}"))
    return found


def mend(repository: Repository) -> list[str]:
    """Restore a corrupt store from its last good copy; sentences that say what was done."""
    try:
        open_store(repository.state).verify_events()
    except Corrupt:
        return [backup.restore(repository.state)]
    return ["nothing to mend: the store is sound"]


def _machine(repository: Repository) -> Iterator[Finding]:
    version = repository.git.out("version").split()[2]
    numbers = tuple(int(part) for part in version.split(".")[:2])
    ok = numbers >= (2, 38)
    yield Finding(
        "git", "ok" if ok else "broken", version, None if ok else "git 2.38 or newer is needed"
    )
    yield Finding("python", "ok", sys.version.split()[0])
    if Path("/proc/self/stat").exists():
        yield Finding("processes", "ok", "every descendant of a check is found and ended")
    else:
        yield Finding(
            "processes",
            "off",
            "without /proc, a check's descendant that leaves its session is not found",
        )


def _configuration(repository: Repository) -> Iterator[Finding]:
    config = in_force(repository)
    yield Finding("configuration", "ok", f"{config.source}: {len(config.layers)} layers")
    branch = config.coordinator.integration_branch
    exists = repository.git.commit(f"refs/heads/{branch}") is not None
    hint = f"commit something on {branch}, or change coordinator.integration_branch"
    yield Finding(
        "integration branch",
        "ok" if exists else "broken",
        branch if exists else f"{branch} does not exist",
        None if exists else hint,
    )
    automatic = config.approval.auto
    yield Finding(
        "automatic approval",
        "ok" if automatic else "off",
        "by the rules of the configuration" if automatic else "every handoff asks a human",
    )
    yield Finding("ownership", "ok", f"{config.approval.ownership} on foreign files")
    if config.notify:
        yield Finding(
            "notifications", "off", "recorded in the log; nothing is sent", "orchestrate log"
        )


def _store(repository: Repository) -> Iterator[Finding]:
    store = open_store(repository.state)
    try:
        events = store.verify_events()
        yield Finding("store", "ok", f"{repository.state}: {events} events, chain sound")
        holder = store.read(coordinator)
    finally:
        store.close()
    if holder:
        yield Finding("watch", "ok", f"{holder['holder']} on {holder['host']} ({holder['pid']})")
    else:
        yield Finding("watch", "off", "nobody coordinates", "start it: orchestrate watch")


_PROBES: dict[str, Callable[[Repository], Iterator[Finding]]] = {
    "machine": _machine,
    "configuration": _configuration,
    "store": _store,
}
