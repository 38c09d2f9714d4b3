"""``coord-decisions``: list, look up and log decisions."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.main import run
from orchestrator.cli.output import print_json
from orchestrator.coordination import decisions
from orchestrator.coordination.vocabulary import CATEGORIES, SCOPES
from orchestrator.engine.acting import act, name_of
from orchestrator.engine.project import Project
from orchestrator.status.lock_views import decision_entry
from orchestrator.status.view_names import seconds
from orchestrator.status.views import visible

__all__ = ["command", "main"]


@click.group(name="coord-decisions", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, look up and log decisions."""


@command.command(name="list")
@click.option("--category", type=click.Choice(CATEGORIES), help="Only of this category.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print an array, oldest first.")
def list_(category: str | None, limit: int, as_json: bool) -> None:
    """The latest decisions, oldest first."""
    store = Project.open().store
    rows = store.read(lambda reader: decisions.listed(reader, category=category, limit=limit))
    if as_json:
        print_json([decision_entry(row) for row in reversed(rows)])
        return
    for row in reversed(rows):
        print(visible(f"[{row['id']}] {row['title']}"))
        print(visible(f"  Category: {row['category']}"))
        print(f"  Made At: {seconds(row['decided_at'] or row['created_at'])}")
        print(f"  Status: {row['status']}\n")
    if not rows:
        print("No decisions found")


@command.command()
@click.argument("decision")
def query(decision: str) -> None:
    """One decision, as JSON; also by the id it had before."""
    store = Project.open().store
    print_json(decision_entry(store.read(lambda reader: decisions.find(reader, decision))))


@command.command()
@click.option("--category", type=click.Choice(CATEGORIES), required=True)
@click.option("--title", required=True, help="In one line.")
@click.option("--description", default="", help="In more.")
@click.option("--scope", type=click.Choice(SCOPES), default="module", show_default=True)
@click.option("--quiet", is_flag=True, help="Print the id alone.")
def add(category: str, title: str, description: str, scope: str, quiet: bool) -> None:
    """Log a decision that was made."""
    project = Project.open()
    who = project.caller()
    name = name_of(project, who, None)
    draft = decisions.Draft(title, description, category, scope, affects=("all",))
    row = act(project, who, name, lambda tx, actor: decisions.add(tx, draft, actor=actor))
    project.publish()
    print(row["id"] if quiet else f"Decision logged: {row['id']}")


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:], command, "coord-decisions"))


if __name__ == "__main__":
    main()
