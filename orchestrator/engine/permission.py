"""Asking an owner for permission to change its files, and waiting for the answer.

Where ``approval.ownership`` is ``ask``, the owner gets a message and the ladder
of escalations stands behind it. Until there is an answer the files are not
leased and work on them is not marked ready.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from orchestrator.coordination import messages, permissions
from orchestrator.coordination.paths import Target
from orchestrator.engine.project import Project
from orchestrator.engine.questions import ask
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.policy.escalation import Level
from orchestrator.store.port import Reader, Row, Transaction

__all__ = ["Asked", "Declined", "Foreign", "obtain", "refuse", "request", "sentences"]

#: What belongs to somebody else, with the owner.
Foreign = Sequence[tuple[Target, str]]
_POLL, _LOOK = 0.03, 1.0
_SHOWN = 5


class Asked(OrchestrateError):
    """The files belong to another instance, and it has been asked.

    Happens under ``approval.ownership: ask``. Nothing was taken. Repeat the
    command once there is an answer, or wait for it with ``--wait 10m``.
    """

    code = "E388"
    exit_status = EXIT["held"]


class Declined(OrchestrateError):
    """The owner of the files does not want you to change them.

    Happens under ``approval.ownership: ask``, for a day after the owner or a
    human said no. Ask the owner to make the change; a human may take the files.
    """

    code = "E389"
    exit_status = EXIT["failed"]


def obtain(
    project: Project,
    who: Callable[[Transaction], str],
    foreign: Callable[[str], Foreign],
    *,
    intent: str | None,
    wait: float,
    pause: Callable[[float], None],
) -> float:
    """Have permission for everything, asking where nobody did; the seconds left of ``wait``.

    ``who`` gives the asker in a transaction, ``foreign`` what of its wish
    belongs to others. Raises ``Asked``, ``Declined``.
    """
    deadline = time.monotonic() + wait

    def body(tx: Transaction) -> tuple[str, Foreign]:
        asker = who(tx)
        theirs = foreign(asker)
        request(project, tx, asker, theirs, intent)
        return asker, theirs

    asker, theirs = project.store.write(body, durable=True)
    while True:
        seen = project.store.version()
        try:
            project.store.read(lambda reader: refuse(reader, asker, theirs))
            return max(0.0, deadline - time.monotonic())
        except Asked:
            if time.monotonic() >= deadline:
                raise
        look = min(deadline, time.monotonic() + _LOOK)
        while project.store.version() == seen and time.monotonic() < look:
            pause(_POLL)


def request(
    project: Project, tx: Transaction, asker: str, foreign: Foreign, why: str | None
) -> list[Row]:
    """Ask every owner once about what it was not asked yet; the new questions."""
    new: dict[str, list[Target]] = {}
    for want, owner in foreign:
        if permissions.standing(tx, asker, owner, want) is None:
            new.setdefault(owner, []).append(want)
    return [_ask(project, tx, asker, owner, wants, why) for owner, wants in new.items()]


def _ask(
    project: Project, tx: Transaction, asker: str, owner: str, wants: list[Target], why: str | None
) -> Row:
    names = _listed(wants)
    about = f"{asker} → {owner}: {' '.join(sorted(str(want) for want in wants))}"
    first = project.config.escalation.levels[0]
    data = {"owner": owner, "targets": permissions.plain(wants)}
    question = ask(
        tx,
        project,
        permissions.KIND,
        actor=asker,
        instance=asker,
        handoff=None,
        question=f"May {asker} change {names}? It belongs to {owner}.",
        reason=why or "it said no reason",
        data=data,
        about=about,
        before=(Level("owner", (owner,), int(first.ack_within * 1000)),),
    )
    sent = messages.send(tx, project.config, asker, owner, _message(question, names), actor=asker)
    data["message"] = sent.message["id"]
    tx.update("escalations", {"id": question["id"]}, {"data": json.dumps(data)})
    return question


def _message(question: Row, names: str) -> messages.Draft:
    lines = [question["reason"]] + [
        f'orchestrate escalation {answer} {question["id"]} --reason "…"'
        for answer in ("approve", "reject")
    ]
    return messages.Draft(f"May I change {names}?"[:200], "\n".join(lines), "question")


def _listed(wants: Sequence[Target]) -> str:
    more = f" and {len(wants) - _SHOWN} more" if len(wants) > _SHOWN else ""
    return ", ".join(str(want) for want in wants[:_SHOWN]) + more


def sentences(reader: Reader, asker: str, foreign: Foreign) -> list[tuple[str, Row | None, str]]:
    """What is not allowed (yet): how it stands, the question, and a sentence."""
    found: list[tuple[str, Row | None, str]] = []
    for want, owner in foreign:
        state, row = permissions.standing(reader, asker, owner, want) or ("unasked", None)
        if state == "refused" and row:
            said = f"{row['answered_by']} said no: {row['answer_reason']}"
            found.append((state, row, f"{want} belongs to {owner}; {said}"))
        elif state != "allowed":
            asked = f", who was asked ({row['id']})" if row else ""
            found.append((state, row, f"{want} belongs to {owner}{asked}"))
    return found


def refuse(reader: Reader, asker: str, foreign: Foreign) -> None:
    """Raise ``Declined`` or ``Asked`` unless everything is allowed."""
    found = sentences(reader, asker, foreign)
    for state, row, sentence in found:
        if state == "refused" and row:
            raise Declined(sentence, hint=f"orchestrate escalation show {row['id']}")
    for _, row, sentence in found:
        name = row["id"] if row else "ID"
        raise Asked(sentence, hint=f"wait with --wait 10m; orchestrate escalation show {name}")
