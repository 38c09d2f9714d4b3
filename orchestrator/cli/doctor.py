"""``orchestrate doctor``: what is active, what is missing, how to mend it."""

from __future__ import annotations

from dataclasses import asdict

import click

from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine.diagnosis import diagnose, mend
from orchestrator.errors import EXIT
from orchestrator.git import find

__all__ = ["command"]

_MARK = {"ok": "✓", "off": "–", "broken": "✗"}


@click.command(name="doctor")
@click.option("--fix", is_flag=True, help="Restore a corrupt store from its last good copy.")
@json_option
def command(fix: bool, as_json: bool) -> int:
    """Say what is active here and what is missing. Exit 1 when something is broken."""
    repository = find()
    done = mend(repository) if fix else []
    findings = diagnose(repository)
    if as_json:
        print_json({"fixed": done, "findings": [asdict(finding) for finding in findings]})
    else:
        out = console()
        for text in done:
            out.print(text, soft_wrap=True)
        for f in findings:
            out.print(f"{_MARK[f.state]} {f.state:<7}{f.subject:<20}{f.message}", soft_wrap=True)
            if f.hint:
                out.print(f"{'':29}{f.hint}", soft_wrap=True)
    return EXIT["failed"] if any(f.state == "broken" for f in findings) else EXIT["ok"]
