"""``orchestrate doctor``: what is active, what is missing, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import click

from orchestrator.cli.output import console, json_option, print_json
from orchestrator.engine.diagnosis.everything import diagnose, mend
from orchestrator.engine.diagnosis.finding import Finding, Mender
from orchestrator.errors import EXIT, UsageError
from orchestrator.git import find
from orchestrator.hooks import diagnosis as clients

__all__ = ["command"]

_MARK = {"ok": "✓", "off": "–", "broken": "✗"}


@click.command(name="doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely; say what was done.")
@click.option("--remove-old-hooks", is_flag=True,
              help="With --fix: cut the replaced scripts out of client settings.")  # fmt: skip
@json_option
def command(fix: bool, remove_old_hooks: bool, as_json: bool) -> int:
    """Say what is active here, what is a choice (off) and what is broken.

    --fix restores a corrupt store from its last good copy and rewrites hooks of
    ours that are out of date; it never installs what was not there. Exit 1 when
    something is broken.
    """
    if remove_old_hooks and not fix:
        raise UsageError(
            "--remove-old-hooks changes files", hint="say so: doctor --fix --remove-old-hooks"
        )
    repository = find()
    menders: dict[str, Mender] = {"clients": clients.mend}
    if remove_old_hooks:
        menders["replaced scripts"] = clients.mend_old
    done = mend(repository, menders) if fix else []
    findings = diagnose(repository, {"clients": clients.probe})
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        print_json({"fixed": done, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(done or ["nothing to mend"] if fix else [], findings)
    return EXIT["failed"] if broken else EXIT["ok"]


def _show(done: Sequence[str], findings: Sequence[Finding]) -> None:
    out = console()
    for text in done:
        out.print(f"fixed: {text}" if text != "nothing to mend" else text, soft_wrap=True)
    for area, members in groupby(findings, key=lambda finding: finding.area):
        out.print(area)
        for one in members:
            line = f"  {_MARK[one.state]} {one.state:<7}{one.subject:<20} {one.message}"
            out.print(line, soft_wrap=True)
            if one.hint:
                out.print(f"{'':32}{one.hint}", soft_wrap=True)
    counts = {state: sum(one.state == state for one in findings) for state in _MARK}
    out.print(", ".join(f"{count} {state}" for state, count in counts.items()))
