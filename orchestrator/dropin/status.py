"""``coord-status``: who is here, what each one does and holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from orchestrator.cli.main import run
from orchestrator.cli.output import print_json
from orchestrator.cli.status import StatusUnreadable, document_now, read_document, say_age
from orchestrator.errors import OrchestrateError
from orchestrator.git import find
from orchestrator.status.lock_views import present, work_registry
from orchestrator.status.view_files import LOCKS
from orchestrator.status.views import visible

__all__ = ["command", "lines", "main"]

Json = dict[str, Any]

_WIDE, _THIN = "=" * 38, "-" * 38


@click.command(name="coord-status")
@click.option("--json", "as_json", is_flag=True, help="Print the work registry.")
@click.option("--verbose", is_flag=True, help="Also every lock, and the latest decisions.")
@click.option("--from", "source", metavar="FILE", help="Answer from a status document alone.")
def command(as_json: bool, verbose: bool, source: str | None) -> None:
    """Show the instances that are here, and what they hold."""
    if source is None:
        document = document_now()
    else:
        document = read_document(source)
        say_age(document, source)
    try:
        if as_json:
            print_json(work_registry(document, f"{_top()}{LOCKS}/heartbeats"))
        else:
            print("\n".join(lines(document, verbose=verbose)))
    except (KeyError, TypeError, AttributeError) as error:
        raise StatusUnreadable(f"the status document lacks {error}") from error


def _top() -> str:
    """The worktree's folder with a slash; empty outside a repository."""
    try:
        return f"{find().worktree}/"
    except OrchestrateError:
        return ""


def lines(document: Json, *, verbose: bool = False) -> Iterator[str]:
    """The screen of the original, line by line."""
    rows = {row["metadata"]["user"]: row for row in work_registry(document, "")["instances"]}
    yield from (_WIDE, "  Claude Code Coordination Status", _WIDE, "")
    yield f"Active Instances: {len(rows)}"
    yield ""
    for name in present(document):
        yield from _instance(name, rows[name], document)
        yield ""
    yield _THIN
    yield f"Total File Locks: {len(document['leases'])}"
    yield f"Total Decisions Logged: {document['decisions']['total']}"
    if verbose:
        yield from _locks(document)
        yield from _decisions(document)
    yield _WIDE


def _instance(name: str, row: Json, document: Json) -> Iterator[str]:
    known = document["instances"].get(name) or {}
    files = [lease["path"] for lease in document["leases"] if lease["instance"] == name]
    yield visible(f"Instance: {name}")
    yield visible(f"  Role: {known.get('role') or 'main'}")
    yield visible(f"  Task: {row['current_task']['description'] or '–'}")
    yield visible(f"  Branch: {row['metadata']['branch'] or '–'}")
    yield f"  Status: {row['status']}"
    yield f"  Files Locked: {len(files)}"
    yield f"  Last Heartbeat: {row['heartbeat']['last_ping']}"
    if files:
        yield "  Locked Files:"
        yield from (visible(f"    - {path}") for path in files)


def _locks(document: Json) -> Iterator[str]:
    yield from ("", "File Locks:")
    for lease in document["leases"]:
        until = (lease["expiresAt"] or "")[:19]
        ends = f"{until}Z" if until else f"when {lease['handoff']} ends"
        yield visible(f"  {lease['path']}")
        yield visible(f"    Locked By: {lease['instance']}")
        yield visible(f"    Type: {'read-many' if lease['mode'] == 'shared' else 'write'}")
        yield visible(f"    Expires: {ends}")
        if lease.get("intent"):
            yield visible(f"    Intent: {lease['intent']}")


def _decisions(document: Json) -> Iterator[str]:
    yield from ("", "Recent Decisions:")
    for row in document["decisions"]["latest"]:
        yield visible(f"  [{row['id']}] {row['title']} ({row['category']}, {row['status']})")


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:], command, "coord-status"))


if __name__ == "__main__":
    main()
