"""``Orchestrator``: everything the commands do, for Python. Thin over the same use cases."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orchestrator.api.decisions import Decisions
from orchestrator.api.escalations import Escalations
from orchestrator.api.handoffs import Handoffs
from orchestrator.api.instances import Instances
from orchestrator.api.leases import Leases
from orchestrator.api.messages import Messages
from orchestrator.api.records import CheckedIn, Event
from orchestrator.api.seat import Place, Seat
from orchestrator.api.tasks import Tasks
from orchestrator.api.waivers import Waivers
from orchestrator.coordination.cleaning import Cleaned, Ended
from orchestrator.coordination.health import Concern
from orchestrator.coordination.importing import Imported, collect, take_over
from orchestrator.coordination.profiles import Offer
from orchestrator.engine import attendance
from orchestrator.engine.attendance import Wish, session_environment
from orchestrator.engine.checkup import checkup
from orchestrator.engine.verification import verify_commit
from orchestrator.status.publish import current
from orchestrator.store.port import Value
from orchestrator.verification.outcome import Report
from orchestrator.verification.progress import Listener

__all__ = ["Orchestrator"]


class Orchestrator:
    """A project, as one instance or human sees it. ``Orchestrator.open()`` makes one.

    ``instances``, ``leases``, ``tasks``, ``messages``, ``decisions``, ``handoffs``,
    ``escalations`` and ``waivers`` hold what is done with each. Everything is synchronous;
    expected trouble raises a subclass of ``orchestrator.errors.OrchestrateError``
    and has changed nothing. Texts are checked, times are ms since the epoch.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self.instances = Instances(seat)
        self.leases = Leases(seat)
        self.tasks = Tasks(seat)
        self.messages = Messages(seat)
        self.decisions = Decisions(seat)
        self.handoffs = Handoffs(seat)
        self.escalations = Escalations(seat)
        self.waivers = Waivers(seat)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        instance: str | None = None,
        session: str | None = None,
    ) -> Self:
        """The project around ``path`` (default: the working directory).

        Relative paths begin there. ``instance`` and ``session`` say who you are;
        without them it is found as for a command: by the client's variables, by
        ``ORCHESTRATE_INSTANCE``, by the worktree, else you are a human. Raises
        ``NotARepository``, ``BadSession``, and what is wrong with the configuration.
        """
        session_environment(session)
        base = Path(path or ".").absolute()
        project = replace(Place.open(base), session=session)
        return cls(Seat(project, base, instance))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store. A session that was checked in stays checked in."""
        self.close()

    def close(self) -> None:
        """Release everything this process holds open; harmless twice."""
        self._seat.project.store.close()

    def check_in(
        self,
        *,
        agent: str | None = None,
        role: str | None = None,
        task: str | None = None,
        specializations: Sequence[str] = (),
        expertise: Sequence[str] = (),
        consultation: bool | None = None,
    ) -> CheckedIn:
        """Register this session, or resume it, and get its briefing.

        Where there is no session yet, one is made, and this object acts in it from
        now on. ``role`` makes a new instance; ``agent`` registers a sub-agent;
        ``consultation``: whether you may be asked. Raises ``WhichInstance``,
        ``NotYou``, ``Occupied``, ``WrongToken``.
        """
        seat = self._seat
        offer = Offer(tuple(specializations), tuple(expertise), consultation)
        session = seat.project.session
        wish = Wish(seat.instance, session, agent, role, task, offer)
        result = attendance.check_in(seat.project, wish)
        row = result.session
        own = str(row["parent"] or row["id"])
        if result.made:
            seat.sit(own)
        return CheckedIn(own, row["instance"], result.made, result.briefing)

    def heartbeat(self, *, agent: str | None = None) -> int:
        """Say that this session lives; how many leases were renewed.

        Without a client's process to look at, five minutes without one count as
        gone. Raises ``UsageError`` without a session, ``WrongToken``, ``NoSession``.
        """
        project = self._seat.project
        return int(attendance.beat(project, project.session, agent)["leases"])

    def news(self) -> tuple[str, ...]:
        """What is new for this session, a line each: messages and verdicts about its work.

        From now on it counts as told, and nobody else tells it. Raises as
        ``heartbeat`` does.
        """
        project = self._seat.project
        return tuple(attendance.news(project, project.session))

    def check_out(self, *, agent: str | None = None, reason: str | None = None) -> Ended:
        """End this session (or only its ``agent``): leases freed, tasks returned.

        What an open handoff needs stays. Raises as ``heartbeat`` does.
        """
        project = self._seat.project
        ended = attendance.check_out(project, project.session, agent, reason=reason)
        if agent is None:
            self._seat.sit(None)
        return ended

    def cleanup(self) -> Cleaned:
        """End the sessions that are known dead and free what they held; nothing live."""
        return attendance.cleanup(self._seat.project)

    def take_over(self, path: str | os.PathLike[str] | None = None) -> Imported:
        """Read the files of the older coordination scripts below ``path``, once.

        What could not be read is in ``faults``, each with its place; the rest is
        taken over. Repeating it is harmless.
        """
        project = self._seat.project
        top = Path(self._seat.at(path)) if path else project.repository.worktree
        found, actor = collect(top), self._seat.who().actor
        result = project.store.write(lambda tx: take_over(tx, found, actor=actor), durable=True)
        project.publish()
        return result

    def verify_events(self) -> int:
        """Check the chain of events; how many there are. Raises what the store says of it."""
        return self._seat.project.store.verify_events()

    def verify(
        self,
        *,
        since: str | None = None,
        everything: bool = False,
        layers: Sequence[str] = (),
        listener: Listener | None = None,
    ) -> Report:
        """Verify HEAD here and now, without a coordinator.

        With ``since`` what changed since that commit decides which layers are
        checked, under its rules; else all, under HEAD's own. ``Report.to_json()``
        is plain. Raises ``NothingToVerify``, ``UnknownCommit``, ``NoRules``.
        """
        return verify_commit(
            self._seat.project.repository,
            since=since,
            everything=everything,
            layers=layers,
            listener=listener,
        )

    def status(self) -> dict[str, Any]:
        """The status document of this moment, as described in its reference."""
        return current(self._seat.project.store)

    def health(self, *, everything: bool = False) -> tuple[Concern, ...]:
        """What needs somebody's attention, red first; ``level`` is red or yellow.

        A ghost is told once; ``everything`` tells it again.
        """
        return tuple(checkup(self._seat.project, everything=everything))

    def events(
        self,
        *,
        after: int = 0,
        limit: int | None = None,
        instance: str | None = None,
        handoff: str | None = None,
    ) -> Iterator[Event]:
        """The record, oldest first: events with a number greater than ``after``."""
        given = {"instance": instance, "handoff": handoff}
        where: dict[str, Value] = {name: one for name, one in given.items() if one is not None}
        found = self._seat.project.store.events(after=after, limit=limit, where=where)
        return map(Event.of, found)
