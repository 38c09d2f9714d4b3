"""``orchestrate explain``: which rule decided, and what would have flipped it."""

from __future__ import annotations

import json
from typing import Any

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.policy.verdict import Decision
from orchestrator.report.explain import explain
from orchestrator.store.port import Reader, Row

__all__ = ["command"]


@click.command(name="explain")
@click.argument("handoff")
@json_option
def command(handoff: str, as_json: bool) -> None:
    """Which clause decided about HANDOFF, with its values, and what would have flipped it."""
    project = Project.open()
    row = project.store.read(lambda reader: row_of(reader, "handoffs", handoff))
    decision = json.loads(row["data"] or "{}").get("decision")
    answered = project.store.read(lambda reader: _answered(reader, row))
    if as_json:
        value = {"handoff": handoff, "decision": decision, "approved_by": row["approved_by"]}
        print_json({**value, "answered": answered})
    elif decision is None:
        print(f"{handoff} has not been judged yet (attempt {row['attempt']})")
    else:
        print(explain(Decision.from_json(decision)))
        if answered:
            said = f"{answered['id']} answered: {answered['answer']} by {answered['by']}"
            print(f"{said}: {answered['reason']}")
        elif row["approved_by"]:
            print(f"approved by {row['approved_by']}")


def _answered(reader: Reader, handoff: Row) -> dict[str, Any] | None:
    """The last answer about the handoff's current commit: it overrules what the rules said."""
    where = {"handoff": handoff["id"], "head": handoff["head"], "status": "answered"}
    rows = reader.find("escalations", where, order="-answered_at", limit=1)
    if not rows:
        return None
    found = rows[0]
    return {
        "id": found["id"],
        "answer": found["answer"],
        "by": found["answered_by"],
        "reason": found["answer_reason"],
    }
