"""``orchestrator.messages``: write to instances, roles, everybody; read and answer."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.seat import Seat
from orchestrator.api.topics import Message, Sent
from orchestrator.coordination import messages
from orchestrator.engine import messaging

__all__ = ["Messages"]


class Messages:
    """Send, read and answer messages. ``message`` is an id; an unknown one raises ``NoSuchName``.

    In the name of your instance, or, as a human who names none, in your own.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def send(
        self,
        to: str,
        subject: str,
        body: str = "",
        *,
        kind: str = "info",
        priority: str = "medium",
        task: str | None = None,
        files: Sequence[str] = (),
        requires_response: bool | None = None,
        due_at: int | None = None,
        key: str | None = None,
    ) -> Sent:
        """Send to an instance, ``human:NAME``, ``role:ROLE``, ``all``, or ``expertise:WORD``.

        ``body`` up to 64 KiB; ``kind`` and ``priority`` as on the command line;
        ``requires_response`` None: by kind; ``due_at`` in ms since the epoch. A
        repeated call with the same ``key`` sends nothing. That it reaches
        nobody is no error: look at ``reached``. Raises ``BadText``, ``NoSuchName``.
        """
        draft = messages.Draft(
            subject, body, kind, priority, task, tuple(files), requires_response, due_at
        )
        seat, who = self._seat, self._seat.who()
        return _sent(messaging.send(seat.project, who, seat.name(who), to, draft, key=key))

    def reply(self, message: str, body: str) -> Sent:
        """Answer; whoever wrote it gets the answer. Raises ``NotInThread``, ``ThreadEnded``."""
        seat, who = self._seat, self._seat.who()
        return _sent(messaging.reply(seat.project, who, seat.name(who), message, body))

    def ack(self, message: str) -> Message:
        """Take note of the answers in your thread. Raises ``NotInThread``, ``ThreadEnded``."""
        seat, who = self._seat, self._seat.who()
        return Message.of(messaging.acknowledge(seat.project, who, seat.name(who), message))

    def close(self, message: str) -> Message:
        """End your thread; nobody is asked any more. Raises ``NotInThread``, ``ThreadEnded``."""
        seat, who = self._seat, self._seat.who()
        return Message.of(messaging.close(seat.project, who, seat.name(who), message))

    def inbox(self, *, everything: bool = False) -> tuple[Message, ...]:
        """What is unread or waits for your answer, oldest first; from now on it counts as read.

        ``everything``: also what was read and answered.
        """
        seat, who = self._seat, self._seat.who()
        rows = messaging.read_inbox(seat.project, who, seat.name(who), everything=everything)
        return tuple(map(Message.of, rows))

    def list(self, *, sent: bool = False, everything: bool = False) -> tuple[Message, ...]:
        """Your threads, newest first, with receipts.

        ``sent``: every message you wrote; ``everything``: everybody's threads.
        """
        seat = self._seat
        name = "" if everything and not sent else seat.name(seat.who())
        rows = messaging.mine(seat.project, name, sent=sent, everything=everything)
        return tuple(map(Message.of, rows))

    def show(self, message: str) -> tuple[Message, ...]:
        """The whole thread a message is in, in order; what is yours counts as read."""
        seat, who = self._seat, self._seat.who()
        rows = messaging.read_thread(seat.project, who, seat.name(who), message)
        return tuple(map(Message.of, rows))


def _sent(done: messages.Sent) -> Sent:
    return Sent(Message.of(done.message), done.to.reached, dict(done.to.unreachable))
