"""Where a caller of the Python API sits: which project, which folder, in whose name."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.coordination.callers import Caller, authenticate
from orchestrator.coordination.sessions import instance_of
from orchestrator.engine import acting
from orchestrator.engine.attendance import session_environment
from orchestrator.engine.project import Project

__all__ = ["Place", "Seat"]


@dataclass(frozen=True)
class Place(Project):
    """A project whose caller is the named ``session``; None: as the environment says."""

    session: str | None = None

    def caller(self) -> Caller:
        """Who calls. Raises ``WrongToken``, ``BadSession``, ``UsageError``."""
        names = session_environment(self.session)
        return authenticate(self.store, self.repository.state, names)


@dataclass
class Seat:
    """What every part of an ``Orchestrator`` shares; checking in changes the session.

    ``base`` is where relative paths begin, ``instance`` the one that was named.
    """

    project: Place
    base: Path
    instance: str | None = None

    def sit(self, session: str | None) -> None:
        """From now on it is ``session`` that calls."""
        self.project = replace(self.project, session=session)

    def who(self) -> Caller:
        """The caller, its token verified."""
        return self.project.caller()

    def chosen(self) -> str | None:
        """The instance that was said, by name or by session; None: let it be found."""
        session = self.project.session
        if self.instance or session is None:
            return self.instance
        return self.project.store.read(lambda reader: instance_of(reader, session))

    def name(self, who: Caller) -> str:
        """In whose name the caller acts: an instance, or a human in their own."""
        return acting.name_of(self.project, who, self.chosen())

    def me(self) -> str:
        """The instance the caller is. Raises ``WhichInstance``."""
        return acting.instance_of(self.project, self.chosen())

    def at(self, path: str | os.PathLike[str]) -> str:
        """``path`` from ``base``; an empty one stays empty, to be refused as such."""
        text = os.fspath(path)
        # Path would drop a trailing slash, which says that a folder is meant.
        return os.path.join(self.base, text) if text else text  # noqa: PTH118
