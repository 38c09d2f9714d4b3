"""``orchestrate explain``: which rule decided, and what would have flipped it."""

from __future__ import annotations

import json

import click

from orchestrator.cli.output import json_option, print_json
from orchestrator.engine.project import Project
from orchestrator.engine.transition import row_of
from orchestrator.policy.verdict import Decision
from orchestrator.report.explain import explain

__all__ = ["command"]


@click.command(name="explain")
@click.argument("handoff")
@json_option
def command(handoff: str, as_json: bool) -> None:
    """Which clause decided about HANDOFF, with its values, and what would have flipped it."""
    project = Project.open()
    row = project.store.read(lambda reader: row_of(reader, "handoffs", handoff))
    decision = json.loads(row["data"] or "{}").get("decision")
    if as_json:
        print_json({"handoff": handoff, "decision": decision, "approved_by": row["approved_by"]})
    elif decision is None:
        print(f"{handoff} has not been judged yet (attempt {row['attempt']})")
    else:
        print(explain(Decision.from_json(decision)))
        if row["approved_by"]:
            print(f"approved by {row['approved_by']}")
