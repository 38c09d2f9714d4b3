"""``orchestrator.instances``: who is known, and making and retiring instances."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.api.records import Created, Instance
from orchestrator.api.seat import Seat
from orchestrator.engine import creating
from orchestrator.engine import instances as engine
from orchestrator.engine.overview import instance_detail, instance_summary

__all__ = ["Instances"]


class Instances:
    """List, show, create and retire instances."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def list(self) -> tuple[Instance, ...]:
        """Every instance, by id, with its state, task, handoff and client."""
        project = self._seat.project
        views = project.store.read(
            lambda reader: [
                instance_summary(project, reader, row) for row in reader.find("instances")
            ]
        )
        return tuple(map(Instance.of, views))

    def show(self, instance: str) -> Instance:
        """One instance, also what is possible from its state and what is configured.

        Raises ``NoSuchRow``.
        """
        project = self._seat.project
        return Instance.of(
            project.store.read(lambda reader: instance_detail(project, reader, instance))
        )

    def create(
        self,
        instance: str,
        *,
        worktree: str | os.PathLike[str] | None = None,
        branch: str | None = None,
        role: str | None = None,
    ) -> Created:
        """Make an instance with a worktree and a branch of its own; harmless when it is there.

        ``worktree`` and ``branch`` default to what is configured, the branch
        else to the instance's name. Raises ``CannotCreate``, ``BadName``,
        ``GitError``; then nothing is left behind.
        """
        seat = self._seat
        place = None if worktree is None else Path(seat.at(worktree))
        made = creating.create(
            seat.project, seat.who(), instance, worktree=place, branch=branch, role=role
        )
        return Created(self.show(instance), made.worktree_made, made.branch_made)

    def retire(self, instance: str, *, reason: str | None = None) -> None:
        """Take an instance out of the project; its worktree and branch stay.

        A human or the instance itself does. Raises ``NotRetired``, ``NoSuchRow``.
        """
        seat = self._seat
        engine.retire(seat.project, seat.who(), instance, reason=reason)
        seat.project.publish()
