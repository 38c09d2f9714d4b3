"""Emergency rules: what happens at once, without anybody being asked.

A rule acts on the edge: once when it begins to hold for an instance, and again
only after it has stopped holding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.coordination.callers import Caller
from orchestrator.engine.handoff import release
from orchestrator.engine.judgement import instance_facts, integration_facts
from orchestrator.engine.lease import Lease
from orchestrator.engine.project import Project, put, setting
from orchestrator.engine.questions import ask
from orchestrator.engine.rollback import undo_latest
from orchestrator.errors import OrchestrateError
from orchestrator.lifecycle.states import Event, State, possible
from orchestrator.policy.rules import RuleError, evaluate
from orchestrator.store.port import NewEvent, Row, Transaction

__all__ = ["react"]

#: What is kept of a rule that holds: ``1``, or while it acts how many actions were begun.
_BEGUN = "begun:"


def react(project: Project, lease: Lease) -> None:
    """Evaluate every emergency rule on every instance and do what newly holds."""
    if not project.config.emergency:
        return
    rows, integration, now = project.store.read(
        lambda reader: (reader.find("instances"), integration_facts(project, reader), reader.now)
    )
    for number, rule in enumerate(project.config.emergency):
        about_instances = "instance." in rule.when
        for row in rows if about_instances else [r for r in rows if r["id"] == project.verifier]:
            facts = {
                "instance": instance_facts(project.config, row, now),
                "integration": integration,
                "report": {},
                "handoff": {},
            }
            key = f"emergency:{number}:{row['id'] if about_instances else '*'}"
            done = _done(project, lease, key, rule.when, facts)
            if done is not None:
                _act(project, lease, key, rule.when, rule.do[done:], row, done)


def _done(project: Project, lease: Lease, key: str, when: str, facts: dict[str, Any]) -> int | None:
    """How many actions were begun since ``when`` holds; None when there is nothing to do.

    More than 0 after a watch was killed among them: the rest is still to do.
    """
    try:
        holds = evaluate(when, facts)
    except RuleError as error:
        _say_once(project, lease, key, str(error))
        return None
    was = project.store.read(lambda reader: setting(reader, key)) or "0"
    if not holds and was != "0":
        _note(project, lease, key, "0")
    if not holds or was == "1":
        return None
    return int(was.removeprefix(_BEGUN)) if was.startswith(_BEGUN) else 0


def _note(project: Project, lease: Lease, key: str, value: str) -> None:
    def body(tx: Transaction) -> None:
        lease.check(tx)
        put(tx, key, value)

    project.store.write(body, durable=True)


def _say_once(project: Project, lease: Lease, key: str, message: str) -> None:
    """A rule that cannot be evaluated never acts; it is recorded once."""

    def body(tx: Transaction) -> None:
        lease.check(tx)
        if setting(tx, key) != message:
            put(tx, key, message)
            tx.record(NewEvent("emergency.errored", project.verifier, reason=message))

    project.store.write(body)


def _act(
    project: Project,
    lease: Lease,
    key: str,
    when: str,
    actions: tuple[str, ...],
    row: Row,
    done: int,
) -> None:
    """Do ``actions``, each at most once: it is noted before it is begun."""
    for number, name in enumerate(actions, start=done + 1):
        _note(project, lease, key, f"{_BEGUN}{number}")
        try:
            said = _ACTIONS[name](project, lease, when, row)
        except OrchestrateError as error:
            said = f"not done: {error.message}"
        told = {"action": name, "rule": when}
        event = NewEvent(
            "emergency.act", project.verifier, row["id"], row["handoff"], said, data=told
        )

        def body(tx: Transaction, event: NewEvent = event) -> None:
            lease.check(tx)
            tx.record(event)

        project.store.write(body, durable=True)
    _note(project, lease, key, "1")


def _return_task(project: Project, lease: Lease, when: str, row: Row) -> str:
    """Release a dead instance, which frees its leases and returns its task."""
    if Event.RELEASE not in possible(State(row["state"])):
        return f"nothing to return in {row['state']}"
    who = Caller(project.verifier, human=False)
    release(project, who, row["id"], reason=f"emergency: {when}", coordinates=True)
    return f"released; task returned: {row['task']}"


def _notify(project: Project, lease: Lease, when: str, row: Row) -> str:
    return f"{when} holds for {row['id']}"


def _freeze(project: Project, lease: Lease, when: str, row: Row) -> str:
    project.store.write(lambda tx: put(tx, "integration_frozen", "1"))
    return "nothing lands until: orchestrate handoff thaw"


def _rollback(project: Project, lease: Lease, when: str, row: Row) -> str:
    return undo_latest(project, project.verifier, f"emergency: {when}")


def _escalate(project: Project, lease: Lease, when: str, row: Row) -> str:
    def body(tx: Transaction) -> Row:
        lease.check(tx)
        return ask(
            tx,
            project,
            "emergency",
            actor=project.verifier,
            instance=row["id"],
            handoff=None,
            question="An emergency rule fired. What now?",
            reason=when,
        )

    return str(project.store.write(body, durable=True)["id"])


#: Action of the configuration → what it does; gives the sentence for the record.
_ACTIONS: dict[str, Callable[[Project, Lease, str, Row], str]] = {
    "release_leases": _return_task,
    "return_task": _return_task,
    "notify": _notify,
    "freeze": _freeze,
    "rollback": _rollback,
    "escalate": _escalate,
}
