"""``orchestrator.decisions``: what is proposed and decided, and why."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.api.seat import Place, Seat
from orchestrator.api.topics import Decision
from orchestrator.coordination import deciding, decisions
from orchestrator.coordination.copies import Taken, copy_of, parse, take_in
from orchestrator.coordination.decisions import Draft, Option, to_json
from orchestrator.engine import decisions as engine
from orchestrator.engine.acting import act
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Decisions"]


class Decisions:
    """Record, propose, discuss and take decisions.

    ``decision`` is an id, or the name it had where it comes from. Unless it says
    otherwise a method gives the decision as it now is, and raises
    ``NoSuchDecision``, ``NotPossible``; where somebody objected, ``NeedsHuman``.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def add(
        self,
        title: str,
        description: str,
        *,
        category: str = "architecture",
        scope: str = "module",
        decision: str | None = None,
        rationale: str | None = None,
        decided_by: Sequence[str] = (),
        affects: Sequence[str] = (),
        tasks: Sequence[str] = (),
        files: Sequence[str] = (),
        depends: Sequence[str] = (),
        key: str | None = None,
    ) -> Decision:
        """Record a decision that is taken already.

        ``description`` up to 64 KiB; ``decided_by`` defaults to you;
        ``affects``: instances, or ``all``; ``files`` are globs. A repeated call
        with the same ``key`` adds nothing. Raises ``UnusableDecision``,
        ``UnknownWord``.
        """
        draft = Draft(
            title,
            description,
            category,
            scope,
            decision,
            rationale,
            tuple(decided_by),
            tuple(affects),
            tuple(tasks),
            tuple(files),
            tuple(depends),
        )
        return self._written(lambda tx, actor: decisions.add(tx, draft, actor=actor), key)

    def propose(
        self,
        title: str,
        description: str,
        *,
        options: Sequence[Option | str] = (),
        category: str = "architecture",
        scope: str = "module",
        rationale: str | None = None,
        inputs_from: Sequence[str] = (),
        deadline_at: int | None = None,
        default: str | None = None,
        affects: Sequence[str] = (),
        tasks: Sequence[str] = (),
        files: Sequence[str] = (),
        depends: Sequence[str] = (),
        key: str | None = None,
    ) -> Decision:
        """Put options on the table, and say whose input is wanted by when.

        ``options``: names, or ``Option`` with pros and cons; ``default`` holds
        after ``deadline_at`` (ms since the epoch). The rest as for ``add``.
        Raises ``UnusableDecision``, ``UnknownWord``.
        """
        draft = Draft(
            title,
            description,
            category,
            scope,
            rationale=rationale,
            affects=tuple(affects),
            related_tasks=tuple(tasks),
            files=tuple(files),
            dependencies=tuple(depends),
            options=tuple(Option(one) if isinstance(one, str) else one for one in options),
            inputs_needed=tuple(inputs_from),
            deadline_at=deadline_at,
            fallback=default,
        )
        return self._written(lambda tx, actor: decisions.propose(tx, draft, actor=actor), key)

    def input(self, decision: str, body: str) -> Decision:
        """Say what speaks for or against a proposal; giving it again replaces it."""
        seat = self._seat
        name = seat.name(seat.who())
        return self._written(
            lambda tx, actor: deciding.give_input(tx, decision, body, actor=actor, instance=name)
        )

    def object(self, decision: str, body: str) -> Decision:
        """Disagree: it is documented, and a human is asked in an escalation."""
        seat, who = self._seat, self._seat.who()
        row, _ = engine.object_to(seat.project, who, seat.name(who), decision, body)
        return self.show(row["id"])

    def decide(
        self,
        decision: str,
        *,
        rationale: str,
        option: str | None = None,
        words: str | None = None,
        anyway: bool = False,
    ) -> Decision:
        """Decide a proposal, by the name of an ``option`` or in ``words``.

        ``anyway``: without the inputs that are still missing.
        """
        return self._step(
            lambda tx, actor, human: deciding.decide(
                tx,
                decision,
                rationale=rationale,
                actor=actor,
                human=human,
                option=option,
                decision=words,
                anyway=anyway,
            )
        )

    def supersede(self, decision: str, by: str) -> Decision:
        """Say that decision ``by`` takes its place."""
        return self._step(
            lambda tx, actor, human: deciding.supersede(tx, decision, by, actor=actor, human=human)
        )

    def implement(self, decision: str) -> Decision:
        """Say that the code now does what was decided."""
        return self._step(lambda tx, actor, human: deciding.implement(tx, decision, actor=actor))

    def deprecate(self, decision: str, *, reason: str) -> Decision:
        """Say that it is no longer to be followed."""
        return self._step(
            lambda tx, actor, human: deciding.deprecate(
                tx, decision, actor=actor, human=human, reason=reason
            )
        )

    def list(
        self,
        *,
        category: str | None = None,
        scope: str | None = None,
        statuses: Sequence[str] = (),
        path: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        archived: bool = False,
    ) -> tuple[Decision, ...]:
        """The decisions that fit, newest first.

        ``path``: a repository-rooted file they concern; ``since`` in ms since
        the epoch; ``limit`` the newest so many. Raises ``UnknownWord``.
        """

        def body(reader: Reader) -> tuple[Decision, ...]:
            rows = decisions.listed(
                reader,
                category=category,
                scope=scope,
                statuses=statuses,
                path=path,
                since=since,
                limit=limit,
                archived=archived,
            )
            return tuple(_whole(reader, row) for row in rows)

        return self._settled().store.read(body)

    def show(self, decision: str) -> Decision:
        """One decision with what was said about it."""
        return self._settled().store.read(
            lambda reader: _whole(reader, decisions.find(reader, decision))
        )

    def archive(self, keep: int) -> tuple[str, ...]:
        """Archive all but the newest ``keep`` settled decisions; the ids of those.

        Nothing is removed, and ids stay taken.
        """
        seat, who = self._seat, self._seat.who()
        return tuple(
            act(
                self._settled(),
                who,
                seat.name(who),
                lambda tx, actor: deciding.archive(tx, keep, actor=actor),
            )
        )

    def export(self, folder: str | os.PathLike[str], *, commit: bool = False) -> tuple[Path, ...]:
        """Write every decision as a page of Markdown; the pages.

        ``commit``: commit these pages, and nothing else, to git. Raises
        ``NotExported``, ``GitError``.
        """
        project = self._settled()
        paths = engine.export(project, Path(self._seat.at(folder)))
        if commit:
            engine.commit(project, paths)
        return tuple(path for path in paths if path.exists())

    def log(self) -> str:
        """The whole log as JSON: what ``merge`` takes in in another copy."""
        return json.dumps(self._settled().store.read(copy_of), ensure_ascii=False)

    def merge(self, log: str) -> Taken:
        """Take in the ``log`` of another copy of this repository; twice changes nothing.

        Raises ``UnreadableCopy``.
        """
        foreign = parse(log, "log")
        seat, who = self._seat, self._seat.who()
        return act(
            self._settled(),
            who,
            seat.name(who),
            lambda tx, actor: take_in(tx, foreign, actor=actor),
        )

    def _settled(self) -> Place:
        """The project, with the defaults that hold by now."""
        engine.settle(self._seat.project)
        return self._seat.project

    def _written(self, body: Callable[[Transaction, str], Row], key: str | None = None) -> Decision:
        seat, who = self._seat, self._seat.who()
        row = act(seat.project, who, seat.name(who), body, key)
        return self.show(row["id"])

    def _step(self, body: Callable[[Transaction, str, bool], Row]) -> Decision:
        """Take a step that settles a decision."""
        seat, who = self._seat, self._seat.who()
        row = engine.end(
            self._settled(),
            who,
            seat.name(who),
            lambda tx, actor: body(tx, actor, who.human),
        )
        return self.show(row["id"])


def _whole(reader: Reader, row: Row) -> Decision:
    return Decision.of(to_json(row, reader.find("opinions", {"decision": row["id"]})))
