"""``orchestrator.tasks``: what is to be done, by whom, after what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.seat import Seat
from orchestrator.api.topics import Completed, Task
from orchestrator.coordination import tasks
from orchestrator.coordination.suggestions import Suggestion
from orchestrator.engine import tasking

__all__ = ["Tasks"]


class Tasks:
    """Add, claim, propose and complete tasks.

    ``task`` is an id, or the name it had where it was imported from. Unless it
    says otherwise a method gives the task as it now is, and raises
    ``NoSuchName``, ``ImpossibleStep`` with what is possible, ``NotYourTask``.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def add(
        self,
        title: str,
        *,
        description: str = "",
        priority: str = "medium",
        due_at: int | None = None,
        depends: Sequence[str] = (),
        deliverables: Sequence[str] = (),
        expertise: Sequence[str] = (),
        files: Sequence[str] = (),
        assign: str | None = None,
        key: str | None = None,
    ) -> Task:
        """Add a task; it is ready at once, or when what it depends on is done.

        ``priority``: low, medium, high, critical; ``due_at`` in ms since the
        epoch; ``deliverables`` (paths) and ``files`` (globs) are
        repository-rooted. ``assign``: who shall do it; another instance is
        asked. A repeated call with the same ``key`` adds nothing. Raises
        ``BadText``, and for circles of dependencies what ``depend`` raises.
        """
        draft = tasks.Draft(
            title,
            description,
            priority,
            due_at,
            tuple(depends),
            tuple(deliverables),
            tuple(expertise),
            tuple(files),
        )
        seat, who = self._seat, self._seat.who()
        row = tasking.add(seat.project, who, seat.name(who), draft, assign=assign, key=key)
        return Task.of(row)

    def suggest(self, task: str) -> tuple[Suggestion, ...]:
        """Who suits a task, the best first, each with ``score`` and ``reasons``."""
        return tuple(tasking.suggestions(self._seat.project, task))

    def claim(self, task: str) -> Task:
        """Take a task: STANDBY → ACTIVE. Of several who try, exactly one gets it.

        Raises ``TaskTaken``, ``ImpossibleEvent``.
        """
        seat = self._seat
        return Task.of(tasking.claim(seat.project, seat.who(), seat.me(), task))

    def propose(self, task: str, to: str) -> Task:
        """Ask instance ``to`` to take a task; it is told in a message."""
        seat, who = self._seat, self._seat.who()
        return Task.of(tasking.propose(seat.project, who, seat.name(who), task, to))

    def accept(self, task: str) -> Task:
        """Take a task that was proposed to you: STANDBY → ACTIVE. Raises ``ImpossibleEvent``."""
        seat = self._seat
        return Task.of(tasking.accept(seat.project, seat.who(), seat.me(), task))

    def decline(self, task: str, *, reason: str | None = None) -> Task:
        """Refuse a task that was proposed to you; its author is told why."""
        seat = self._seat
        return Task.of(tasking.decline(seat.project, seat.who(), seat.me(), task, reason))

    def start(self, task: str) -> Task:
        """Begin a task that is yours."""
        seat = self._seat
        return Task.of(tasking.start(seat.project, seat.who(), seat.me(), task))

    def block(self, task: str, *, reason: str) -> Task:
        """Say what stands in the way; its author is told."""
        seat = self._seat
        return Task.of(tasking.block(seat.project, seat.who(), seat.me(), task, reason))

    def unblock(self, task: str) -> Task:
        """Go on with a task."""
        seat = self._seat
        return Task.of(tasking.unblock(seat.project, seat.who(), seat.me(), task))

    def complete(
        self, task: str, *, notes: Mapping[str, str] | None = None, ref: str = "HEAD"
    ) -> Completed:
        """Complete a task whose deliverables exist.

        With ``notes`` (heading → text, as for ``handoffs.ready``) the commit
        ``ref`` is marked ready, and the task is done when that has landed.
        Raises ``DeliverablesMissing`` and what ``handoffs.ready`` raises.
        """
        seat = self._seat
        done = tasking.complete(seat.project, seat.who(), seat.me(), task, notes=notes, ref=ref)
        seat.project.publish()
        handoff = done.handoff["id"] if done.handoff else None
        return Completed(Task.of(done.task), handoff, done.remarks)

    def cancel(self, task: str, *, reason: str | None = None) -> Task:
        """Give a task up for good; its holder is told."""
        seat, who = self._seat, self._seat.who()
        return Task.of(tasking.cancel(seat.project, who, seat.name(who), task, reason))

    def depend(self, task: str, *, on: Sequence[str] = (), drop: Sequence[str] = ()) -> Task:
        """Wait for the tasks ``on``, and for those in ``drop`` no more. Raises for circles."""
        seat, who = self._seat, self._seat.who()
        name = seat.name(who)
        return Task.of(tasking.depend(seat.project, who, name, task, tuple(on), tuple(drop)))

    def list(
        self, *, statuses: Sequence[str] = (), instance: str | None = None
    ) -> tuple[Task, ...]:
        """Tasks, the urgent first; ``instance``: what it has and what is proposed to it."""
        rows = self._seat.project.store.read(
            lambda reader: tasks.listed(reader, statuses=statuses, instance=instance)
        )
        return tuple(map(Task.of, rows))

    def show(self, task: str) -> Task:
        """One task."""
        return Task.of(self._seat.project.store.read(lambda reader: tasks.task_of(reader, task)))
