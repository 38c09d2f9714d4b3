"""A repository, its configuration in force and its store, as one value for the use cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from orchestrator.config import compiled
from orchestrator.config.model import Config
from orchestrator.coordination.callers import Caller, authenticate
from orchestrator.coordination.ringing import ring
from orchestrator.errors import OrchestrateError
from orchestrator.git import Git, Repository, find
from orchestrator.lifecycle.states import State
from orchestrator.status.publish import publish
from orchestrator.store.port import Reader, Row, Store, Transaction
from orchestrator.store.sqlite import open_store

__all__ = ["Project"]


@dataclass(frozen=True)
class Project:
    """Everything a use case needs. ``Project.open()`` finds it from the working directory."""

    repository: Repository
    config: Config
    store: Store
    read_at: str | None = None

    @classmethod
    def open(cls, start: Path | str | None = None) -> Self:
        """The project around ``start``; registers what its configuration names.

        Raises ``NotARepository``, or what ``config.load.in_force`` raises.
        """
        repository = find(start)
        config = _in_force(repository)
        project = cls(repository, config, open_store(repository.state, project=config.project))
        project.register()
        return project

    @cached_property
    def git(self) -> Git:
        """Git in the main worktree: the place nothing is ever checked out or removed by us."""
        return Git(self.repository.main)

    @classmethod
    def compiled(cls, repository: Repository, store: Store) -> Self | None:
        """The project as some command compiled it into its store; None where none did yet.

        Reads no YAML. What only verification needs is left at its defaults.
        """
        rows = store.read(lambda reader: reader.find("meta", {"name": compiled.NAMES}))
        config = compiled.config({row["name"]: row["value"] for row in rows})
        return None if config is None else cls(repository, config, store)

    @property
    def branch(self) -> str:
        """The full name of the integration branch's ref."""
        return f"refs/heads/{self.config.coordinator.integration_branch}"

    @property
    def verifier(self) -> str:
        """The instance in whose name the watch verifies and approves."""
        return self.config.coordinator.instance

    def integration_head(self) -> str | None:
        """The commit the integration branch is at, or None where it does not exist."""
        return self.git.commit(self.branch)

    def caller(self) -> Caller:
        """Who calls this process. Raises ``WrongToken`` for a session that cannot prove itself."""
        return authenticate(self.store, self.repository.state)

    def register(self) -> None:
        """Bring the store up to date with the configuration; cheap when it already is."""
        wanted = compiled.meta(self.config)
        known = self.store.read(lambda reader: reader.find("meta", {"name": list(wanted)}))
        if {row["name"]: row["value"] for row in known} != wanted:
            self.store.write(lambda tx: _register(tx, self.config, self.repository))

    def reloaded(self) -> Project:
        """Itself, or, when the configuration in force changed, a project with the new one.

        A configuration that no longer loads keeps the old one in force.
        """
        head = self.integration_head()
        if head == self.read_at:
            return self
        try:
            config = _in_force(self.repository)
        except OrchestrateError:
            config = self.config
        project = Project(self.repository, config, self.store, head)
        project.register()
        return project

    def publish(self) -> Path | None:
        """After a change: tell idle instances what is new, and write the status document.

        Best effort: neither ever blocks the work.
        """
        ring(self.store)
        return publish(self.store, self.status_root)

    @property
    def status_root(self) -> Path:
        """The folder that holds ``status/``: the main worktree, or ``init --under``'s folder."""
        under = Path(self.config.source).parent.parent
        outside = under.is_absolute() or ".." in under.parts
        return self.repository.main if outside else self.repository.main / under


def _in_force(repository: Repository) -> Config:
    # Only where a configuration is read: what was compiled into the store needs no YAML library.
    from orchestrator.config.load import in_force

    return in_force(repository)


def _register(tx: Transaction, config: Config, repository: Repository) -> None:
    """Compile the configuration into the store: hooks and readers of status need no YAML."""
    put(tx, "config", json.dumps(config.to_json()))
    put(tx, "project", config.project)
    for key, value in compiled.meta(config).items():
        put(tx, key, value)
    tx.delete("owned", {"kind": compiled.KINDS})
    for row in compiled.owned(config):
        tx.insert("owned", row)
    names = {**dict.fromkeys(config.instances), config.coordinator.instance: None}
    for row in tx.find("instances"):
        if row["configured"] and row["id"] not in names:
            tx.update("instances", {"id": row["id"]}, {"configured": 0})
    for name in names:
        _register_instance(tx, name, config, repository)


def _register_instance(tx: Transaction, name: str, config: Config, repository: Repository) -> None:
    known = config.instances.get(name)
    place = known.worktree if known else None
    settings: Row = {
        "role": known.role if known else "INTEGRATION_COORDINATION",
        "configured": 1,
        "worktree": str((repository.main / place).resolve()) if place else None,
        "branch": known.branch if known else None,
    }
    if tx.get("instances", id=name) is None:
        start = {"id": name, "state": str(State.STANDBY), "version": 1, "registered_at": tx.now}
        tx.insert("instances", {**start, "attempt": 0, **settings})
    else:
        tx.update("instances", {"id": name}, settings)


def put(tx: Transaction, name: str, value: str) -> None:
    """Set a ``meta`` value."""
    if not tx.update("meta", {"name": name}, {"value": value}):
        tx.insert("meta", {"name": name, "value": value})


def setting(reader: Reader, name: str) -> str | None:
    """A ``meta`` value, or None."""
    row = reader.get("meta", name=name)
    return row["value"] if row else None
