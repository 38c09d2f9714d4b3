"""What becomes of a decision: input, objection, the decision itself, its end.

The table says which step is possible from where; only a human gets a decision
out of ``objected``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from orchestrator.coordination import texts
from orchestrator.coordination.decisions import UnusableDecision, change, find
from orchestrator.errors import EXIT, OrchestrateError
from orchestrator.store.port import Reader, Row, Transaction

__all__ = [
    "STEPS",
    "NeedsHuman",
    "NotPossible",
    "archive",
    "decide",
    "deprecate",
    "due",
    "give_input",
    "implement",
    "missing_inputs",
    "object_to",
    "settle",
    "supersede",
    "uphold",
]

#: Step → the statuses it is possible from.
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("proposed", "objected"),
    "object": ("proposed", "accepted", "implemented", "objected"),
    "decide": ("proposed", "objected"),
    "implement": ("accepted",),
    "supersede": ("proposed", "accepted", "implemented", "deprecated", "objected"),
    "deprecate": ("proposed", "accepted", "implemented", "objected"),
}

#: By whom a decision is taken that nobody took in time.
DEFAULT: Final = "default"


class NotPossible(OrchestrateError):
    """This cannot be done with the decision as it stands; nothing was changed.

    The message says where it stands, the hint what is possible from there.
    """

    code = "E383"
    exit_status = EXIT["stale"]


class NeedsHuman(OrchestrateError):
    """Somebody objected to this decision, so a human decides.

    Nothing was changed. Ask the person you work for to answer the escalation:
    ``orchestrate escalation list`` shows it.
    """

    code = "E384"
    exit_status = EXIT["failed"]


def give_input(
    tx: Transaction, name: str, body: str, *, actor: str, instance: str | None = None
) -> Row:
    """Say what speaks for or against; a later input of the same instance replaces it."""
    row = _at(tx, name, "input")
    return _opinion(tx, row, "input", body, actor, instance or actor, {})


def object_to(
    tx: Transaction, name: str, body: str, *, actor: str, instance: str | None = None
) -> Row:
    """Disagree: the decision is ``objected`` until a human has decided."""
    row = _at(tx, name, "object")
    data = json.loads(row["data"] or "{}")
    data.setdefault("before_objection", row["status"])
    changes = {"status": "objected", "data": json.dumps(data)}
    return _opinion(tx, row, "object", body, actor, instance or actor, changes)


def _opinion(
    tx: Transaction, row: Row, verb: str, body: str, actor: str, instance: str, changes: Row
) -> Row:
    if not body.strip():
        raise UnusableDecision("nothing was said", hint="say it: --body TEXT")
    said = {
        "kind": "objection" if verb == "object" else "input",
        "body": texts.body(body),
        "at": tx.now,
    }
    key = {"decision": row["id"], "instance": instance}
    if not tx.update("opinions", key, said):
        tx.insert("opinions", {**key, **said})
    return change(tx, row, verb, changes, actor=actor, reason=body, by=instance)


def missing_inputs(reader: Reader, row: Row) -> list[str]:
    """The instances whose input is wanted and not there."""
    given = {o["instance"] for o in reader.find("opinions", {"decision": row["id"]})}
    return [name for name in json.loads(row["inputs_needed"] or "[]") if name not in given]


def decide(
    tx: Transaction,
    name: str,
    *,
    rationale: str,
    actor: str,
    human: bool,
    option: str | None = None,
    decision: str | None = None,
    anyway: bool = False,
) -> Row:
    """Decide a proposal, by one of its options or in words.

    Wanted inputs have to be there, unless the deadline has passed, a human
    decides or ``anyway``. Raises ``NotPossible``, ``NeedsHuman``,
    ``UnusableDecision``.
    """
    row = _at(tx, name, "decide", human)
    chosen = _chosen(row, option, decision)
    lacking = missing_inputs(tx, row)
    late = row["deadline_at"] is not None and row["deadline_at"] <= tx.now
    if lacking and not (human or anyway or late):
        raise NotPossible(
            f"{row['id']} waits for the input of {', '.join(lacking)}",
            hint=f"orchestrate decision input {row['id']} --body TEXT, or decide --anyway",
        )
    return _accept(tx, row, "decide", chosen, texts.body(rationale, "rationale"), actor, lacking)


def _chosen(row: Row, option: str | None, decision: str | None) -> str:
    names = [o["option"] for o in json.loads(row["options"] or "[]")]
    if option is not None and option not in names:
        hint = f"options: {', '.join(names) or 'none; say it with --decision TEXT'}"
        raise UnusableDecision(f"{row['id']} has no option {option!r}", hint=hint)
    said = ": ".join(part for part in (option, decision) if part)
    if not said.strip():
        hint = "--option NAME or --decision TEXT"
        raise UnusableDecision("it is not said what is decided", hint=hint)
    return texts.body(said, "decision")


def _accept(
    tx: Transaction,
    row: Row,
    verb: str,
    chosen: str,
    rationale: str,
    actor: str,
    lacking: list[str],
    by: str | None = None,
) -> Row:
    makers = json.loads(row["decided_by"] or "[]")
    changes = {
        "status": "accepted",
        "decision": chosen,
        "rationale": rationale,
        "decided_at": tx.now,
        "decided_by": json.dumps([*dict.fromkeys([*makers, by or actor])]),
        "data": _no_objection(row),
    }
    told = {"chosen": chosen, "missing_inputs": lacking}
    return change(tx, row, verb, changes, actor=actor, reason=rationale, **told)


def _no_objection(row: Row) -> str:
    data = json.loads(row["data"] or "{}")
    data.pop("before_objection", None)
    return json.dumps(data)


def uphold(tx: Transaction, name: str, *, actor: str, reason: str, stands: bool) -> Row:
    """A human's answer to an objection: the decision stands as before, or is set aside."""
    row = _at(tx, name, "decide", human=True)
    before = json.loads(row["data"] or "{}").get("before_objection", "accepted")
    changes = {"status": before if stands else "deprecated", "data": _no_objection(row)}
    return change(tx, row, "uphold" if stands else "deprecate", changes,
                  actor=actor, reason=reason)  # fmt: skip


