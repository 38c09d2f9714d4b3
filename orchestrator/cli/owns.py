"""``orchestrate owns``: whose file this is."""

from __future__ import annotations

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json
from orchestrator.engine import leasing
from orchestrator.engine.project import Project

__all__ = ["command"]

_MEANS = {
    "warn": "others may change it; that is said when they mark ready",
    "ask": "others ask before they change it",
    "deny": "others cannot mark a change to it ready",
}


@click.command(name="owns")
@click.argument("path")
@json_option
def command(path: str, as_json: bool) -> None:
    """Whose PATH is, by the file_patterns of the configuration, and what that means."""
    project = Project.open()
    (target,) = leasing.targets(project, [path])
    owners, policy = leasing.owners(project, target), project.config.approval.ownership
    if as_json:
        print_json({"path": str(target), "owners": owners, "ownership": policy})
    elif owners:
        print(printable(f"{target} belongs to {', '.join(owners)} ({policy}: {_MEANS[policy]})"))
    else:
        print(printable(f"{target} belongs to nobody: everybody may change it"))