def supersede(tx: Transaction, name: str, by: str, *, actor: str, human: bool) -> Row:
    """Say that decision ``by`` takes the place of ``name``. Raises ``NotPossible``."""
    row, other = _at(tx, name, "supersede", human), find(tx, by)
    later: Row | None = other
    while later is not None:
        if later["id"] == row["id"]:
            raise NotPossible(f"{other['id']} is itself superseded by {row['id']}, or is the same")
        later = tx.get("decisions", id=later["superseded_by"]) if later["superseded_by"] else None
    changes = {"status": "superseded", "superseded_by": other["id"], "data": _no_objection(row)}
    return change(tx, row, "supersede", changes, actor=actor, by=other["id"])


def implement(tx: Transaction, name: str, *, actor: str) -> Row:
    """Say that the code now does what was decided."""
    return change(tx, _at(tx, name, "implement"), "implement",
                  {"status": "implemented"}, actor=actor)  # fmt: skip


def deprecate(tx: Transaction, name: str, *, actor: str, human: bool, reason: str) -> Row:
    """Say that the decision is no longer to be followed."""
    row = _at(tx, name, "deprecate", human)
    changes = {"status": "deprecated", "data": _no_objection(row)}
    return change(tx, row, "deprecate", changes, actor=actor, reason=reason)


def archive(tx: Transaction, keep: int, *, actor: str) -> list[str]:
    """Archive all but the newest ``keep`` settled decisions; the ids, oldest first.

    What is proposed or objected to is never archived. Nothing is removed: ids
    stay taken, and ``find`` finds them.
    """
    if keep < 0:
        raise UnusableDecision(f"{keep} decisions cannot be kept")
    settled = ("accepted", "implemented", "deprecated", "superseded")
    rows = tx.find("decisions", {"archived": 0, "status": settled})
    rows.sort(key=lambda row: (row["created_at"], row["id"]))
    old = rows[: max(0, len(rows) - keep)]
    for row in old:
        change(tx, row, "archive", {"archived": 1}, actor=actor)
    return [row["id"] for row in old]


def due(reader: Reader, now: int) -> list[Row]:
    """Proposals whose deadline has passed, the longest overdue first."""
    rows = reader.find("decisions", {"status": "proposed"}, order="deadline_at")
    return [row for row in rows if row["deadline_at"] is not None and row["deadline_at"] <= now]


def settle(tx: Transaction, now: int, *, actor: str) -> list[Row]:
    """Let the default hold where nobody decided by the deadline; the decisions it settled.

    A proposal without a default goes on waiting, and so does one somebody
    objected to.
    """
    settled = []
    for row in due(tx, now):
        if row["fallback"] is not None:
            why = "nobody decided by the deadline, so the default holds"
            lacking = missing_inputs(tx, row)
            settled.append(
                _accept(tx, row, "default", row["fallback"], why, actor, lacking, by=DEFAULT)
            )
    return settled


def _at(tx: Transaction, name: str, step: str, human: bool = False) -> Row:
    """The decision, if ``step`` is possible where it stands."""
    row = find(tx, name)
    if row["status"] not in STEPS[step]:
        steps = ", ".join(s for s, statuses in STEPS.items() if row["status"] in statuses)
        raise NotPossible(
            f"{row['id']} is {row['status']}", hint=f"from there: {steps or 'nothing'}"
        )
    if row["status"] == "objected" and step not in ("input", "object") and not human:
        raise NeedsHuman(f"somebody objected to {row['id']}, so a human decides")
    return row
